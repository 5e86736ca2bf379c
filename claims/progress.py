"""Where a claim stands, in words for the customer: what was done, what happens next, and by when."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from claims.models import Claim, ClaimStatus, ProposalKind
from levqor.cases.models import Deadline
from levqor.lib.business_time import LONDON


@dataclass(frozen=True)
class Progress:
    """`headline` is the state; `next` says what happens, who does it, and by when."""

    headline: str
    next: str
    tone: str = "info"


TEXTS: Final = {
    ClaimStatus.DRAFTED: Progress(
        "We prepared a credit", "You did not have to claim. We check the figures when the month has ended."
    ),
    ClaimStatus.DISMISSED: Progress("No credit", "The month kept its promise after all, so nothing more happens."),
    ClaimStatus.RECEIVED: Progress(
        "We have your claim", "A person looks at it and decides by {by}. You need not do anything."
    ),
    ClaimStatus.IN_REVIEW: Progress("A person is looking at it", "You will hear our decision by {by}."),
    ClaimStatus.WAITING: Progress(
        "We are waiting for your answer",
        "We asked you something below. Our time to decide stands still since {since}; it goes on as soon as you write. "
        "If we hear nothing by {answer_by}, we decide on what we have.",
        "warning",
    ),
    ClaimStatus.PROPOSED: Progress(
        "A decision is being checked", "One person proposed it, and another checks it. You hear it by {by}."
    ),
    **dict.fromkeys(
        [ClaimStatus.APPROVED, ClaimStatus.CREDITING, ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN],
        Progress("Approved", "Your credit is approved. We tell you as soon as it is on your account.", "success"),
    ),
    ClaimStatus.CREDITED: Progress(
        "Credited", "The credit is on your account and lowers your next invoice by itself.", "success"
    ),
    ClaimStatus.REVERSED: Progress("Reversed", "The credit was taken back; the reason stands below.", "warning"),
    ClaimStatus.REJECTED: Progress(
        "Not granted", "The reason stands below. If you see it differently, ask for a new decision on this page."
    ),
    ClaimStatus.WITHDRAWN: Progress("Withdrawn", "You withdrew this claim, so nothing more happens."),
}
LATE: Final = Progress(
    "We are late",
    "You should have heard from us by {by}, and we are sorry. Your claim is still with us; you may also raise a dispute "
    "about the delay.",
    "warning",
)


def progress_of(claim: Claim, deadline: Deadline | None, *, at: datetime) -> Progress:
    text = LATE if deadline and deadline.is_overdue(at=at) else _text_of(claim)
    by = f"{deadline.due_date:%A %-d %B %Y}" if deadline else ""
    since = deadline.waiting_since if deadline and deadline.waiting_since else at
    answer_by = f"{deadline.answer_date:%A %-d %B %Y}" if deadline and deadline.answer_date else ""
    words = text.next.format(by=by, answer_by=answer_by, since=f"{since.astimezone(LONDON):%-d %B}")
    return Progress(text.headline, words, text.tone)


def _text_of(claim: Claim) -> Progress:
    text = TEXTS[ClaimStatus(claim.status)]
    if claim.status != ClaimStatus.CREDITED:
        return text
    entry = claim.credit_entries.get(kind=ProposalKind.CREDIT)
    if entry.external_reference:
        return replace(text, next=f"You find it here: {_literal(entry.external_reference)}")
    if entry.ordered_at:
        return replace(text, next="It lowers the next invoice, if one is to come; if none is, ask us to pay it out.")
    return text


def _literal(words: str) -> str:
    """Words of a person, in a text whose braces are filled in."""
    return words.replace("{", "{{").replace("}", "}}")
