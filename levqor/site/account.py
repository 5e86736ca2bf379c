"""`/account`: where a signed-in customer stands, in words, with the button to pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from allauth.account.models import EmailAddress
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing.models import PaymentFailure
from billing.pay_links import Statement, statement_for
from levqor.accounts.models import Account, Standing, Suspension, User
from levqor.cases.models import Case
from levqor.cases.tracking import tracking_url
from levqor.guard.references import Series
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import about

MAILS_SHOWN: Final = 10
CASES_SHOWN: Final = 20


@dataclass(frozen=True)
class Overview:
    """One account as its members see it; `reasons` say why it is off, `statement` is None where nothing is owed."""

    account: Account
    standing: str
    tone: str
    reasons: list[str]
    statement: Statement | None
    mails: list[OutgoingMail]


@dataclass(frozen=True)
class OwnCase:
    """A claim or dispute of this person, and the page on which they follow it."""

    kind: str
    reference: str
    sent_at: datetime
    is_open: bool
    url: str


@require_safe
@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    mine = user.accounts.select_related("plan").order_by("name", "pk")
    now = timezone.now()
    context = {
        "overviews": [_overview(account, at=now) for account in mine],
        "cases": _cases(user),
        "breadcrumbs": [("Account", "")],
    }
    return render(request, "site/account.html", context)


def _overview(account: Account, *, at: datetime) -> Overview:
    failures = list(account.payment_failures.order_by("-failure_date", "-pk")[:CASES_SHOWN])
    owed = account.payment_failures.unsettled().select_related("account").order_by("failure_date", "pk").first()
    words = {
        Standing.ACTIVE: ("Active", "success"),
        Standing.PAST_DUE: ("Payment overdue", "warning"),
        Standing.SUSPENDED: ("Paused", "danger"),
    }
    standing, tone = words[Standing(account.standing)]
    suspensions = account.live_suspensions().order_by("suspended_at")
    return Overview(
        account=account,
        standing=standing,
        tone=tone,
        reasons=[_reason(row, account) for row in suspensions],
        statement=statement_for(owed, at=at) if owed else None,
        mails=_mails(failures),
    )


def _reason(row: Suspension, account: Account) -> str:
    return f"{row.get_reason_display()}, since {account.day_of(row.suspended_at)}"


def _mails(failures: Sequence[PaymentFailure]) -> list[OutgoingMail]:
    """The last mails about the account's invoices, as far as they were sent."""
    mails = OutgoingMail.objects.filter(
        about__in=[about(case) for case in failures], status=MailStatus.SENT, is_secret=False
    )
    return list(mails.only("subject", "sent_at", "to_email").order_by("-created_at")[:MAILS_SHOWN])


def _cases(user: User) -> list[OwnCase]:
    """Cases sent from an address that this person has proved to own: a colleague's are not theirs to read."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    cases = Case.objects.filter(email__in=[address.lower() for address in addresses], erased_at=None)
    return [
        OwnCase(
            Series(case.series).label,
            case.reference,
            case.submitted_at,
            case.closed_at is None,
            tracking_url(case),
        )
        for case in cases.order_by("-submitted_at")[:CASES_SHOWN]
    ]
