"""Disputes that nobody moves, within business hours: a customer who does not answer is reminded once, then we answer on what
we have; an answer that nobody replied to closes the dispute; one whose owner does nothing goes back to the queue."""

from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from disputes import emails
from disputes.customer import locked
from disputes.models import Dispute, DisputeStatus, Outcome
from levqor.cases.idling import return_idle, wait_no_longer_than_said
from levqor.cases.models import Case, Deadline, Side
from levqor.cases.models.deadline import answer_date, close_case
from levqor.lib.actors import SYSTEM
from levqor.lib.business_time import closing, is_open
from levqor.lib.states import StaleStateError

logger = structlog.get_logger(__name__)

UNANSWERED: Final = "The customer did not write; the dispute is answered on what we have."
SILENT: Final = "The customer did not reply to our answer within ten business days."


def follow_up(*, at: datetime) -> None:
    """What is due by `at`; nothing outside of business hours, and everything once however often it is called."""
    if not is_open(at):
        return
    wait_no_longer_than_said(
        Deadline.objects.filter(case__dispute__status=DisputeStatus.WAITING),
        remind=lambda deadline: emails.reminded(_dispute_of(deadline), deadline, at=at),
        go_on=lambda deadline: _go_on(_dispute_of(deadline), at=at),
        at=at,
    )
    for dispute in Dispute.objects.filter(status=DisputeStatus.ANSWERED).select_related("case").order_by("pk"):
        try:
            _close_if_silent(dispute, at=at)
        except Exception:  # one broken dispute must not keep the others open
            logger.exception("answered_dispute_crashed", dispute=dispute.pk)
    return_idle(Case.objects.filter(dispute__status=DisputeStatus.OPEN), lambda case: [case.dispute], at=at)


def _dispute_of(deadline: Deadline) -> Dispute:
    return Dispute.objects.select_related("case__owner").get(case=deadline.case_id)


def _go_on(dispute: Dispute, *, at: datetime) -> None:
    """Nothing is closed for this silence: the clock runs again, and a person answers."""
    with transaction.atomic():
        now = locked(dispute)
        if now.status != DisputeStatus.WAITING:
            raise StaleStateError(f"{now} waits no more.")
        now.open_again(by=SYSTEM, at=at, reason=UNANSWERED)
        if deadline := Deadline.objects.current_of(now.case):
            deadline.resume(at=at)
        now.case.touch()
        emails.unanswered(now, at=at)


def _close_if_silent(dispute: Dispute, *, at: datetime) -> None:
    said = dispute.case.messages.public().filter(side=Side.STAFF).order_by("-written_at").first()
    if said is None or at < closing(answer_date(said.written_at)):
        return
    with transaction.atomic():
        now = locked(dispute)
        if now.status != DisputeStatus.ANSWERED:
            return
        now.resolve(Outcome.SILENT, by=SYSTEM, at=at, reason=SILENT)
        close_case(now.case, at=at)
        now.case.touch()
        emails.closed(now, at=at)
