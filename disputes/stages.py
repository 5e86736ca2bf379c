"""The stages of our procedure as one table: their words, addresses, and in how many business days we answer at each."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.conf import settings

from disputes.models import Stage
from levqor.accounts.models import Account
from levqor.cases.models import Case, Deadline
from levqor.cases.models.deadline import promise
from levqor.lib.business_time import arrival_day, business_days_after


@dataclass(frozen=True)
class Step:
    """One stage that customers may file at. `who` looks at it there; `bring` is what helps us."""

    stage: Stage
    title: str
    who: str
    bring: str
    subject: str
    earliest_days: int
    latest_days: int

    @property
    def address(self) -> str:
        return settings.COMPLAINTS_EMAIL if self.stage == Stage.COMPLAINT else settings.SUPPORT_EMAIL

    @property
    def days(self) -> str:
        return f"{self.earliest_days} to {self.latest_days}"


# CONTRACT section 7: `respondBy`, in business days.
STEPS: Final = [
    Step(
        Stage.SUPPORT,
        "Contact support first",
        "Our support team",
        "Say what went wrong, since when, and what would put it right.",
        "",
        1,
        3,
    ),
    Step(
        Stage.ESCALATION,
        "Request escalation",
        "A senior person who has not dealt with it before",
        "Give the ticket numbers, and what was written so far.",
        "REQUEST ESCALATION",
        2,
        3,
    ),
    Step(
        Stage.COMPLAINT,
        "Make a formal complaint",
        "The person responsible for complaints",
        "Give your account, a timeline, your evidence, and the resolution that you want.",
        "FORMAL COMPLAINT",
        5,
        7,
    ),
]
STEP_OF: Final = {step.stage: step for step in STEPS}


def days_of(stage: Stage, account: Account | None) -> tuple[int, int]:
    """In how many business days we answer at that stage. At the first, an account with a faster plan hears sooner."""
    step = STEP_OF[stage]
    if stage != Stage.SUPPORT or account is None or account.plan is None:
        return step.earliest_days, step.latest_days
    latest = min(step.latest_days, account.plan.response_days)
    return min(step.earliest_days, latest), latest


def dates_of(step: Step, *, at: datetime) -> tuple[date, date]:
    """The days between which somebody hears who writes now."""
    day = arrival_day(at)
    return business_days_after(day, step.earliest_days), business_days_after(day, step.latest_days)


def promise_answer(case: Case, stage: Stage, *, at: datetime) -> Deadline:
    """The promise of a stage, in place of the one before it."""
    earliest, latest = days_of(stage, case.account)
    return promise(case, stage, earliest_days=earliest, latest_days=latest, at=at)


def address_of(stage: str) -> str:
    """Which of our mailboxes a dispute belongs to."""
    return settings.COMPLAINTS_EMAIL if stage in {Stage.COMPLAINT, Stage.EXTERNAL} else settings.SUPPORT_EMAIL
