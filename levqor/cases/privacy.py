"""A person's data in cases: handed out on request, taken out on request or when its time is over.

What stays of an erased case is its reference, its dates, its decisions and its money; the audit trail names nobody and is
never touched.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Q

from levqor.audit.models import AuditEntry, AuditNote, record
from levqor.cases.models import Case, CaseAnnex, CaseFile, CaseMessage, CaseRepeat, FileContent
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.events import emit
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import about

ERASED: Final = "[erased]"
# Where a case came from serves against abuse alone.
ANNEX_KEPT: Final = timedelta(days=90)
# Six years after a case is closed nothing can be claimed from it any more (Limitation Act 1980, s. 5).
CASE_KEPT: Final = timedelta(days=6 * 365 + 2)
BATCH: Final = 200


class StillOpenError(Exception):
    """The case is not closed; the text is fit for people."""


def export_person(email: str) -> dict[str, Any]:
    """Everything that cases hold of the person with this address, as they may read it: notes among staff are not theirs."""
    cases = Case.objects.filter(email__iexact=email).select_related("annex").prefetch_related("files").order_by("pk")
    return {"email": email, "cases": [_exported(case) for case in cases]}


def _exported(case: Case) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "reference": case.reference,
        "name": case.full_name,
        "account": case.account_name,
        "submitted_at": case.submitted_at.isoformat(),
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "messages": [
            {"from": message.side, "at": message.written_at.isoformat(), "text": message.body}
            for message in CaseMessage.objects.public().filter(case=case).order_by("written_at", "pk")
        ],
        "files": [{"name": file.name, "sha256": file.sha256, "bytes": file.size} for file in case.files.public()],
    }
    if annex := getattr(case, "annex", None):
        facts["sent_from"] = {"network": annex.network, "program": annex.user_agent}
    # The room of the case adds what stands there.
    emit("case.exported", case=case, facts=facts)
    return facts


def erase_case(case: Case, *, by: Actor, at: datetime, reason: str) -> None:
    """Takes the person out of a closed case, for good. Raises StillOpenError; a second time does nothing."""
    with transaction.atomic():
        locked = Case.objects.locked(case.pk)
        if locked.erased_at:
            return
        if locked.closed_at is None:
            raise StillOpenError(f"{locked} is not closed: decide it first, or ask the customer to withdraw it.")
        contents = list(CaseFile.objects.filter(case=locked).values_list("content", flat=True))
        CaseFile.objects.filter(case=locked).delete()
        FileContent.objects.filter(pk__in=contents).delete()
        CaseAnnex.objects.filter(case=locked).delete()
        CaseMessage.objects.filter(case=locked).update(body=ERASED)
        CaseRepeat.objects.filter(case=locked).delete()
        letters = OutgoingMail.objects.filter(about=about(locked))
        letters.cancel_unattempted()
        letters.filter(to_email__iexact=locked.email).update(to_email="")
        letters.update(subject=ERASED, text_body=ERASED, html_body=ERASED, acting_links=[])
        gone = {
            "full_name": "",
            "email": "",
            "account_name": "",
            "erased_at": at,
            "link_number": locked.link_number + 1,
        }
        Case.objects.filter(pk=locked.pk).update(**gone)
        emit("case.erased", case=locked, at=at)
        erase_reasons(locked)
        record("erased", locked, by=by, at=at, reason=reason)


def erase_reasons(row: models.Model) -> None:
    """The words of the reasons in the trail; the entries keep a digest of them, and stay whole."""
    AuditNote.objects.filter(entry__in=AuditEntry.objects.about(row)).delete()


def forget(*, at: datetime) -> int:
    """What the retention job does: annexes after three months, persons six years after their case; returns how many."""
    CaseAnnex.objects.filter(case__submitted_at__lt=at - ANNEX_KEPT).delete()
    CaseRepeat.objects.filter(taken_at__lt=at - timedelta(days=2)).delete()
    over = Q(closed_at__lt=at - CASE_KEPT, erased_at__isnull=True)
    old = list(Case.objects.filter(over).order_by("closed_at")[:BATCH])
    for case in old:
        erase_case(case, by=SYSTEM, at=at, reason="Its time is over.")
    return len(old)
