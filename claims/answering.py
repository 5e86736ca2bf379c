"""What staff do about a claim before money is decided: take it up, answer, note, ask the customer, and refuse."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from claims import emails
from claims.models import Claim, ClaimStatus
from levqor.accounts.models import Account
from levqor.cases.conversation import staff_writes
from levqor.cases.files import JudgedFile
from levqor.cases.models import Deadline
from levqor.cases.models.deadline import close_case
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError

# To whoever filed it, of whom nobody knows whether they are of the account: so it tells no outcome.
DECIDED_ELSEWHERE: Final = (
    "A month is decided once for each account, and {month:%B %Y} is decided now. The answer went out with the claim that "
    "came in first; this one is closed with it. If you see it differently, ask for a new decision here."
)
UNTOLD: Final = frozenset({ClaimStatus.DRAFTED, ClaimStatus.DISMISSED})
UNPROPOSED: Final = frozenset({ClaimStatus.RECEIVED, ClaimStatus.IN_REVIEW, ClaimStatus.WAITING})


def take_up(claim: Claim, *, by: Actor, at: datetime) -> None:
    """Whoever takes it up owns it; a claim that nobody looked at yet is in review from then on."""
    _refuse_unless_open(claim)
    with transaction.atomic():
        claim.case.assign(by.user_id, by=by, at=at)
        if claim.status == ClaimStatus.RECEIVED:
            claim.review(by=by, at=at)


def hand_over(claim: Claim, *, to_user_id: int | None, by: Actor, at: datetime, reason: str) -> None:
    """Gives it to somebody else of the staff, or back to the queue."""
    _refuse_unless_open(claim)
    claim.case.assign(to_user_id, by=by, at=at, reason=reason)


def note(claim: Claim, body: str, *, by: Actor, at: datetime, files: Sequence[JudgedFile] = ()) -> None:
    """For staff alone, its files too."""
    staff_writes(claim.case, body, is_public=False, by=by, at=at, files=files)


def reply(claim: Claim, body: str, *, by: Actor, at: datetime, files: Sequence[JudgedFile] = ()) -> None:
    """On the tracking page and by mail."""
    if claim.status in UNTOLD:
        raise IllegalMoveError(f"{claim} is a draft of ours, of which the customer knows nothing.")
    with transaction.atomic():
        message = staff_writes(claim.case, body, is_public=True, by=by, at=at, files=files)
        emails.replied(claim, message, at=at)


def ask_customer(claim: Claim, body: str, *, by: Actor, at: datetime, files: Sequence[JudgedFile] = ()) -> None:
    """Asks for something that the decision needs; until the customer writes, our clock stands."""
    with transaction.atomic():
        claim.wait(by=by, at=at)
        if deadline := Deadline.objects.current_of(claim.case):
            deadline.pause(at=at)
        message = staff_writes(claim.case, body, is_public=True, by=by, at=at, files=files)
        emails.asked(claim, message, at=at)


def refuse(claim: Claim, reason: str, *, by: Actor, at: datetime) -> None:
    """Grants nothing and says why, on the page and by mail."""
    with transaction.atomic():
        claim.reject(by=by, at=at, reason=reason)
        message = staff_writes(claim.case, reason, is_public=True, by=by, at=at)
        close_case(claim.case, at=at)
        emails.refused(claim, message, at=at)
        end_joined(claim, by=by, at=at)


def end_joined(claim: Claim, *, by: Actor, at: datetime) -> None:
    """Those that were joined to a claim end with its decision; in the caller's transaction."""
    for joined in Claim.objects.filter(joined_to=claim, status__in=UNPROPOSED).select_related("case", "plan"):
        if joined.status == ClaimStatus.RECEIVED:
            joined.review(by=by, at=at)
        refuse(joined, DECIDED_ELSEWHERE.format(month=claim.month), by=by, at=at)


def tie(claim: Claim, account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    """Says whose claim it is, where the address did not; an earlier claim of that month is joined."""
    if claim.status not in UNPROPOSED:
        raise IllegalMoveError(f"The account of {claim} can be changed only before a credit is proposed.")
    with transaction.atomic():
        claim.case.tie_to(account, by=by, at=at, reason=reason)
        earlier = Claim.objects.for_month(account.pk, claim.month).exclude(pk=claim.pk).filter(joined_to=None)
        first = earlier.order_by("pk").first()
        if claim.joined_to_id is None and first and first.pk < claim.pk:
            Claim.objects.filter(pk=claim.pk).update(joined_to=first)


def _refuse_unless_open(claim: Claim) -> None:
    if not claim.is_open:
        raise IllegalMoveError(f"{claim} waits for no decision, so nobody has to have it.")
