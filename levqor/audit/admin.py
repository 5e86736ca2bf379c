"""Who did what to which row, when, and why: to be read, never changed."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from levqor.audit.models import AuditEntry
from levqor.lib.admin import Column, CsvExport, ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(CsvExport, ReadOnlyAdmin):
    list_display = ["at", "who", "verb", "object_type", "object_id", "reason_given", "is_sealed"]
    list_filter = ["verb", "object_type", "actor_kind", "at"]
    search_fields = ["object_id", "verb", "request_id", "actor__email"]
    list_select_related = ["actor", "note", "seal"]
    ordering = ["-pk"]
    list_per_page = 50
    # Counting a trail that only ever grows costs more than it tells.
    show_full_result_count = False
    fields = [
        "at", "recorded_at", "who", "verb", "object_type", "object_id", "changes", "reason_given", "request_id",
        "digest", "is_sealed",
    ]  # fmt: skip
    readonly_fields = ["who", "reason_given", "is_sealed"]
    csv_columns = [
        Column("At", lambda entry: entry.at),
        Column("Who", lambda entry: entry.actor or entry.actor_kind),
        Column("What", lambda entry: entry.verb),
        Column("Type", lambda entry: entry.object_type),
        Column("Id", lambda entry: entry.object_id),
        Column("Why", lambda entry: entry.reason),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return str(entry.actor) if entry.actor else entry.actor_kind

    @admin.display(description="Why")
    def reason_given(self, entry: AuditEntry) -> str:
        return entry.reason or "–"

    @admin.display(description="Sealed", boolean=True)
    def is_sealed(self, entry: AuditEntry) -> bool:
        return hasattr(entry, "seal")
