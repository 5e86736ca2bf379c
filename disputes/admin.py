"""The back office of disputes: the queue by deadline."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from disputes import admin_views
from disputes.models import Dispute, DisputeStatus, Stage
from levqor.cases.models import Deadline
from levqor.cases.queue import OwnerFilter, QueueAdmin
from levqor.lib.admin import Column, DropdownFilter, list_views, two_lines

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
