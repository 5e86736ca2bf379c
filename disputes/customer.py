"""What the customer may do on the tracking page: write, go a stage up, accept our answer, and withdraw."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from disputes import emails
from disputes.models import Dispute, DisputeStatus, Outcome, Stage
from disputes.stages import promise_answer
from levqor.cases.conversation import customer_writes
from levqor.cases.files import JudgedFile
from levqor.cases.models import Case, CaseMessage, Deadline
from levqor.cases.models.deadline import close_case, reopen_case
from levqor.lib.actors import Actor
from levqor.lib.states import StaleStateError

CHANGED = "This dispute changed since you opened the page. Look at how it stands now, then decide."


class OverError(Exception):
    """Nothing can be said about this dispute any more; the text is fit for people."""


def locked(dispute: Dispute) -> Dispute:
    """The dispute as it stands now, held until the end of the transaction: customer and staff act one after the other."""
    Case.objects.locked(dispute.case_id)
    return Dispute.objects.select_related("case__account__plan", "case__owner").get(pk=dispute.pk)


def write(
    dispute: Dispute, body: str, files: Sequence[JudgedFile], *, submission: UUID, by: Actor, at: datetime
) -> bool:
    """Keeps the message; what waited for the customer, or was answered, is with us again. False where it was kept before."""
    with transaction.atomic():
        now = locked(dispute)
        if not now.is_open:
            raise OverError("This dispute is closed, so your message was not sent.")
        message = customer_writes(now.case, body, files, submission=submission, by=by, at=at)
        if message is None:
            return False
        if now.status == DisputeStatus.ANSWERED and now.stage != Stage.EXTERNAL:
            promise_answer(now.case, Stage(now.stage), at=at)
        if now.status != DisputeStatus.OPEN:
            now.open_again(by=by, at=at, reason="The customer wrote.")
        emails.customer_wrote(now, message, at=at)
    return True


def escalate(
    dispute: Dispute,
    why: str,
    files: Sequence[JudgedFile],
    *,
    seen: str,
    submission: UUID,
    by: Actor,
    at: datetime,
) -> bool:
    """One stage up, with a new promise. False where this was done before. Raises StaleStateError where the dispute stands
    no longer as the customer saw it (`seen`), for they may have asked for it on account of what is no longer so."""
    with transaction.atomic():
        now = locked(dispute)
        if CaseMessage.objects.filter(submission=submission).exists():
            return False
        if seen != standing(now):
            raise StaleStateError(CHANGED)
        before = now.get_stage_display()
        now.move_up(by=by, at=at, reason=why)
        begin_stage(now, at=at)
        words = why or f"I ask for the next stage: {now.get_stage_display()}."
        message = customer_writes(now.case, words, files, submission=submission, by=by, at=at)
        emails.moved_up(now, before, at=at)
        if message:
            emails.escalated(now, message, at=at)
    return True


def begin_stage(dispute: Dispute, *, at: datetime) -> None:
    """The promise of the stage that it has come to; outside of Levqor none is ours."""
    reopen_case(dispute.case)
    if dispute.stage != Stage.EXTERNAL:
        promise_answer(dispute.case, Stage(dispute.stage), at=at)
    elif deadline := Deadline.objects.current_of(dispute.case):
        deadline.end(at=at)


def accept(dispute: Dispute, *, seen: str, by: Actor, at: datetime) -> None:
    """Our answer settles it for the customer."""
    with transaction.atomic():
        now = locked(dispute)
        if seen != standing(now):
            raise StaleStateError(CHANGED)
        if now.status != DisputeStatus.ANSWERED:
            raise OverError("Only an answer of ours can be accepted, and this dispute has none now.")
        now.resolve(Outcome.ACCEPTED, by=by, at=at)
        now.case.touch()
        close_case(now.case, at=at)
        emails.accepted(now, at=at)


def withdraw(dispute: Dispute, *, by: Actor, at: datetime) -> None:
    """Ends the dispute at the customer's wish. Raises OverError where it is settled already."""
    with transaction.atomic():
        now = locked(dispute)
        if not now.is_open:
            raise OverError("This dispute has ended already, so there is nothing to withdraw.")
        now.withdraw(by=by, at=at)
        now.case.touch()
        close_case(now.case, at=at)
        emails.withdrawn(now, at=at)


def standing(dispute: Dispute) -> str:
    """Stage and state in one word, by which a form says what its reader had seen."""
    return f"{dispute.stage}.{dispute.status}"
