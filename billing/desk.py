"""What billing brings to the back office: failed payments, the Stripe inbox, what waits for a person."""

from collections.abc import Iterable

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from billing import reports
from billing.models import EventStatus, PaymentFailure, StripeEvent
from levqor.accounts.models import Standing
from levqor.lib.desk import (
    SHOWN,
    Chart,
    Entry,
    Figure,
    Figures,
    Finder,
    Hit,
    Part,
    Search,
    Waiting,
    age_in_words,
    register,
)
from levqor.lib.money import format_money


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


def _charts() -> list[Chart]:
    """The busiest currency; the report has them all."""
    drawn = reports.charts(reports.by_month())[:1]
    url = reverse("admin:billing_report")
    return [Chart(chart.title, url, "admin/billing/_chart.html", chart) for chart in drawn]


def _failures() -> list[Figure]:
    url = reverse("admin:billing_paymentfailure_changelist")
    owed = PaymentFailure.objects.unsettled()
    counts = owed.aggregate(
        all=Count("pk"),
        held=Count("pk", filter=~Q(hold_reason="")),
        flagged=Count("pk", filter=~Q(flag="")),
        suspended=Count("account", filter=Q(account__standing=Standing.SUSPENDED), distinct=True),
    )
    due = owed.due_within(1, at=timezone.now()).count()
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
        Figure(counts["waiting"], "waiting", waiting, age_in_words(counts["oldest"])),
        Figure(counts["failed"], "failed", failed, is_bad=counts["failed"] > 0),
    ]


def _cases(search: Search) -> Iterable[Hit]:
    fits = (
        Q(account__in=search.account_ids)
        | Q(invoice_id=search.words)
        | Q(subscription_id=search.words)
        | Q(invoice_number__istartswith=search.words)
    )
    cases = PaymentFailure.objects.filter(fits).select_related("account").order_by("-failure_date")
    for case in cases[: SHOWN + 1]:
        detail = f"{case.account}, {case.amount}, {case.get_status_display().lower()}"
        yield Hit(f"Invoice {case}", detail, reverse("admin:billing_paymentfailure_change", args=[case.pk]))


def _events(search: Search) -> Iterable[Hit]:
    words = search.words
    fits = Q(event_id=words) | Q(object_id=words) | Q(invoice_id=words)
    events = StripeEvent.objects.filter(fits).defer("body").order_by("-received_at")
    for event in events[: SHOWN + 1]:
        detail = f"{event.event_id}, {event.get_status_display().lower()}"
        yield Hit(event.words, detail, reverse("admin:billing_stripeevent_change", args=[event.pk]))


register(
    Part(
        "billing",
        menu=(
            Entry("Billing", "Failed payments", "billing_paymentfailure", "credit_card_off"),
            Entry("Billing", "Dunning policies", "billing_dunningpolicy", "event_repeat"),
            Entry("Billing", "Stripe inbox", "billing_stripeevent", "inbox"),
            Entry("Billing", "Set-up at Stripe", "billing_setupconfirmation", "checklist"),
            Entry("Billing", "Alarms", "billing_alarm", "notification_important"),
        ),
        figures=(
            Figures("Failed payments", "billing.view_paymentfailure", _failures),
            Figures("Stripe inbox", "billing.view_stripeevent", _inbox),
        ),
        finders=(
            Finder("Failed payments", "billing.view_paymentfailure", _cases, is_case=True),
            Finder("Stripe events", "billing.view_stripeevent", _events),
        ),
        roles={
            "Support": ["view_*", "change_paymentfailure", "change_stripeevent", "steer_dunning"],
            "Finance": ["view_*", "add_dunningpolicy", "confirm_setup"],
            "Engineering": ["view_*", "change_stripeevent", "confirm_setup"],
        },
        permission="billing.view_paymentfailure",
        notices=("admin/billing/_today.html",),
        waiting=_waiting,
        charts=_charts,
    )
)
