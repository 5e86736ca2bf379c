"""What a pass does with the due steps of one customer: pure decisions, shared by the real run and the dry run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from billing.holds import Hold, is_too_soon, is_within_window, leaves_at, reason_to_wait_at_all
from billing.models import DunningStep, PaymentFailure, StepStatus
from billing.models.policy import SPACING
from levqor.accounts.models import Account, Suspension
from levqor.lib.passes import PassClock
from levqor.mail.models import MailStatus


@dataclass
class PassReport:
    """The counts of one pass; `due` is the sum of what became of each due step, `suspended` counts accounts. `crashed`
    counts customers and cases about which something happened that nobody foresaw: the log says what."""

    now: datetime
    dry_run: bool = False
    due: int = 0
    sent: int = 0
    held: int = 0
    skipped: int = 0
    cancelled: int = 0
    failed: int = 0
    suspended: int = 0
    crashed: int = 0
    held_because: Counter[Hold] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clock = PassClock(self.now)

    def hold(self, number: int, because: Hold) -> None:
        self.held += number
        self.held_because[because] += number

    def as_dict(self) -> dict[str, object]:
        """As `run_dunning_job` prints it."""
        counts = {name: getattr(self, name) for name in ("due", "sent", "held", "skipped", "cancelled", "failed")}
        return {"now": self.now.isoformat(), **counts, "suspended": self.suspended, "dry_run": self.dry_run}

    def held_in_words(self) -> list[str]:
        """Why due steps were held, the commonest first: `5 held: 48 h after the last mail`."""
        return [f"{number} held: {hold}" for hold, number in self.held_because.most_common()]


@dataclass
class Plan:
    """For one customer: the steps that may go out now, and those that wait with their reason."""

    ready: list[DunningStep] = field(default_factory=list)
    held: list[tuple[DunningStep, Hold]] = field(default_factory=list)


def plan_steps(account: Account, due: list[DunningStep], last: datetime | None, *, at: datetime) -> Plan:
    """Sorts one customer's due steps by all rules that need nobody to be asked. Of each case only the earliest goes.

    The rules are those of `holds.reason_to_wait`; the customer's hour and last mail are looked at once for all steps.
    """
    plan = Plan()
    seen: set[int] = set()
    general = None if is_within_window(account, at=at) else Hold.WINDOW
    general = general or (Hold.SPACING if is_too_soon(last, at=at) else None)
    for step in sorted(due, key=lambda step: (step.failure_id, step.attempt_number)):
        if step.failure_id in seen:
            plan.held.append((step, Hold.EARLIER_STEP))
            continue
        seen.add(step.failure_id)
        hold = reason_to_wait_at_all(account, step.failure, at=at) or general
        if hold and not has_left(step):
            plan.held.append((step, hold))
        else:
            plan.ready.append(step)
    return plan


def has_left(step: DunningStep) -> bool:
    """True for a send whose mail is over and whose record a crash prevented: it is recorded, whatever holds others."""
    if step.status != StepStatus.SENDING or step.mail is None:
        return False
    return step.mail.status not in {MailStatus.PENDING, MailStatus.SENDING}


def coming_steps(
    case: PaymentFailure, account: Account, last: datetime | None, *, at: datetime
) -> Iterator[tuple[DunningStep, datetime]]:
    """The planned steps of a case, each with the moment at which it leaves at the earliest: not before now, 48 hours
    after the mail before it (`last` is the newest so far), and in the customer's day."""
    planned = [step for step in case.steps.all() if step.status == StepStatus.PENDING]
    for step in sorted(planned, key=lambda step: step.attempt_number):
        moment = max(step.scheduled_for, at, last + SPACING if last else at)
        last = leaves_at(account, moment)
        yield step, last


def returns_by_paying(account: Account) -> bool:
    """False where the account is paused for something else too: paying does not lift that."""
    return not account.live_suspensions().exclude(reason=Suspension.Reason.BILLING).exists()


def suspension_moment(sent_at: datetime) -> datetime:
    return sent_at + timedelta(hours=settings.DUNNING_SUSPEND_AFTER_HOURS)


def may_suspend(step: DunningStep, case: PaymentFailure) -> bool:
    """A flagged case (bounced, not sent, unknown) never suspends by itself: a person decides."""
    return step.suspends and not case.flag
