"""The back office of disputes: the queue by deadline."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from disputes import admin_views
from disputes.chargebacks import with_account
from disputes.models import NEEDS_EVIDENCE, Chargeback, Dispute, DisputeStatus, Stage
from levqor.cases.models import Deadline
from levqor.cases.queue import OwnerFilter, QueueAdmin
from levqor.lib.admin import Column, CsvExport, DropdownFilter, ReadOnlyAdmin, badge, list_views, two_lines
from levqor.lib.money import format_money, to_decimal

QUICK_VIEWS = [
    ("To answer", ""),
    ("Mine", "owner=me"),
    ("Unassigned", "owner=nobody"),
    ("Overdue", "state=overdue"),
    ("Formal complaints", f"stage={Stage.COMPLAINT}"),
    ("Waiting for the customer", f"state={DisputeStatus.WAITING}"),
    ("Answered", f"state={DisputeStatus.ANSWERED}"),
    ("All", "state=all"),
]


class StateFilter(DropdownFilter):
    """What is with us, unless something else is asked for. A search looks everywhere."""

    title = "state"
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = [(str(value), str(label)) for value, label in DisputeStatus.choices]
        return [("", "To answer"), *states, ("overdue", "Overdue"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        value = self.value() or ("all" if request.GET.get("q") else "")
        if value in DisputeStatus.values:
            return queryset.filter(status=value)
        if value == "overdue":
            late = Deadline.objects.running().filter(due_at__lt=timezone.now())
            return queryset.filter(case__in=late.values("case"))
        return queryset if value == "all" else queryset.filter(status=DisputeStatus.OPEN)


class StageFilter(DropdownFilter):
    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Stage.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        return queryset.filter(stage=self.value()) if self.value() else queryset


@admin.register(Dispute)
class DisputeAdmin(QueueAdmin):
    desk = admin_views.DESK

    list_title = "Disputes"
    list_help = (
        "What customers disagree about, by the day on which they have to hear from us. Open one: its page shows all that "
        "was said, and what you can do."
    )
    empty_title = "Nobody disagrees with us"
    empty_text = "Disputes from the page /disputes and from the API appear here at once."
    list_display = ["reference", "customer", "about", "stage_reached", "state", "owner", "due"]
    list_filter = [StateFilter, StageFilter, OwnerFilter, "category"]
    list_before_template = "admin/disputes/queue_head.html"
    list_select_related = ["case__account", "case__owner"]
    search_fields = [*QueueAdmin.search_fields, "subject"]
    actions = ["export_csv"]
    csv_columns = [
        Column("Reference", lambda dispute: dispute.case.reference),
        Column("Stage", lambda dispute: dispute.get_stage_display()),
        Column("Status", lambda dispute: dispute.get_status_display()),
        Column("Outcome", lambda dispute: dispute.get_outcome_display()),
        Column("About", lambda dispute: dispute.get_category_display()),
        Column("Subject", lambda dispute: dispute.subject),
        Column("Received", lambda dispute: dispute.case.submitted_at),
        Column("Name", lambda dispute: dispute.case.full_name),
        Column("E-mail", lambda dispute: dispute.case.email),
        Column("Account", lambda dispute: dispute.case.account or ""),
        Column("As typed", lambda dispute: dispute.case.account_name),
        Column("Owner", lambda dispute: dispute.case.owner or ""),
        Column("Closed", lambda dispute: dispute.case.closed_at),
    ]

    @admin.display(description="Dispute", ordering="case__reference")
    def reference(self, dispute: Dispute) -> str:
        return dispute.case.reference

    @admin.display(description="About", ordering="category")
    def about(self, dispute: Dispute) -> SafeString:
        return two_lines(dispute.subject, dispute.get_category_display())

    @admin.display(description="Stage", ordering="stage")
    def stage_reached(self, dispute: Dispute) -> str:
        return dispute.get_stage_display()

    @admin.display(description="State", ordering="status")
    def state(self, dispute: Dispute) -> SafeString:
        return admin_views.state_badge(dispute)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(admin_views.letter_view)
        return [path("<int:pk>/letters/<int:letter_pk>/", view, name="disputes_dispute_letter"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        views = {"views": list_views(request, QUICK_VIEWS), "export_query": request.GET.urlencode()}
        return super().changelist_view(request, views | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        dispute = self.get_object(request, object_id)
        if dispute is None or not self.has_view_permission(request, dispute):
            return super().change_view(request, object_id, form_url, extra_context)
        return admin_views.dispute_view(request, dispute, self.admin_site)


class ChargebackStateFilter(DropdownFilter):
    """What waits for our evidence, unless something else is asked for."""

    title = "state"
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "Evidence due"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Chargeback]) -> QuerySet[Chargeback]:
        if self.value() == "all" or request.GET.get("q"):
            return queryset
        return queryset.filter(
            payment__status__in=NEEDS_EVIDENCE, is_answered=False, evidence_due_at__gt=timezone.now()
        )


@admin.register(Chargeback)
class ChargebackAdmin(CsvExport, ReadOnlyAdmin):
    list_title = "Chargebacks"
    list_help = (
        "What banks take back, by the day until which Stripe takes our evidence: the contract, what was delivered, and what "
        "was written. Send it in Stripe’s dashboard, once and whole. A customer who withdraws does not end it: send it all "
        "the same."
    )
    empty_title = "No bank asks for evidence"
    empty_text = "A chargeback appears here as soon as Stripe tells of it."
    list_display = ["dispute", "account", "amount", "reason", "state", "evidence"]
    list_filter = [ChargebackStateFilter]
    list_select_related = ["payment"]
    ordering = ["evidence_due_at", "-pk"]
    search_help_text = "Dispute, charge or invoice at Stripe"
    search_fields = ["payment__dispute_id", "payment__charge_id", "payment__invoice_id"]
    csv_columns = [
        Column("Dispute", lambda row: row.payment.dispute_id),
        Column("Account", lambda row: row.account_name or ""),
        Column("Amount", lambda row: to_decimal(row.payment.amount_cents, row.payment.currency)),
        Column("Currency", lambda row: row.payment.currency.upper()),
        Column("Reason", lambda row: row.payment.reason),
        Column("Status", lambda row: row.payment.status),
        Column("Evidence until", lambda row: row.evidence_due_at),
        Column("Evidence sent", lambda row: row.is_answered),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chargeback]:
        return with_account()

    @admin.display(description="Dispute")
    def dispute(self, row: Chargeback) -> SafeString:
        return two_lines(row.payment.dispute_id, row.payment.invoice_id or row.payment.charge_id)

    @admin.display(description="Account")
    def account(self, row: Any) -> str:
        return row.account_name or "not matched"

    @admin.display(description="Amount", ordering="payment__amount_cents")
    def amount(self, row: Chargeback) -> str:
        return format_money(row.payment.amount_cents, row.payment.currency)

    @admin.display(description="Reason")
    def reason(self, row: Chargeback) -> str:
        return row.payment.reason.replace("_", " ")

    @admin.display(description="State", ordering="payment__status")
    def state(self, row: Chargeback) -> SafeString:
        tone = {"won": "good", "lost": "bad"}.get(row.payment.status, "wait")
        return badge(row.payment.status.replace("_", " "), tone)

    @admin.display(description="Evidence until", ordering="evidence_due_at")
    def evidence(self, row: Chargeback) -> SafeString | str:
        if row.is_answered:
            return badge("Sent", "good")
        if not row.needs_evidence or row.evidence_due_at is None:
            return "–"
        left = row.evidence_due_at - timezone.now()
        tone = "bad" if left < timedelta(days=1) else "warn" if left < timedelta(days=3) else "wait"
        day = f"{timezone.localtime(row.evidence_due_at):%a %-d %b, %H:%M}"
        return badge(f"Missed: {day}" if left < timedelta(0) else day, tone)
