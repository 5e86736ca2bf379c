"""Whether a mail may leave, or an account be suspended, now: the one gate that every path asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from billing.models import DunningHold, DunningStep, PaymentFailure, StepStatus
from billing.models.policy import SPACING
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.lib.actors import Actor

WINDOW_OPENS, WINDOW_CLOSES = 8, 18


class Hold(StrEnum):
    """Why a due step waits."""

    DISABLED = "dunning is switched off"
    EXEMPT = "account is exempt"
    PAUSED = "paused"
    ON_HOLD = "on hold, something else comes first"
    WINDOW = "outside 08:00–18:00 there"
    SPACING = "48 h after the last mail"
    EARLIER_STEP = "an earlier step goes first"
    STRIPE_UNREACHABLE = "Stripe unreachable"
    STRIPE_RIGHTS = "our key at Stripe may not read it"
    UNKNOWN_INVOICE = "unknown to Stripe"
    ODD_STATE = "unexpected state at Stripe"
    STRIPE_RETRIES = "Stripe tries again"
    PAYMENT_UNDER_WAY = "a payment is under way"
    NO_ADDRESS = "no address that works"
    PROVIDER = "mail provider unreachable"
    MAIL_REFUSED = "our mail account is refused"


class Wish(Enum):
    """What is to be done: a step of the ladder, a mail beside it (which follows no distance), or the suspension."""

    STEP = "step"
    MAIL = "mail"
    SUSPENSION = "suspension"


def reason_to_wait(account: Account, case: PaymentFailure, wish: Wish, *, at: datetime) -> Hold | None:
    """Why this may not be done now; None where nothing stands against it.

    Asked when a pass plans, and again on the rows as they are under the account's lock right before each attempt. That
    Stripe still wants the money is the other half, which is asked before the lock: `live_check.py`.
    """
    if hold := reason_to_wait_at_all(account, case, at=at):
        return hold
    if wish is Wish.SUSPENSION:
        return None
    if not is_within_window(account, at=at):
        return Hold.WINDOW
    if wish is Wish.STEP and is_too_soon(last_mail_at(account), at=at):
        return Hold.SPACING
    return None


def reason_to_wait_at_all(account: Account, case: PaymentFailure, *, at: datetime) -> Hold | None:
    """What stands against anything at any hour: the switch, the account, the case."""
    if not settings.DUNNING_ENABLED:
        return Hold.DISABLED
    if account.is_exempt_from_dunning:
        return Hold.EXEMPT
    if case.is_paused(at=at):
        return Hold.PAUSED
    return Hold.ON_HOLD if is_held(case, at=at) else None


def last_mail_at(account: Account) -> datetime | None:
    """When the last step of any of the customer's cases went out. Only sent steps have a time, so none is asked for its
    status: with it SQLite would read the sent steps of all customers."""
    steps = DunningStep.objects.filter(failure__account=account)
    latest: datetime | None = steps.aggregate(latest=Max("sent_at"))["latest"]
    return latest


def is_too_soon(last: datetime | None, *, at: datetime) -> bool:
    return last is not None and at - last < SPACING


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


def hold(
    account: Account,
    reason: str,
    *,
    by: Actor,
    at: datetime,
    invoice_id: str = "",
    until: datetime | None = None,
    note: str = "",
) -> bool:
    """Holds dunning of the account, or of one invoice; False where it is held for that reason and note already."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        # One that has run out makes room for the next.
        DunningHold.objects.filter(account=account, lifted_at=None, until__lte=at).update(lifted_at=F("until"))
        row, is_new = DunningHold.objects.get_or_create(
            account=account,
            invoice_id=invoice_id,
            reason=reason,
            note=note[:300],
            lifted_at=None,
            defaults={"held_at": at, "until": until},
        )
        if is_new:
            changes = {"hold": [None, row.pk], "invoice": [None, invoice_id]}
            record("dunning.held", account, by=by, at=at, reason=note or str(row.get_reason_display()), changes=changes)
    return is_new


def lift(account: Account, reason: str, *, by: Actor, at: datetime, invoice_id: str = "", note: str = "") -> int:
    """Ends what `hold` began with the same words; returns how many ended."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        live = DunningHold.objects.filter(account=account, reason=reason, invoice_id=invoice_id, note=note[:300])
        ended = live.filter(lifted_at=None).update(lifted_at=at)
        if ended:
            record("dunning.released", account, by=by, at=at, reason=note, changes={"holds": [ended, 0]})
    return ended


def is_held(case: PaymentFailure, *, at: datetime) -> bool:
    return DunningHold.objects.live(at=at).on_invoice(case.account_id, case.invoice_id).exists()


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
