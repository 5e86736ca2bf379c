"""Where a dispute stands, in words for the customer: what was done, what happens next, and by when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from disputes.models import Dispute, DisputeStatus, Stage
from disputes.stages import STEP_OF
from levqor.cases.models import Deadline
from levqor.lib.business_time import LONDON


@dataclass(frozen=True)
class Progress:
    """`headline` is the state; `next` says what happens, who does it, and by when."""

    headline: str
    next: str
    tone: str = "info"


TEXTS: Final = {
    DisputeStatus.OPEN: Progress(
        "We are looking at it", "{who} looks at it and answers by {by}. You need not do anything."
    ),
    DisputeStatus.WAITING: Progress(
        "We are waiting for your answer",
        "We asked you something below. Our time stands still since {since}; it goes on as soon as you write. If we hear "
        "nothing by {answer_by}, we answer on what we have.",
        "warning",
    ),
    DisputeStatus.ANSWERED: Progress(
        "We have answered",
        "Our answer stands below. If it settles the matter, say so; if not, write to us or take it to the next stage. If we "
        "hear nothing within ten business days, we close the dispute; you can still take it further then.",
        "success",
    ),
    DisputeStatus.RESOLVED: Progress(
        "Closed: {outcome}",
        "How we ended it stands below. If you do not agree, you can take it to the next stage.",
        "success",
    ),
    DisputeStatus.WITHDRAWN: Progress(
        "Withdrawn", "You withdrew this dispute, so nothing more happens. You keep all your rights."
    ),
}
LATE: Final = Progress(
    "We are late",
    "You should have heard from us by {by}, and we are sorry. Your dispute is still with us; you need not wait, and can "
    "take it to the next stage.",
    "warning",
)
OUTSIDE: Final = Progress(
    "Open to you outside of Levqor",
    "Our own procedure has ended. What you can do now stands below; what we wrote to you stands here for you to use.",
)
OUTCOMES: Final = {
    "agreed": "we agreed with you",
    "partly": "we agreed in part",
    "not_agreed": "we did not agree",
    "accepted": "you accepted our answer",
    "silent": "answered, and not heard from you since",
    "duplicate": "it goes on under another reference",
}


def progress_of(dispute: Dispute, deadline: Deadline | None, *, at: datetime) -> Progress:
    text = _text(dispute, deadline, at=at)
    step = STEP_OF.get(Stage(dispute.stage))
    since = deadline.waiting_since if deadline and deadline.waiting_since else at
    facts = {
        "who": step.who if step else "",
        "by": f"{deadline.due_date:%A %-d %B %Y}" if deadline else "",
        "answer_by": f"{deadline.answer_date:%A %-d %B %Y}"
        if deadline and deadline.answer_date
        else "the day we named",
        "since": f"{since.astimezone(LONDON):%-d %B}",
        "outcome": OUTCOMES.get(dispute.outcome, ""),
    }
    return Progress(text.headline.format(**facts), text.next.format(**facts), text.tone)


def _text(dispute: Dispute, deadline: Deadline | None, *, at: datetime) -> Progress:
    if deadline and deadline.is_overdue(at=at):
        return LATE
    if dispute.stage == Stage.EXTERNAL and dispute.status == DisputeStatus.OPEN:
        return OUTSIDE
    return TEXTS[DisputeStatus(dispute.status)]
