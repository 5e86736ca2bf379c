"""Claims that nobody moves: the customer who does not answer is reminded once, then we go on with what we have; and a claim
whose owner does nothing goes back to the queue. All of it within business hours."""

from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from claims import emails
from claims.models import Claim, ClaimStatus
from levqor.cases.idling import return_idle
from levqor.cases.models import Case, Deadline
from levqor.lib.actors import SYSTEM
from levqor.lib.business_time import closing, is_open
from levqor.lib.states import StaleStateError

logger = structlog.get_logger(__name__)

WHY: Final = "The customer did not answer; the claim is decided on what we have."


def follow_up(*, at: datetime) -> None:
    """What is due by `at`; nothing outside of business hours, and everything once however often it is called."""
    if not is_open(at):
        return
    waiting = Claim.objects.filter(status=ClaimStatus.WAITING, case__deadlines__waiting_since__isnull=False)
    for claim in waiting.select_related("case__owner", "plan").order_by("pk"):
        try:
            _wait_no_longer_than_said(claim, at=at)
        except StaleStateError:
            continue  # the customer wrote, or somebody decided, in this very moment
        except Exception:  # one broken claim must not leave the others waiting
            logger.exception("waiting_claim_crashed", claim=claim.pk)
    worked_on = Case.objects.filter(claim__status__in=[ClaimStatus.RECEIVED, ClaimStatus.IN_REVIEW])
    return_idle(worked_on, lambda case: [case.claim, *case.claim.proposals.all()], at=at)


def _wait_no_longer_than_said(claim: Claim, *, at: datetime) -> None:
    deadline = Deadline.objects.current_of(claim.case)
    if deadline is None or deadline.answer_date is None or deadline.remind_at is None:
        return
    if at >= closing(deadline.answer_date):
        _go_on(claim, deadline, at=at)
    elif at >= deadline.remind_at:
        emails.reminded(claim, deadline, at=at)


def _go_on(claim: Claim, deadline: Deadline, *, at: datetime) -> None:
    """Nothing is refused for a silence: the clock runs again, and a person decides on what was measured."""
    with transaction.atomic():
        claim.review(by=SYSTEM, at=at, reason=WHY)
        deadline.resume(at=at)
        claim.case.touch()
        emails.unanswered(claim, at=at)
