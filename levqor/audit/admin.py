"""Who did what to which row, when, and why: to be read, never changed."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from levqor.audit.models import AuditEntry
from levqor.lib.admin import Column, CsvExport, ReadOnlyAdmin, badge, known_values, row_link

KINDS = {"system": "Levqor", "stripe": "Stripe", "mail": "Mail provider", "customer": "Customer", "staff": "Staff"}


def _kinds_of_rows() -> list[tuple[str, str]]:
    """Every model that is not Django's own."""
    ours = [model._meta for model in apps.get_models() if not model.__module__.startswith(("django.", "allauth."))]
    return [(options.label_lower, str(options.verbose_name)) for options in ours]


def _changes_in_words(changes: dict[str, Any]) -> Iterator[str]:
    for name, value in changes.items():
        parts = value if isinstance(value, list) else [value]
        yield f"{name.replace('_', ' ')}: {' → '.join(str(part).replace('_', ' ') for part in parts)}"


@admin.register(AuditEntry)
class AuditEntryAdmin(CsvExport, ReadOnlyAdmin):
    list_title = "Audit trail"
    list_help = (
        "Who did what to which row, and why, newest first. Nothing here can be changed or removed, by nobody; the nightly "
        "verification finds any row that was tampered with."
    )
    list_display = ["when", "who", "did", "row", "reason_given", "sealed"]
    search_help_text = "Row’s id, person’s e-mail or request id"
    list_filter = [
        known_values("actor_kind", "who", KINDS.items), known_values("object_type", "row", _kinds_of_rows), "at",
    ]  # fmt: skip
    search_fields = ["object_id", "verb", "request_id", "actor__email"]
    list_select_related = ["actor", "note", "seal"]
    ordering = ["-pk"]
    list_per_page = 50
    # Counting a trail that only ever grows costs more than it tells.
    show_full_result_count = False
    fields = [
        "when", "who", "did", "row", "changed", "reason_given", "sealed", "recorded_at", "verb", "request_id", "digest",
    ]  # fmt: skip
    readonly_fields = ["when", "who", "did", "row", "changed", "reason_given", "sealed"]
    csv_columns = [
        Column("At", lambda entry: entry.at),
        Column("Who", lambda entry: entry.actor or entry.actor_kind),
        Column("What", lambda entry: entry.verb),
        Column("Type", lambda entry: entry.object_type),
        Column("Id", lambda entry: entry.object_id),
        Column("Why", lambda entry: entry.reason),
    ]

    @admin.display(description="When", ordering="pk")
    def when(self, entry: AuditEntry) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', f"{timezone.localtime(entry.at):%-d %b %Y, %H:%M:%S}")

    @admin.display(description="What", ordering="verb")
    def did(self, entry: AuditEntry) -> SafeString:
        return format_html('<span class="nowrap">{}</span>', entry.did)

    @admin.display(description="What changed")
    def changed(self, entry: AuditEntry) -> str:
        """One line a column: `standing: active → past due`."""
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in _changes_in_words(entry.changes))) or "–"

    @admin.display(description="Row")
    def row(self, entry: AuditEntry) -> SafeString:
        return row_link(entry.object_type, entry.object_id)

    @admin.display(description="Sealed")
    def sealed(self, entry: AuditEntry) -> SafeString:
        return badge("Sealed", "good") if self.is_sealed(entry) else badge("In a moment", "wait")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return str(entry.actor) if entry.actor else KINDS.get(entry.actor_kind, entry.actor_kind)

    @admin.display(description="Why")
    def reason_given(self, entry: AuditEntry) -> str:
        return entry.reason or "–"

    def is_sealed(self, entry: AuditEntry) -> bool:
        return hasattr(entry, "seal")
