"""The back office of billing: the queue of failed payments, the dunning policies, the Stripe inbox."""

import json
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing import admin_filters as filters
from billing import admin_views, policy_pages
from billing.models import (
    DunningPolicy,
    DunningStep,
    EventStatus,
    FailureStatus,
    PaymentFailure,
    StepStatus,
    StepTemplate,
    StripeEvent,
)
from levqor.lib.admin import Column, CsvExport, ReadOnlyAdmin, badge
from levqor.lib.money import format_money, to_decimal

EVENT_TONES = {
    EventStatus.STORED: "wait",
    EventStatus.PROCESSING: "wait",
    EventStatus.DONE: "good",
    EventStatus.IGNORED: "plain",
    EventStatus.FAILED: "bad",
}


@admin.register(PaymentFailure)
class PaymentFailureAdmin(CsvExport, ReadOnlyAdmin):
    list_display = [
        "invoice", "account", "owed", "standing", "state", "next_step", "held_because", "flagged", "attempt_count",
    ]  # fmt: skip
    list_filter = [
        filters.StatusFilter, filters.StandingFilter, filters.DueFilter, filters.HeldFilter, filters.FlagFilter,
        filters.PausedFilter, filters.AmountFilter, filters.CurrencyFilter, filters.PlanFilter,
    ]  # fmt: skip
    list_filter_submit = True
    list_fullwidth = True
    list_before_template = "admin/billing/queue_head.html"
    list_select_related = ["account"]
    list_per_page = 50
    ordering = ["failure_date", "pk"]
    search_fields = [
        "invoice_id", "invoice_number", "subscription_id", "account__stripe_customer_id", "account__name",
        "account__billing_email", "account__members__email", "account__contacts__email",
    ]  # fmt: skip
    csv_columns = [
        Column("Invoice", lambda case: case.invoice_number or case.invoice_id),
        Column("Invoice id", lambda case: case.invoice_id),
        Column("Account", lambda case: case.account.name),
        Column("E-mail", lambda case: case.account.billing_email),
        Column("Amount", lambda case: to_decimal(case.amount_cents, case.currency)),
        Column("Currency", lambda case: case.currency.upper()),
        Column("Plan", lambda case: case.plan_name),
        Column("Standing", lambda case: case.account.get_standing_display()),
        Column("Status", lambda case: case.get_status_display()),
        Column("Failed on", lambda case: case.failure_date),
        Column("Attempts", lambda case: case.attempt_count),
        Column("Next step on", lambda case: case.next_step_at),
        Column("Held", lambda case: case.hold_reason),
        Column("Flag", lambda case: case.get_flag_display()),
        Column("Recovered", lambda case: to_decimal(case.recovered_cents, case.currency)),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentFailure]:
        planned = DunningStep.objects.filter(
            failure=OuterRef("pk"), status__in=[StepStatus.PENDING, StepStatus.SENDING]
        ).order_by("attempt_number")
        cases = PaymentFailure.objects.select_related("account")
        return cases.annotate(
            next_step_at=Subquery(planned.values("scheduled_for")[:1]),
            next_template=Subquery(planned.values("template")[:1]),
        )

    @admin.display(description="Invoice", ordering="invoice_number")
    def invoice(self, case: PaymentFailure) -> str:
        return str(case)

    @admin.display(description="Amount", ordering="amount_cents")
    def owed(self, case: PaymentFailure) -> SafeString:
        return format_html('<span class="amount">{}</span>', case.amount)

    @admin.display(description="Standing", ordering="account__standing")
    def standing(self, case: PaymentFailure) -> SafeString:
        return admin_views.standing_badge(case)

    @admin.display(description="Status", ordering="status")
    def state(self, case: PaymentFailure) -> SafeString:
        return admin_views.state_badge(case, at=timezone.now())

    @admin.display(description="Next step", ordering="next_step_at")
    def next_step(self, case: Any) -> str:
        if case.status != FailureStatus.OPEN or not case.next_step_at:
            return "–"
        return f"{StepTemplate(case.next_template).label}, {timezone.localtime(case.next_step_at):%-d %b}"

    @admin.display(description="Held", ordering="hold_reason")
    def held_because(self, case: PaymentFailure) -> str:
        return case.hold_reason or "–"

    @admin.display(description="Flag", ordering="flag")
    def flagged(self, case: PaymentFailure) -> SafeString | str:
        return badge(case.get_flag_display(), "bad") if case.flag else "–"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(
            request,
            {"title": "Failed payments", "is_dunning_off": not settings.DUNNING_ENABLED} | (extra_context or {}),
        )
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            response.context_data["totals"] = _totals(response.context_data["cl"].queryset)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        case = self.get_object(request, object_id)
        if case is None or not self.has_view_permission(request, case):
            return super().change_view(request, object_id, form_url, extra_context)
        return admin_views.case_view(request, case, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        verbs = [
            path(
                f"<int:pk>/{slug}/",
                wrap(partial(admin_views.steer_view, slug=slug, site=site)),
                name=f"billing_paymentfailure_{slug.replace('-', '_')}",
            )
            for slug in admin_views.VERB_OF_SLUG
        ]
        report = wrap(partial(admin_views.report_view, site=site))
        return [*verbs, path("report/", report, name="billing_report"), *super().get_urls()]


def _totals(cases: QuerySet[PaymentFailure]) -> list[dict[str, object]]:
    """What the filtered rows add up to, per currency."""
    rows = PaymentFailure.objects.filter(pk__in=cases.order_by().values("pk")).values("currency")
    return [
        {"amount": format_money(row["owed"], row["currency"]), "cases": row["cases"]}
        for row in rows.annotate(owed=Sum("amount_cents"), cases=Count("pk")).order_by("currency")
    ]


@admin.register(DunningPolicy)
class DunningPolicyAdmin(ReadOnlyAdmin):
    """Versions. A new one is published from the form; none is ever edited."""

    list_display = ["version_name", "steps_in_words", "note", "created_at"]
    list_filter = ["plan"]
    ordering = ["plan", "-version"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DunningPolicy]:
        return DunningPolicy.objects.select_related("plan").prefetch_related("steps")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_dunningpolicy")

    @admin.display(description="Policy", ordering="plan")
    def version_name(self, policy: DunningPolicy) -> str:
        return str(policy)

    @admin.display(description="Steps")
    def steps_in_words(self, policy: DunningPolicy) -> str:
        return ", ".join(f"day {step.offset_days} {step.get_template_display().lower()}" for step in policy.steps.all())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return policy_pages.publish_view(request, self.admin_site)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        policy = self.get_object(request, object_id)
        if policy is None or not self.has_view_permission(request, policy):
            return super().change_view(request, object_id, form_url, extra_context)
        return policy_pages.version_view(request, policy, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(policy_pages.preview_html_view)
        return [path("preview/html/", preview, name="billing_preview_html"), *super().get_urls()]


@admin.register(StripeEvent)
class StripeEventAdmin(CsvExport, ReadOnlyAdmin):
    list_display = ["type", "state", "outcome", "error", "attempts", "object_id", "invoice_id", "received_at"]
    list_filter = ["status", "type", "livemode", "received_at"]
    search_fields = ["event_id", "object_id", "invoice_id", "customer_id", "request_id"]
    ordering = ["-received_at", "-pk"]
    list_per_page = 50
    csv_columns = [
        Column("Event", lambda event: event.event_id),
        Column("Type", lambda event: event.type),
        Column("Status", lambda event: event.get_status_display()),
        Column("Outcome", lambda event: event.outcome),
        Column("Error", lambda event: event.error),
        Column("Received", lambda event: event.received_at),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        # Bodies are up to a megabyte each: only the page of one event reads its own.
        return StripeEvent.objects.defer("body")

    @admin.display(description="Status", ordering="status")
    def state(self, event: StripeEvent) -> SafeString:
        return badge(event.get_status_display(), EVENT_TONES[EventStatus(event.status)])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        event = self.get_object(request, object_id)
        if event is None or not self.has_view_permission(request, event):
            return super().change_view(request, object_id, form_url, extra_context)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": event.type,
            "original": event,
            "event": event,
            "state": self.state(event),
            "case": PaymentFailure.objects.filter(invoice_id=event.invoice_id, livemode=event.livemode).first(),
            "body": _pretty(event) if admin_views.may_process_events(request) else "",
            "can_process_again": event.status in StripeEvent.TRANSITIONS and admin_views.may_process_events(request),
        }
        return TemplateResponse(request, "admin/billing/event.html", context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(admin_views.process_again_view, site=self.admin_site))
        return [path("<int:pk>/process-again/", view, name="billing_stripeevent_again"), *super().get_urls()]


def _pretty(event: StripeEvent) -> str:
    """The body, indented; as it came where it is no JSON."""
    try:
        return json.dumps(event.payload, indent=2, ensure_ascii=False)
    except ValueError:
        return bytes(event.body).decode(errors="replace")
