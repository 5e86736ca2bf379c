"""What the page behind a reminder's button says: the invoice it is about, everything the customer owes, and by when."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from billing.decisions import suspension_moment
from billing.models import PaymentFailure, StepAction, StepStatus
from billing.models.failure import total_of
from billing.pay_links import pay_url
from levqor.accounts.models import Account, Standing, Suspension
from levqor.lib.money import format_money


@dataclass(frozen=True)
class Line:
    """One unpaid invoice. `url` leads to the page of this invoice."""

    number: str
    plan: str
    failed_on: str
    amount: str
    url: str


@dataclass(frozen=True)
class Statement:
    """Dates are written out in the customer's zone; `pauses_on` and `paid_on` are empty where there is no such day.

    `returns_by_paying` is false for an account that is paused for another reason too: paying does not lift that one.
    """

    lines: list[Line]
    total: str
    is_paused: bool
    returns_by_paying: bool
    pauses_on: str
    paid_on: str
    paid_amount: str


def statement_for(case: PaymentFailure, *, at: datetime) -> Statement:
    account = case.account
    owed = list(account.payment_failures.unsettled().prefetch_related("steps").order_by("failure_date", "pk"))
    pauses_at = min(filter(None, (_pauses_at(other, account, at=at) for other in owed)), default=None)
    return Statement(
        lines=[_line(other, account) for other in owed],
        total=total_of(owed),
        is_paused=account.standing == Standing.SUSPENDED,
        returns_by_paying=not account.live_suspensions().exclude(reason=Suspension.Reason.BILLING).exists(),
        pauses_on=_day(pauses_at, account),
        paid_on=_day(case.resolved_at, account) if case.status == PaymentFailure.Status.RECOVERED else "",
        paid_amount=format_money(case.recovered_cents, case.currency) if case.recovered_cents else "",
    )


def _line(case: PaymentFailure, account: Account) -> Line:
    return Line(str(case), case.plan_name, _day(case.failure_date, account), case.amount, pay_url(case))


def _pauses_at(case: PaymentFailure, account: Account, *, at: datetime) -> datetime | None:
    """The day from which the account may be paused for this invoice; None where nobody has decided that it will be."""
    if not settings.DUNNING_ENABLED or account.is_exempt_from_dunning or case.flag or case.is_paused(at=at):
        return None
    if case.suspend_at:
        return max(case.suspend_at, at)
    planned = [s for s in case.steps.all() if s.action == StepAction.SUSPEND and s.status == StepStatus.PENDING]
    return max(suspension_moment(planned[0].scheduled_for), at) if planned else None


def _day(moment: datetime | None, account: Account) -> str:
    return account.day_of(moment) if moment else ""
