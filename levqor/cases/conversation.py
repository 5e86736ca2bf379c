"""Writing about a case: what the customer says, what staff answer in public, and what stays among staff."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from levqor.audit.models import record
from levqor.cases.files import JudgedFile
from levqor.cases.models import Case, CaseFile, CaseMessage, Deadline, FileContent, Side
from levqor.lib.actors import Actor

MAX_FILES_OF_A_CASE = 25


class TooManyFilesError(Exception):
    """The case holds as many files as it may; the text is fit for people."""


def customer_writes(
    case: Case, body: str, files: Sequence[JudgedFile], *, submission: UUID, by: Actor, at: datetime
) -> CaseMessage | None:
    """Keeps what the customer wrote, and lets the clock go on that waited for it; None where it was kept before."""
    with transaction.atomic():
        locked = Case.objects.locked(case.pk)
        if CaseMessage.objects.filter(submission=submission).exists():
            return None
        message = CaseMessage.objects.create(
            case=locked, side=Side.CUSTOMER, is_public=True, body=body, written_at=at, submission=submission
        )
        keep_files(locked, files, message=message, side=Side.CUSTOMER, at=at)
        if deadline := Deadline.objects.current_of(locked):
            deadline.resume(at=at)
        locked.touch()
        record("customer.wrote", locked, by=by, at=at, changes={"message": message.pk})
    return message


def staff_writes(
    case: Case, body: str, *, is_public: bool, by: Actor, at: datetime, files: Sequence[JudgedFile] = ()
) -> CaseMessage:
    """Keeps an answer to the customer or a note. The first public answer is when we answered."""
    with transaction.atomic():
        message = CaseMessage.objects.create(
            case=case, side=Side.STAFF, author_id=by.user_id, is_public=is_public, body=body, written_at=at
        )
        keep_files(case, files, message=message, side=Side.STAFF, at=at)
        rows = Case.objects.filter(pk=case.pk)
        rows.update(revision=F("revision") + 1)
        if is_public:
            rows.filter(answered_at__isnull=True).update(answered_at=at)
        record("replied" if is_public else "noted", case, by=by, at=at, changes={"message": message.pk})
    return message


def keep_files(
    case: Case, files: Sequence[JudgedFile], *, message: CaseMessage | None, side: Side, at: datetime
) -> list[CaseFile]:
    """Stores the files with what they came with: a file has the visibility of its message."""
    if not files:
        return []
    kept = case.files.count()
    if kept + len(files) > MAX_FILES_OF_A_CASE:
        raise TooManyFilesError(f"This case holds {kept} files already, and {MAX_FILES_OF_A_CASE} is the most.")
    return [
        CaseFile.objects.create(
            case=case,
            message=message,
            side=side,
            name=file.name,
            content_type=file.content_type,
            size=len(file.content),
            sha256=file.sha256,
            content=FileContent.objects.create(content=file.content),
            uploaded_at=at,
        )
        for file in files
    ]
