"""What the customer may do on the tracking page: write, withdraw, and ask for a new decision."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from claims import emails
from claims.deciding import drop_proposal
from claims.filing import EARLIEST_DAYS, LATEST_DAYS, PURPOSE
from claims.models import Claim, ClaimStatus
from levqor.cases.conversation import customer_writes
from levqor.cases.files import JudgedFile
from levqor.cases.models import CaseMessage
from levqor.cases.models.deadline import close_case, promise, reopen_case
from levqor.lib.actors import Actor


class OverError(Exception):
    """Nothing can be said about this claim any more; the text is fit for people."""


def write(claim: Claim, body: str, files: Sequence[JudgedFile], *, submission: UUID, by: Actor, at: datetime) -> bool:
    """Keeps the message; a claim that waited for the customer is looked at again. False where it was kept before."""
    if not claim.is_open:
        way = "Ask for a new decision" if claim.status == ClaimStatus.REJECTED else f"Write to {settings.SUPPORT_EMAIL}"
        raise OverError(f"This claim is closed, so your message was not sent. {way}: your words are kept below.")
    with transaction.atomic():
        message = customer_writes(claim.case, body, files, submission=submission, by=by, at=at)
        if message is None:
            return False
        if claim.status == ClaimStatus.WAITING:
            claim.review(by=by, at=at)
        emails.customer_wrote(claim, message, at=at)
    return True


def withdraw(claim: Claim, *, by: Actor, at: datetime) -> None:
    """Ends the claim at the customer's wish. Raises IllegalMoveError where it is decided already."""
    with transaction.atomic():
        claim.withdraw(by=by, at=at)
        drop_proposal(claim, by=by, at=at, reason="The customer withdrew the claim.")
        _pass_lead_on(claim)
        close_case(claim.case, at=at)
        emails.withdrawn(claim, at=at)


def _pass_lead_on(claim: Claim) -> None:
    """What was joined to it goes on under the next that came in."""
    joined = Claim.objects.filter(joined_to=claim).order_by("pk")
    if lead := joined.first():
        Claim.objects.filter(pk=lead.pk).update(joined_to=None)
        joined.update(joined_to=lead)


def ask_again(
    claim: Claim, why: str, files: Sequence[JudgedFile], *, submission: UUID, by: Actor, at: datetime
) -> bool:
    """Opens a claim that was not granted once more, with a new promise. False where that was done before."""
    if CaseMessage.objects.filter(submission=submission).exists():
        return False
    if claim.status != ClaimStatus.REJECTED:
        raise OverError("Only a claim that was not granted can be decided anew, so your message was not sent.")
    with transaction.atomic():
        message = customer_writes(claim.case, why, files, submission=submission, by=by, at=at)
        if message is None:
            return False
        claim.review(by=by, at=at)
        reopen_case(claim.case)
        promise(claim.case, PURPOSE, earliest_days=EARLIEST_DAYS, latest_days=LATEST_DAYS, at=at)
        emails.asked_again(claim, message, at=at)
    return True
