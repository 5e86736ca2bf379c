"""What a pass does with the due steps of one customer: pure decisions, shared by the real run and the dry run."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from billing.models import DunningStep, PaymentFailure, StepStatus
from billing.models.policy import SPACING
from levqor.accounts.models import Account

WINDOW_OPENS, WINDOW_CLOSES = 8, 18


class Hold(StrEnum):
    """Why a due step waits."""

    DISABLED = "dunning is switched off"
    EXEMPT = "account is exempt"
    PAUSED = "paused"
    WINDOW = "outside 08:00–18:00 there"
    SPACING = "48 h after the last mail"
    EARLIER_STEP = "an earlier step goes first"
    STRIPE_UNREACHABLE = "Stripe unreachable"
    UNKNOWN_INVOICE = "unknown to Stripe"
    ODD_STATE = "unexpected state at Stripe"
    STRIPE_RETRIES = "Stripe tries again"
    NO_ADDRESS = "no address that works"
    PROVIDER = "mail provider unreachable"


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


def plan_steps(account: Account, due: list[DunningStep], last_mail_at: datetime | None, *, at: datetime) -> Plan:
    """Sorts one customer's due steps by all rules that need nobody to be asked. Of each case only the earliest goes."""
    plan = Plan()
    seen: set[int] = set()
    general = hold_for_account(account, last_mail_at, at=at)
    for step in sorted(due, key=lambda step: (step.failure_id, step.attempt_number)):
        if step.failure_id in seen:
            plan.held.append((step, Hold.EARLIER_STEP))
            continue
        seen.add(step.failure_id)
        hold = hold_for_case(account, step.failure, at=at) or (None if is_resumed(step) else general)
        if hold:
            plan.held.append((step, hold))
        else:
            plan.ready.append(step)
    return plan


def is_resumed(step: DunningStep) -> bool:
    """True for a send that an earlier pass began: neither window nor spacing holds what may be out already."""
    return step.status == StepStatus.SENDING and step.mail_id is not None


def hold_for_account(account: Account, last_mail_at: datetime | None, *, at: datetime) -> Hold | None:
    if not is_within_window(account, at=at):
        return Hold.WINDOW
    if last_mail_at and at - last_mail_at < SPACING:
        return Hold.SPACING
    return None


def is_within_window(account: Account, *, at: datetime) -> bool:
    """Whether it is the customer's day, in which mails may leave."""
    return WINDOW_OPENS <= at.astimezone(account.zone).hour < WINDOW_CLOSES


def leaves_at(account: Account, moment: datetime) -> datetime:
    """When a mail that is due at this moment may leave: then, or with the customer's next day."""
    local = moment.astimezone(account.zone)
    if local.hour < WINDOW_OPENS:
        return local.replace(hour=WINDOW_OPENS, minute=0, second=0, microsecond=0)
    if local.hour >= WINDOW_CLOSES:
        return (local + timedelta(days=1)).replace(hour=WINDOW_OPENS, minute=0, second=0, microsecond=0)
    return local


def hold_for_case(account: Account, case: PaymentFailure, *, at: datetime) -> Hold | None:
    if not settings.DUNNING_ENABLED:
        return Hold.DISABLED
    if account.is_exempt_from_dunning:
        return Hold.EXEMPT
    return Hold.PAUSED if case.is_paused(at=at) else None


def suspension_moment(sent_at: datetime) -> datetime:
    return sent_at + timedelta(hours=settings.DUNNING_SUSPEND_AFTER_HOURS)


def may_suspend(step: DunningStep, case: PaymentFailure) -> bool:
    """A flagged case (bounced, not sent, unknown) never suspends by itself: a person decides."""
    return step.suspends and not case.flag
