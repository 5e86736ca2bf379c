"""Claims that nobody moves: the customer who does not answer is reminded once, then we go on with what we have; and a claim
whose owner does nothing goes back to the queue. All of it within business hours."""

from datetime import datetime
from typing import Final

from django.db import transaction

from claims import emails
from claims.models import Claim, ClaimStatus
from levqor.cases.idling import return_idle, wait_no_longer_than_said
from levqor.cases.models import Case, Deadline
from levqor.lib.actors import SYSTEM

WHY: Final = "The customer did not answer; the claim is decided on what we have."


def follow_up(*, at: datetime) -> None:
    """What is due by `at`; nothing outside of business hours, and everything once however often it is called."""
    wait_no_longer_than_said(
        Deadline.objects.filter(case__claim__status=ClaimStatus.WAITING),
        remind=lambda deadline: emails.reminded(_claim_of(deadline), deadline, at=at),
        go_on=lambda deadline: _go_on(_claim_of(deadline), deadline, at=at),
        at=at,
    )
    worked_on = Case.objects.filter(claim__status__in=[ClaimStatus.RECEIVED, ClaimStatus.IN_REVIEW])
    return_idle(worked_on, lambda case: [case.claim, *case.claim.proposals.all()], at=at)


def _claim_of(deadline: Deadline) -> Claim:
    return Claim.objects.select_related("case__owner", "plan").get(case=deadline.case_id)


def _go_on(claim: Claim, deadline: Deadline, *, at: datetime) -> None:
    """Nothing is refused for a silence: the clock runs again, and a person decides on what was measured."""
    with transaction.atomic():
        claim.review(by=SYSTEM, at=at, reason=WHY)
        deadline.resume(at=at)
        claim.case.touch()
        emails.unanswered(claim, at=at)
