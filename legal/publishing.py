"""Making a draft public under a number, bringing announced versions into force, and taking an announcement back.

The date decides what is in force, not the task that notes it: `bring_into_force` only brings the statuses into line.
"""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from legal.examination import Examination, examine
from legal.markdown import head
from legal.models import NOTICE, Document, DocumentVersion, PublishedPdf, VersionStatus
from legal.models.document import digest
from legal.variables import in_words
from levqor.lib.actors import SYSTEM, staff
from levqor.lib.states import StaleStateError, move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from levqor.accounts.models import User


logger = structlog.get_logger(__name__)


class RefusedError(Exception):
    """Why a version cannot be published; each of `reasons` is a sentence for people."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class UnreadError(RefusedError):
    """What would be published is not what was read."""


UNREAD = (
    "The text is not the one that you have read: a price, a promise or the day in it is another one. It is shown below as "
    "it would be published; read it, and publish it then."
)


def publish(
    version: DocumentVersion,
    *,
    by: "User | None",
    at: datetime,
    effective_at: datetime | None = None,
    is_material: bool = False,
    reason: str,
    shown: str | None = None,
    companions: "Mapping[str, set[str]] | None" = None,
) -> DocumentVersion:
    """Freezes the draft under the next number, in force at once or from `effective_at` on.

    `by` is None for the loader of the first texts alone. `shown` is the fingerprint of the text that `by` had read;
    UnreadError where it would read otherwise on its day, by a price that has changed say. Raises RefusedError where the
    text or the date will not do, and StaleStateError where somebody else changed, published or discarded the draft.
    """
    with transaction.atomic():
        document = Document.objects.locked(version.document_id)
        _hold(version)
        effective = effective_at or at
        on = timezone.localdate(effective)
        examination = examine(document.slug, version.source, on=on, at=at, companions=companions)
        refusals = examination.problems + _refusals(
            version, by, effective, is_material=is_material, reason=reason, at=at
        )
        if refusals:
            raise RefusedError(*refusals)
        if shown is not None and shown != examination.fingerprint:
            raise UnreadError(UNREAD)
        is_current = effective <= at
        if is_current:
            _bring_due(document, at=at)
            _supersede(document, at=at)
        changes = _frozen(version, examination, effective) | {
            "change_note": reason.strip(),
            "is_material": is_material,
            "published_by": by,
            "published_at": at,
        }
        to = VersionStatus.IN_FORCE if is_current else VersionStatus.SCHEDULED
        move(version, to, by=staff(by) if by else SYSTEM, at=at, reason=reason.strip(), **changes)
        # With its fonts half a second to load, which no process should wait for at its start.
        from legal.pdf import of_version  # noqa: PLC0415

        content = of_version(version)
        PublishedPdf.objects.create(version=version, content=content, sha256=hashlib.sha256(content).hexdigest())
    return version


def _hold(version: DocumentVersion) -> None:
    """Locks the draft; StaleStateError where its words are not those that `version` was read with."""
    same = DocumentVersion.objects.select_for_update().filter(pk=version.pk, edit_count=version.edit_count)
    if same.values_list("pk", flat=True).first() is None:
        raise StaleStateError(f"{version} was changed by somebody else in the meantime; look at it again.")


def _frozen(version: DocumentVersion, examination: Examination, effective: datetime) -> dict[str, Any]:
    last = DocumentVersion.objects.filter(document=version.document_id).aggregate(number=Max("number"))["number"] or 0
    words = f"Version {last + 1}, in force from {in_words(timezone.localdate(effective))}"
    html = f"{head(examination.title, examination.summary, words)}\n{examination.body}\n"
    return {
        "number": last + 1,
        "title": examination.title[:200],
        "summary": examination.summary,
        "html": html,
        "outline": examination.outline,
        "facts": examination.facts,
        "sha256": digest(html),
        "effective_at": effective,
    }


def _refusals(
    version: DocumentVersion, by: "User | None", effective: datetime, *, is_material: bool, reason: str, at: datetime
) -> list[str]:
    """What stands against publishing, the text itself aside."""
    refusals = [] if reason.strip() else ["Say what changes, and why: readers see it beside the version."]
    if by and wrote(version, by):
        refusals.append("You wrote in this draft: somebody else has to publish it.")
    if effective < at:
        refusals.append("A version cannot come into force before it is published.")
    latest = _latest(version)
    if latest and latest.effective_at and effective <= latest.effective_at:
        when = in_words(timezone.localdate(latest.effective_at))
        refusals.append(f"{latest} counts from {when}: choose a later day, or withdraw it where it is announced only.")
    if latest and is_material and effective < earliest_for_material(at=at):
        first = in_words(timezone.localdate(earliest_for_material(at=at)))
        refusals.append(f"A material change is announced {NOTICE.days} days ahead: the earliest day is {first}.")
    return refusals


def _latest(version: DocumentVersion) -> DocumentVersion | None:
    binding = DocumentVersion.objects.binding().light()
    return binding.filter(document=version.document_id).order_by("-effective_at").first()


def earliest_for_material(*, at: datetime) -> datetime:
    """The beginning of the first day on which a material change published now may come into force."""
    return start_of_day(at + NOTICE)


def start_of_day(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0)


def wrote(version: DocumentVersion, user: "User") -> bool:
    return version.author_id == user.pk or version.draft_edits.filter(user=user).exists()


def withdraw(version: DocumentVersion, *, by: "User", at: datetime, reason: str) -> None:
    """Takes an announced version back before its day; it keeps its number and its address."""
    with transaction.atomic():
        Document.objects.locked(version.document_id)
        if version.effective_at and version.effective_at <= at:
            raise RefusedError(f"{version} is in force already.")
        move(version, VersionStatus.WITHDRAWN, by=staff(by), at=at, reason=reason)


def bring_into_force(*, at: datetime) -> int:
    """Notes every announced version whose day has come, and the one it replaces; returns how many.

    A document that fails holds up no other: its error is logged, the back office shows it as overdue, and the next run
    tries again.
    """
    due = DocumentVersion.objects.filter(status=VersionStatus.SCHEDULED, effective_at__lte=at)
    count = 0
    for pk in due.values_list("document", flat=True).order_by("document").distinct():
        try:
            with transaction.atomic():
                count += _bring_due(Document.objects.locked(pk), at=at)
        except Exception:  # whatever it is: readers see what the date says, and the next document does not wait
            logger.exception("version_not_in_force", document=pk)
    return count


def _bring_due(document: Document, *, at: datetime) -> int:
    due = document.versions.filter(status=VersionStatus.SCHEDULED, effective_at__lte=at).light()
    versions = list(due.order_by("effective_at"))
    for version in versions:
        _supersede(document, at=at)
        move(version, VersionStatus.IN_FORCE, by=SYSTEM, at=at)
    return len(versions)


def _supersede(document: Document, *, at: datetime) -> None:
    for old in document.versions.filter(status=VersionStatus.IN_FORCE).light():
        move(old, VersionStatus.SUPERSEDED, by=SYSTEM, at=at)
