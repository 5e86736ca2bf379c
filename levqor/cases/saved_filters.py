"""Saved filters of a queue in the back office: whoever works there keeps what they filter by under a name.

Their addresses lie below the queue's own: `filters/save/` keeps the present filter, `filters/<pk>/` opens one, and
`filters/<pk>/edit/` renames, shares and deletes it. Everything is a link or a form, without any script.
"""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from levqor.cases.models import SavedFilter
from levqor.lib.admin import BaseAdmin, ListView
from levqor.lib.forms import LineField

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[SavedFilter]
else:
    _ModelForm = forms.ModelForm

# Where in the list somebody was, and what Django adds by itself: none of it is a filter.
PASSING: Final = ("p", "e", "all", "_popup", "_to_field", "_changelist_filters")
MOST: Final = 30
UNFITTING: Final = (IncorrectLookupParameters, SuspiciousOperation, ValidationError, ValueError)


class FilterForm(_ModelForm):
    """The name, and whether others see it."""

    name = LineField(
        label="Name",
        max_length=60,
        widget=forms.TextInput(attrs={"autofocus": True}),
        error_messages={"required": "Give it a name."},
    )

    class Meta:
        model = SavedFilter
        fields = ["name", "is_shared"]
        labels = {"is_shared": "Share it"}

    def clean_name(self) -> str:
        kept = self.instance
        same = SavedFilter.objects.filter(owner=kept.owner_id, queue=kept.queue, name=self.cleaned_data["name"])
        if same.exclude(pk=kept.pk).exists():
            raise ValidationError("You have a filter of this name already.")
        return str(self.cleaned_data["name"])


class SavedFilters(BaseAdmin):
    """Adds them to a queue; its head includes `admin/cases/_saved_filters.html`."""

    def get_urls(self) -> list[URLPattern]:
        name, wrap = f"{self.opts.app_label}_{self.opts.model_name}_filter", self.admin_site.admin_view
        own = [
            path("filters/save/", wrap(self.save_filter_view), name=f"{name}_save"),
            path("filters/<int:pk>/", wrap(self.open_filter_view), name=f"{name}_open"),
            path("filters/<int:pk>/edit/", wrap(self.edit_filter_view), name=f"{name}_edit"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        kept = SavedFilter.objects.seen_by(request.user.pk or 0, self.opts.label_lower)
        present = _filters_of(request.GET)
        own = {
            "saved": [(row, ListView(row.name, row.query, present == row.query)) for row in kept],
            "save_query": present,
            "filters_url": f"{self._queue_url()}filters/",
        }
        return super().changelist_view(request, own | (extra_context or {}))

    def save_filter_view(self, request: HttpRequest) -> HttpResponse:
        """Asks for the name on GET; the filter to keep stands in the address of the page."""
        self._refuse_strangers(request)
        query = _filters_of(request.GET)
        if not self._fits(request, query) or len(query) > 1000:
            messages.warning(request, "This filter does not fit the list, so there is nothing to save.")
            return redirect(self._queue_url())
        mine = SavedFilter.objects.filter(owner=request.user.pk, queue=self.opts.label_lower)
        if mine.count() >= MOST:
            messages.warning(request, f"You have {MOST} saved filters, which is the most. Delete one first.")
            return redirect(f"{self._queue_url()}?{query}")
        row = SavedFilter(owner_id=request.user.pk or 0, queue=self.opts.label_lower, query=query)
        return self._ask(request, row, "Save this filter")

    def open_filter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The list behind it; where the list has changed since, the list without it."""
        self._refuse_strangers(request)
        row = self._seen(request, pk)
        if self._fits(request, row.query):
            return redirect(f"{self._queue_url()}?{row.query}")
        messages.warning(request, f"“{row}” does not fit this list any more. Delete it, or save it anew.")
        return redirect(self._queue_url())

    def edit_filter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Renames, shares or deletes one's own; a superuser those of others, too, where they are shared."""
        self._refuse_strangers(request)
        row = self._seen(request, pk)
        if row.owner_id != request.user.pk and not (request.user.is_active and request.user.is_superuser):
            raise PermissionDenied
        if request.method == "POST" and "delete" in request.POST:
            row.delete()
            messages.success(request, f"“{row}” is deleted.")
            return redirect(self._queue_url())
        return self._ask(request, row, f"Saved filter “{row}”")

    def _ask(self, request: HttpRequest, row: SavedFilter, title: str) -> HttpResponse:
        form = FilterForm(request.POST or None, instance=row)
        if request.method == "POST" and form.is_valid():
            form.save()
            messages.success(request, f"“{row}” is saved.")
            return redirect(f"{self._queue_url()}?{row.query}")
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"{'Problem: ' if form.errors else ''}{title}",
            "heading": title,
            "has_own_heading": True,
            "form": form,
            "row": row,
            "parts": QueryDict(row.query).items(),
            "back_url": f"{self._queue_url()}?{row.query}",
        }
        return TemplateResponse(request, "admin/cases/saved_filter.html", context)

    def _seen(self, request: HttpRequest, pk: int) -> SavedFilter:
        return get_object_or_404(SavedFilter.objects.seen_by(request.user.pk or 0, self.opts.label_lower), pk=pk)

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _queue_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _fits(self, request: HttpRequest, query: str) -> bool:
        """Whether the list takes these parameters today."""
        asked = HttpRequest()
        asked.method, asked.user, asked.GET = "GET", request.user, QueryDict(query)
        try:
            self.get_changelist_instance(asked)
        except UNFITTING:
            return False
        return True


def _filters_of(given: QueryDict) -> str:
    """What of an address is a filter, in one order, so that the same filter is the same text."""
    return urlencode(sorted((name, value) for name, value in given.items() if value and name not in PASSING))
