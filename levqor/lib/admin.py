"""What the back office's pages share: Unfold as the base, read-only ledgers, badges, CSV, foreign HTML in a cage."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ActionLocation, IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import DataError, models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.clickjacking import xframe_options_sameorigin

from levqor.lib.actors import staff
from levqor.lib.big_lists import BigChangeList, CappedPaginator, RowsAlone, streamed
from levqor.lib.events import emit

if TYPE_CHECKING:
    # Unfold carries no types; its admin is Django's with another face.
    UnfoldAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    DropdownFilter = admin.SimpleListFilter
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin
    from unfold.admin import TabularInline
    from unfold.contrib.filters.admin import DropdownFilter

__all__ = [
    "BaseAdmin", "Column", "CsvExport", "DropdownFilter", "ListView", "ReadOnlyAdmin", "ReadOnlyInline", "TabularInline",
    "badge", "caged_html", "csv_rows", "known_values", "list_views", "row_link", "row_url", "two_lines",
]  # fmt: skip


@dataclass(frozen=True)
class ListView:
    """A filter that people want every day, as a link above the list."""

    label: str
    query: str
    is_current: bool


def list_views(request: HttpRequest, table: Iterable[tuple[str, str]]) -> list[ListView]:
    """The links for a table of (words, query), the one in force marked."""
    current = {name: value for name, value in request.GET.items() if value}
    return [ListView(label, query, current == dict(parse_qsl(query))) for label, query in table]


def row_url(label: str, pk: object) -> str:
    """The page of a row named by its model's label (`billing.paymentfailure`); empty where it has none."""
    app, _, model = label.partition(".")
    try:
        return reverse(f"admin:{app}_{model}_change", args=[pk])
    except NoReverseMatch:
        return ""


def row_link(label: str, pk: object) -> SafeString:
    """A row named by its model's label, in words, linked to its page where it has one: `failed payment 12`."""
    try:
        words = f"{apps.get_model(label)._meta.verbose_name} {pk}"
    except (LookupError, ValueError):
        words = f"{label} {pk}"
    url = row_url(label, pk)
    return format_html('<a class="row-link" href="{}">{}</a>', url, words) if url else format_html("{}", words)


def known_values(field: str, name: str, values: Callable[[], Iterable[tuple[str, str]]]) -> type[DropdownFilter]:
    """A filter of a column by values that are known beforehand: the usual one reads the whole table to find them."""

    class KnownValues(DropdownFilter):
        title = name
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return sorted(values(), key=lambda choice: choice[1])

        def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return KnownValues


class BaseAdmin(UnfoldAdmin):
    """Unfold's admin, on this Django, in our words: what the list is for, and what it says when it is empty."""

    list_title = ""
    list_help = ""
    empty_title = "Nothing here yet"
    empty_text = "Rows appear here by themselves as things happen."
    list_before_template = "admin/_list_head.html"
    list_fullwidth = True
    show_full_result_count = False
    paginator = CappedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BigChangeList]:
        return BigChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = self.list_title or str(self.opts.verbose_name_plural).capitalize()
        context = {"title": title, "help": self.list_help} | (extra_context or {})
        try:
            response = super().changelist_view(request, context)
        except (OverflowError, DataError):
            # A number in the address that no column holds (`?pk__in=99999999999999999999`): as other odd filters.
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            self.add_to_list(request, response.context_data["cl"], response.context_data)
        return response

    def response_action(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Any],
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> HttpResponse | None:
        """Django asks the database for whatever was sent as a row's key."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError as error:
            raise BadRequest("A row's key is none.") from error
        return super().response_action(request, queryset, action_location)

    def for_one_page(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Adds what is shown of some rows, and would be dear to ask of all."""
        return rows

    def add_to_list(self, request: HttpRequest, changes: BigChangeList, context: dict[str, Any]) -> None:
        """Puts into the list page's context what depends on the rows that were found."""
        if changes.paginator.is_capped:
            context["selection_note_all"] = f"All selected, {changes.paginator.count_in_words}"

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> list[tuple[str, str]]:
        # Unfold 0.110 overrides this with the signature of Django 6.0, which Django 6.1 warns about at every list.
        chosen = default_choices or [("", "Select action")]
        return admin.ModelAdmin.get_action_choices(self, request, chosen, action_location)


def chosen_rows(request: HttpRequest, rows: models.QuerySet[Any], *, at_most: int) -> list[Any] | None:
    """What was ticked for an action; None, and a message on the list, where that is too much or has left the list."""
    found = list(rows[: at_most + 1])
    if len(found) > at_most:
        messages.error(request, f"Choose at most {at_most} rows at a time; nothing was done.")
        return None
    if not found:
        messages.warning(
            request, "What you chose has left this list since you opened it, and nothing was done. Look under “All”."
        )
        return None
    return found


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


def two_lines(first: object, second: object) -> SafeString:
    """A cell with a fact and, fainter below it, a second one."""
    if not second:
        return format_html("{}", first)
    return format_html('<span class="nowrap">{}</span><br><span class="muted">{}</span>', first, second)


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
    """Adds the export as CSV, of chosen rows or of all that the list's filters leave; written row by row."""

    csv_columns: list[Column] = []
    actions = ["export_csv"]

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BigChangeList]:
        match = request.resolver_match
        is_export = match is not None and (match.url_name or "").endswith("_export")
        return RowsAlone if is_export else super().get_changelist(request, **kwargs)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list behind the same filters, whole."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
            # Once the answer has begun there is no way to say that a filter fits no column.
            rows.exists()
        except (IncorrectLookupParameters, OverflowError, DataError):
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return self.export_csv(request, rows)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> StreamingHttpResponse:
        # Personal data leaves the house here: the trail keeps who took which list, and what it was filtered by.
        emit("rows.exported", model=self.opts.label_lower, filters=sorted(request.GET), by=staff(request.user))
        name = f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_rows(self.csv_columns, streamed(queryset)),
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


class ReadOnlyInline(TabularInline):
    """Rows of a ledger on the page of what they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
