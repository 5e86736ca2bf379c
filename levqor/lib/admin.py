"""What the back office's pages share: Unfold as the base, read-only ledgers, badges, CSV, foreign HTML in a cage."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import ActionLocation
from django.db import models
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.clickjacking import xframe_options_sameorigin

if TYPE_CHECKING:
    # Unfold carries no types; its admin is Django's with another face.
    UnfoldAdmin = admin.ModelAdmin[Any]
    DropdownFilter = admin.SimpleListFilter
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin
    from unfold.contrib.filters.admin import DropdownFilter

__all__ = ["BaseAdmin", "Column", "CsvExport", "DropdownFilter", "ReadOnlyAdmin", "badge", "caged_html", "csv_rows"]


class BaseAdmin(UnfoldAdmin):
    """Unfold's admin, on this Django."""

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> list[tuple[str, str]]:
        # Unfold 0.110 overrides this with the signature of Django 6.0, which Django 6.1 warns about at every list.
        chosen = default_choices or [("", "Select action")]
        return admin.ModelAdmin.get_action_choices(self, request, chosen, action_location)


# Excel, LibreOffice and Sheets take a cell that begins so for a formula, also behind blanks and in full width.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# A page of somebody else's making runs no script, sends no form, loads nothing and has no origin.
CAGE = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
GLYPHS = {"good": "✓", "wait": "◷", "warn": "▲", "bad": "✕", "plain": "•"}


def badge(text: object, tone: str = "plain") -> SafeString:
    """A word with a sign and a colour, so that the colour is never alone in saying it. Tones are those of GLYPHS."""
    return format_html(
        '<span class="badge badge-{}"><span aria-hidden="true">{}</span> {}</span>', tone, GLYPHS[tone], text
    )


@xframe_options_sameorigin
def caged_html(request: HttpRequest, html: str) -> HttpResponse:
    """A mail's HTML as a document of its own, for an iframe on one of our pages."""
    return HttpResponse(html, headers={"Content-Security-Policy": CAGE, "X-Content-Type-Options": "nosniff"})


@dataclass(frozen=True)
class Column:
    """One column of an export: its heading, and what it takes from a row."""

    heading: str
    value: Callable[[Any], object]


def safe_cell(value: object) -> object:
    """The value as no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="minutes")
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


class _Echo:
    """A file whose `write` hands the line on, for csv.writer."""

    def write(self, line: str) -> str:
        return line


def csv_rows(columns: list[Column], rows: Iterable[object]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The mark at the beginning tells Excel that this is UTF-8.
    yield "\ufeff" + writer.writerow([column.heading for column in columns])
    for row in rows:
        yield writer.writerow([safe_cell(column.value(row)) for column in columns])


class CsvExport(BaseAdmin):
    """Adds the action "Export as CSV", which writes row by row, however many there are."""

    csv_columns: list[Column] = []
    actions = ["export_csv"]

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> StreamingHttpResponse:
        name = f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_rows(self.csv_columns, queryset.iterator(chunk_size=500)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


class ReadOnlyAdmin(BaseAdmin):
    """A ledger: to be read, searched and exported. Whatever may be done to a row has a verb and a page of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
