"""The lists of claims and of disputes in the back office: by the day on which the customer has to hear from us."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.db.models import FilteredRelation, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString

from levqor.cases.desk import deadline_badge
from levqor.cases.desk_pages import Desk
from levqor.cases.saved_filters import SavedFilters
from levqor.guard.references import parse_reference
from levqor.lib.admin import CsvExport, DropdownFilter, ReadOnlyAdmin, two_lines


class OwnerFilter(DropdownFilter):
    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "Me"), ("nobody", "Nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "me":
            return queryset.filter(case__owner=request.user.pk)
        return queryset.filter(case__owner=None) if self.value() == "nobody" else queryset


class QueueAdmin(SavedFilters, CsvExport, ReadOnlyAdmin):
    """A queue of rows that have a case; what one of them can do stands in `desk`."""

    desk: ClassVar[Desk[Any]]

    date_hierarchy = "case__submitted_at"
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    ordering = ["deadline__due_at", "pk"]
    search_help_text = "Reference, name, e-mail or account"
    search_fields = ["case__reference", "case__full_name", "case__email", "case__account_name", "case__account__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        running = FilteredRelation("case__deadlines", condition=Q(case__deadlines__ended_at__isnull=True))
        rows: QuerySet[Any] = self.model._default_manager.all()
        rows = rows.select_related("case__account", "case__owner").annotate(deadline=running)
        return rows.prefetch_related("case__deadlines__pauses")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        reference = parse_reference(search_term)
        if reference:
            return queryset.filter(case__reference=reference), False
        return super().get_search_results(request, queryset, search_term)

    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.desk.work)

    def get_urls(self) -> list[URLPattern]:
        return [*self.desk.urls(self.admin_site), *super().get_urls()]

    @admin.display(description="Customer", ordering="case__account__name")
    def customer(self, row: models.Model) -> SafeString:
        case = self.desk.case_of(row)
        name = case.account_name or case.full_name or "no name"
        return two_lines(case.account or f"{name} (not matched)", case.email)

    @admin.display(description="Owner", ordering="case__owner__email")
    def owner(self, row: models.Model) -> str:
        owner = self.desk.case_of(row).owner
        return owner.get_full_name() if owner else "–"

    @admin.display(description="Due", ordering="deadline__due_at")
    def due(self, row: models.Model) -> SafeString | str:
        deadlines = self.desk.case_of(row).deadlines.all()
        running = next((deadline for deadline in deadlines if deadline.ended_at is None), None)
        return deadline_badge(running, at=timezone.now())
