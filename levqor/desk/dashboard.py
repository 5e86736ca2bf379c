"""The figures on the first page of the back office: each is a link to the rows that it counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from billing import reports
from billing.admin_filters import due_within
from billing.models import EventStatus, PaymentFailure, StripeEvent
from levqor.accounts.models import Standing
from levqor.lib.money import format_money
from levqor.mail.models import MailStatus, OutgoingMail


@dataclass(frozen=True)
class Figure:
    value: object
    label: str
    url: str
    note: str = ""
    is_bad: bool = False


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the groups of figures that this person may see, and the chart; Unfold calls it for `admin/index.html`."""
    may = request.user.has_perm
    groups = [
        ("Failed payments", "billing.view_paymentfailure", _failures),
        ("Stripe inbox", "billing.view_stripeevent", _inbox),
        ("Mail", "mail.view_outgoingmail", _mail),
    ]
    may_see_cases = may("billing.view_paymentfailure")
    return context | {
        "figure_groups": [(title, figures()) for title, permission, figures in groups if may(permission)],
        "charts": reports.charts(reports.by_month()) if may_see_cases else [],
        "is_dunning_off": may_see_cases and not settings.DUNNING_ENABLED,
    }


def _failures() -> list[Figure]:
    url = reverse("admin:billing_paymentfailure_changelist")
    owed = PaymentFailure.objects.unsettled()
    counts = owed.aggregate(
        all=Count("pk"),
        held=Count("pk", filter=~Q(hold_reason="")),
        flagged=Count("pk", filter=~Q(flag="")),
        suspended=Count("account", filter=Q(account__standing=Standing.SUSPENDED), distinct=True),
    )
    due = due_within(owed, 1).count()
    return [
        Figure(counts["all"], "still owed", url, _owed_in_words()),
        Figure(due, "due today", f"{url}?due=today"),
        Figure(counts["held"], "held by the last pass", f"{url}?held=yes"),
        Figure(counts["flagged"], "wait for a person", f"{url}?flag=any", is_bad=counts["flagged"] > 0),
        Figure(counts["suspended"], "suspended accounts", f"{url}?standing={Standing.SUSPENDED}"),
    ]


def _owed_in_words() -> str:
    sums = reports.owed_per_currency()
    return ", ".join(format_money(cents, currency) for currency, cents in sums.items())


def _inbox() -> list[Figure]:
    url = reverse("admin:billing_stripeevent_changelist")
    counts = StripeEvent.objects.filter(
        status__in=[EventStatus.STORED, EventStatus.PROCESSING, EventStatus.FAILED]
    ).aggregate(
        waiting=Count("pk", filter=~Q(status=EventStatus.FAILED)),
        failed=Count("pk", filter=Q(status=EventStatus.FAILED)),
        oldest=Min("received_at", filter=~Q(status=EventStatus.FAILED)),
    )
    waiting = f"{url}?status__in={EventStatus.STORED},{EventStatus.PROCESSING}"
    failed = f"{url}?status__exact={EventStatus.FAILED}"
    return [
        Figure(counts["waiting"], "waiting", waiting, _age(counts["oldest"])),
        Figure(counts["failed"], "failed", failed, is_bad=counts["failed"] > 0),
    ]


def _age(oldest: datetime | None) -> str:
    return f"oldest: {timesince(oldest, timezone.now(), depth=1)}" if oldest else ""


def _mail() -> list[Figure]:
    url = reverse("admin:mail_outgoingmail_changelist")
    counts = OutgoingMail.objects.exclude(status__in=[MailStatus.SENT, MailStatus.CANCELLED]).aggregate(
        waiting=Count("pk", filter=Q(status__in=[MailStatus.PENDING, MailStatus.SENDING])),
        failed=Count("pk", filter=Q(status__in=[MailStatus.FAILED, MailStatus.UNKNOWN])),
        oldest=Min("created_at", filter=Q(status__in=[MailStatus.PENDING, MailStatus.SENDING])),
    )
    waiting = f"{url}?status__in={MailStatus.PENDING},{MailStatus.SENDING}"
    failed = f"{url}?status__in={MailStatus.FAILED},{MailStatus.UNKNOWN}"
    return [
        Figure(counts["waiting"], "waiting", waiting, _age(counts["oldest"])),
        Figure(counts["failed"], "refused or unknown", failed, is_bad=counts["failed"] > 0),
    ]
