"""The signed links in our mails: each names a row, works for as long as that exists, and does nothing by itself; and what
the page behind a reminder's button says: the invoice, everything the customer owes, and by when."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from billing.holds import coming_steps, last_mail_at
from billing.models import PaymentFailure
from billing.models.failure import total_of
from billing.suspension import returns_by_paying, suspension_moment
from levqor.accounts.models import Account, Standing
from levqor.lib.forms import STRAY
from levqor.lib.money import format_money

_signer = Signer(salt="billing.pay", sep=".")
_reminders_signer = Signer(salt="billing.reminders", sep=".")


def pay_url(case: PaymentFailure) -> str:
    """The absolute address that the mail's button opens."""
    return settings.SITE_URL + reverse("billing:pay", args=[_signer.sign(str(case.pk))])


def case_of_token(token: str) -> PaymentFailure | None:
    """The case that the token names; None where the token was not made by us."""
    try:
        pk = _signer.unsign(token.rstrip(STRAY))
    except BadSignature:
        return None
    return PaymentFailure.objects.select_related("account").filter(pk=pk).first()


def reminders_url(account: Account) -> str:
    """The absolute address at which the account's people choose who gets the reminders."""
    return settings.SITE_URL + reverse("billing:reminders", args=[_reminders_signer.sign(str(account.pk))])


def account_of_token(token: str) -> Account | None:
    """The account that the token names; None where the token was not made by us."""
    try:
        pk = _reminders_signer.unsign(token.rstrip(STRAY))
    except BadSignature:
        return None
    return Account.objects.filter(pk=pk).first()


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
    last = last_mail_at(account)
    pauses_at = min(filter(None, (_pauses_at(other, account, last, at=at) for other in owed)), default=None)
    return Statement(
        lines=[_line(other, account) for other in owed],
        total=total_of(owed),
        is_paused=account.standing == Standing.SUSPENDED,
        returns_by_paying=returns_by_paying(account),
        pauses_on=_day(pauses_at, account),
        paid_on=_day(case.resolved_at, account) if case.status == PaymentFailure.Status.RECOVERED else "",
        paid_amount=format_money(case.recovered_cents, case.currency) if case.recovered_cents else "",
    )


def _line(case: PaymentFailure, account: Account) -> Line:
    return Line(str(case), case.plan_name, _day(case.failure_date, account), case.amount, pay_url(case))


def _pauses_at(case: PaymentFailure, account: Account, last: datetime | None, *, at: datetime) -> datetime | None:
    """The day from which the account may be paused for this invoice; None where nobody has decided that it will be."""
    if not settings.DUNNING_ENABLED or account.is_exempt_from_dunning or case.flag or case.is_paused(at=at):
        return None
    if case.suspend_at:
        return max(case.suspend_at, at)
    coming = coming_steps(case, account, last, at=at)
    return next((suspension_moment(moment) for step, moment in coming if step.suspends), None)


def _day(moment: datetime | None, account: Account) -> str:
    return account.day_of(moment) if moment else ""
