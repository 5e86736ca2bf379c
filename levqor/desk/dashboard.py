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
from claims.models import Claim, ClaimStatus
from legal.models import DocumentVersion, VersionStatus
from legal.models.document import is_overdue
from levqor.accounts.models import Standing
from levqor.desk import schedule
from levqor.desk.models import PeriodicTask
from levqor.lib.money import format_money
from levqor.mail.models import MailStatus, OutgoingMail

SHOWN = 5


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
        ("SLA claims", "claims.view_claim", _claims),
        ("Stripe inbox", "billing.view_stripeevent", _inbox),
        ("Documents", "legal.view_documentversion", _documents),
        ("Mail", "mail.view_outgoingmail", _mail),
        ("Periodic tasks", "desk.view_periodictask", _tasks),
    ]
    may_see_cases = may("billing.view_paymentfailure")
    return context | {
        "figure_groups": [(title, figures()) for title, permission, figures in groups if may(permission)],
        "waiting": _waiting() if may_see_cases else [],
        "charts": reports.charts(reports.by_month()) if may_see_cases else [],
        "is_dunning_off": may_see_cases and not settings.DUNNING_ENABLED,
    }


@dataclass(frozen=True)
class Waiting:
    """A case that a person has to look at."""

    title: str
    why: str
    since: datetime
    url: str


def _waiting() -> list[Waiting]:
    """The flagged cases that have waited longest."""
    cases = PaymentFailure.objects.unsettled().exclude(flag="").select_related("account")
    return [
        Waiting(
            f"{case.account}, invoice {case}, {case.amount}",
            case.get_flag_display(),
            case.flagged_at or case.failure_date,
            reverse("admin:billing_paymentfailure_change", args=[case.pk]),
        )
        for case in cases.order_by("flagged_at", "pk")[:SHOWN]
    ]


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


def _claims() -> list[Figure]:
    url = reverse("admin:claims_claim_changelist")
    late = Q(
        case__deadlines__ended_at=None, case__deadlines__waiting_since=None, case__deadlines__due_at__lt=timezone.now()
    )
    counts = (
        Claim.objects.filter(case__closed_at=None)
        .exclude(status=ClaimStatus.DRAFTED)
        .aggregate(
            all=Count("pk"),
            unowned=Count("pk", filter=Q(case__owner=None)),
            late=Count("pk", filter=late),
            proposed=Count("pk", filter=Q(status=ClaimStatus.PROPOSED)),
        )
    )
    stuck = Claim.objects.filter(status__in=[ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN]).count()
    return [
        Figure(counts["all"], "to decide", url),
        Figure(counts["unowned"], "unassigned", f"{url}?owner=nobody"),
        Figure(counts["late"], "overdue", f"{url}?state=overdue", is_bad=counts["late"] > 0),
        Figure(counts["proposed"], "to approve", f"{url}?state={ClaimStatus.PROPOSED}"),
        Figure(stuck, "by hand or unknown", f"{url}?state=stuck", is_bad=stuck > 0),
    ]


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


def _documents() -> list[Figure]:
    url = reverse("admin:legal_documentversion_changelist")
    counts = DocumentVersion.objects.aggregate(
        drafts=Count("pk", filter=Q(status=VersionStatus.DRAFT)),
        announced=Count("pk", filter=Q(status=VersionStatus.SCHEDULED)),
        overdue=Count("pk", filter=is_overdue(at=timezone.now())),
    )
    return [
        Figure(counts["drafts"], "drafts", f"{url}?status__exact={VersionStatus.DRAFT}"),
        Figure(counts["announced"], "announced", f"{url}?status__exact={VersionStatus.SCHEDULED}"),
        Figure(counts["overdue"], "stuck on their day", f"{url}?overdue=yes", is_bad=counts["overdue"] > 0),
    ]


def _tasks() -> list[Figure]:
    url = reverse("admin:desk_periodictask_changelist")
    now = timezone.now()
    rows = list(PeriodicTask.objects.all())
    failed = sum(bool(row.last_error) for row in rows)
    late = sum(row.is_late(schedule.next_run_at(row, at=now), at=now) for row in rows)
    return [
        Figure(failed, "failed at the last run", url, is_bad=failed > 0),
        Figure(late, "late", url, "is beat running?" if late and late == len(rows) else "", is_bad=late > 0),
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
