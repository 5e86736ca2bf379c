"""The back office of billing: the queue of failed payments, the dunning policies, the Stripe inbox."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from billing.admin import bulk, filters
from billing.admin import case as case_pages
from billing.admin import inbox as inbox_pages
from billing.admin import policies as policy_pages
from billing.admin import setup as setup_pages
from billing.admin.filters import QueuePaginator, totals_of
from billing.admin.verbs import VERB_OF_SLUG
from billing.finding import cases_matching
from billing.models import (
    DunningPolicy,
    DunningStep,
    FailureStatus,
    PaymentFailure,
    StepTemplate,
    StripeEvent,
)
from billing.steps import PLANNED
from levqor.lib.admin import Column, CsvExport, ReadOnlyAdmin, badge, known_values, two_lines
from levqor.lib.big_lists import BigChangeList, CappedPaginator
from levqor.lib.money import to_decimal

# What the address of the queue may say and ask for nothing but another page.
PAGE = {"p"}

__all__ = ["DunningPolicyAdmin", "PaymentFailureAdmin", "StripeEventAdmin", "setup_pages"]


@admin.register(PaymentFailure)
class PaymentFailureAdmin(CsvExport, ReadOnlyAdmin):
    list_title = "Failed payments"
    list_help = (
        "What customers still owe: what waits for a person first, then the oldest. Levqor reminds, suspends and "
        "restores by itself; a row with a red sign waits for a person. Open it: its page says what to do."
    )
    empty_title = "Nobody owes anything"
    empty_text = "When a payment fails at Stripe, its invoice appears here within seconds."
    list_display = ["invoice", "customer", "owed", "state", "standing", "next_step", "waits_for", "failed_on"]
    list_filter = [
        filters.StatusFilter, filters.StandingFilter, filters.DueFilter, filters.HeldFilter, filters.FlagFilter,
        filters.PausedFilter, filters.AmountFilter, filters.CurrencyFilter, filters.PlanFilter,
    ]  # fmt: skip
    list_filter_submit = True
    list_before_template = "admin/billing/queue_head.html"
    list_select_related = ["account"]
    list_per_page = 50
    ordering = ["failure_date", "pk"]
    search_help_text = "Invoice, customer, e-mail or Stripe id"
    # What a search looks at is in billing/finding.py; the field below only brings the box.
    search_fields = ["invoice_id"]
    actions = [
        bulk.make_action(bulk.on_cases("pause"), "Pause", "steer"),
        bulk.make_action(bulk.on_cases("resume"), "Resume", "steer"),
        bulk.make_action(bulk.on_cases("clear-flag"), "Dealt with", "steer"),
        bulk.make_action(bulk.on_cases("stop"), "Stop", "steer"),
        "export_csv",
    ]
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
        return PaymentFailure.objects.select_related("account")

    def for_one_page(self, rows: QuerySet[PaymentFailure]) -> QuerySet[PaymentFailure]:
        planned = DunningStep.objects.filter(failure=OuterRef("pk"), status__in=PLANNED).order_by("attempt_number")
        return rows.annotate(next_template=Subquery(planned.values("template")[:1]))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentFailure], search_term: str
    ) -> tuple[QuerySet[PaymentFailure], bool]:
        words = search_term.strip()
        return (queryset.filter(cases_matching(words)) if words else queryset), False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return case_pages.may_steer(request)

    @admin.display(description="Invoice", ordering="invoice_number")
    def invoice(self, case: PaymentFailure) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', case)

    @admin.display(description="Customer", ordering="account__name")
    def customer(self, case: PaymentFailure) -> SafeString:
        return two_lines(case.account, case.account.billing_email)

    @admin.display(description="Amount", ordering="amount_cents")
    def owed(self, case: PaymentFailure) -> SafeString:
        return two_lines(format_html('<span class="amount">{}</span>', case.amount), case.plan_name)

    # What is of a few kinds is filtered, not sorted: one kind would fill all the pages that anybody looks at.
    @admin.display(description="Account")
    def standing(self, case: PaymentFailure) -> SafeString:
        return case_pages.standing_badge(case)

    @admin.display(description="Case")
    def state(self, case: PaymentFailure) -> SafeString:
        return case_pages.state_badge(case, at=timezone.now())

    @admin.display(description="Next step", ordering=F("next_step_at").asc(nulls_last=True))
    def next_step(self, case: Any) -> SafeString | str:
        if case.status != FailureStatus.OPEN or not case.next_step_at:
            return "–"
        due = "due since " if case.next_step_at <= timezone.now() else ""
        return two_lines(
            StepTemplate(case.next_template).label, f"{due}{timezone.localtime(case.next_step_at):%-d %b, %H:%M}"
        )

    @admin.display(description="Waits because")
    def waits_for(self, case: PaymentFailure) -> SafeString | str:
        """The flag, which a person has to deal with; else why the last pass left a due step."""
        return badge(case.get_flag_display(), "bad") if case.flag else case.hold_reason or "–"

    @admin.display(description="Failed on", ordering="failure_date")
    def failed_on(self, case: PaymentFailure) -> SafeString:
        age = "" if case.resolved_at else f"{timesince(case.failure_date, timezone.now(), depth=1)} ago"
        return two_lines(f"{timezone.localtime(case.failure_date):%-d %b %Y}", age)

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **options: Any
    ) -> CappedPaginator:
        """Django pages a row's history by the same door, and that owes nothing."""
        pages = QueuePaginator if queryset.model is PaymentFailure else CappedPaginator
        return pages(queryset, *args, **options)

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """As the queue opens, what waits for a person comes first; what is due, in the order in which it is due."""
        oldest_first: list[Any] = [*self.ordering]
        if request.GET.get("due"):
            return ["next_step_at", *oldest_first]
        return oldest_first if request.GET.keys() - PAGE else ["-is_flagged", *oldest_first]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        head = {
            "is_dunning_off": not settings.DUNNING_ENABLED,
            "views": filters.quick_views(request),
            "export_query": request.GET.urlencode(),
        }
        return super().changelist_view(request, head | (extra_context or {}))

    def add_to_list(self, request: HttpRequest, changes: BigChangeList, context: dict[str, Any]) -> None:
        super().add_to_list(request, changes, context)
        asked_for = changes.get_filters_params() | {"q": [changes.query]}
        context["totals"] = totals_of(changes.paginator, asked_for=asked_for)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        case = self.get_object(request, object_id)
        if case is None or not self.has_view_permission(request, case):
            return super().change_view(request, object_id, form_url, extra_context)
        return case_pages.case_view(request, case, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        verbs = [
            path(
                f"<int:pk>/{slug}/",
                wrap(partial(case_pages.steer_view, slug=slug, site=site)),
                name=f"billing_paymentfailure_{slug.replace('-', '_')}",
            )
            for slug in VERB_OF_SLUG
        ]
        report = wrap(partial(case_pages.report_view, site=site))
        return [*verbs, path("report/", report, name="billing_report"), *super().get_urls()]


@admin.register(DunningPolicy)
class DunningPolicyAdmin(ReadOnlyAdmin):
    """Versions. A new one is published from the form; none is ever edited."""

    list_title = "Dunning policies"
    list_help = (
        "Which mail goes out how many days after a failed payment, and when the account is suspended. To change that, "
        "open the current version and publish a new one from it; cases that run keep the version they began with."
    )
    list_before_template = "admin/billing/policies_head.html"
    list_display = ["version_name", "in_force", "steps_in_words", "note", "created_at"]
    list_filter = ["plan"]
    ordering = ["plan", "-version"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DunningPolicy]:
        newer = DunningPolicy.objects.annotate(of=Coalesce("plan_id", 0)).filter(
            of=Coalesce(OuterRef("plan_id"), 0), version__gt=OuterRef("version")
        )
        versions = DunningPolicy.objects.select_related("plan").prefetch_related("steps")
        return versions.annotate(is_replaced=Exists(newer))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_dunningpolicy")

    @admin.display(description="State")
    def in_force(self, policy: Any) -> SafeString:
        return badge("Older", "plain") if policy.is_replaced else badge("In force", "good")

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
    list_title = "Stripe inbox"
    list_help = (
        "Every event that Stripe told us, newest first, and what Levqor did about it. A failed one is the only kind that "
        "needs you: open it, read the error, and process it again once the cause is mended."
    )
    empty_title = "No event has arrived yet"
    empty_text = (
        "Point Stripe’s webhook at /api/webhooks/stripe, or try `manage.py simulate_stripe invoice.payment_failed`."
    )
    list_display = ["event", "state", "result", "invoice_id", "attempts", "received"]
    list_filter = ["status", known_values("type", "type", inbox_pages.known_types), "livemode", "received_at"]
    list_before_template = "admin/billing/inbox_head.html"
    search_help_text = "A whole id: of the event, its object, the invoice, the customer or the request"
    actions = [bulk.make_action(bulk.PROCESS_AGAIN, "Process again", "process"), "export_csv"]
    # Whole, since each has an index, and a part of an id is nothing that anybody reads out.
    search_fields = [
        "event_id__exact", "object_id__exact", "invoice_id__exact", "customer_id__exact", "request_id__exact",
    ]  # fmt: skip
    sortable_by = ["received"]
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

    def has_process_permission(self, request: HttpRequest) -> bool:
        return inbox_pages.may_process_events(request)

    @admin.display(description="Event")
    def event(self, event: StripeEvent) -> SafeString:
        return two_lines(event.words, event.type)

    @admin.display(description="What was done")
    def result(self, event: StripeEvent) -> str:
        return event.error or event.outcome or "–"

    @admin.display(description="Received", ordering="received_at")
    def received(self, event: StripeEvent) -> str:
        return f"{timezone.localtime(event.received_at):%-d %b %Y, %H:%M:%S}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        views = {"views": filters.inbox_views(request), "export_query": request.GET.urlencode()}
        return super().changelist_view(request, views | (extra_context or {}))

    @admin.display(description="Status")
    def state(self, event: StripeEvent) -> SafeString:
        return inbox_pages.state_badge(event)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        event = self.get_object(request, object_id)
        if event is None or not self.has_view_permission(request, event):
            return super().change_view(request, object_id, form_url, extra_context)
        return inbox_pages.event_view(request, event, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(inbox_pages.process_again_view, site=self.admin_site))
        return [path("<int:pk>/process-again/", view, name="billing_stripeevent_again"), *super().get_urls()]
