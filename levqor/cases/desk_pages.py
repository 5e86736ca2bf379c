"""The back office's pages of one claim or dispute: each verb with its question, files, and what is held of the person.

A room says in a `Desk` what is its own; what staff may do stands in its table of `Verb`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from levqor.audit.models import record
from levqor.cases.conversation import TooManyFilesError
from levqor.cases.desk import Moment, timeline, trail_of
from levqor.cases.desk_forms import DeedForm, Matter, ToCustomerForm
from levqor.cases.models import Case
from levqor.cases.privacy import StillOpenError, export_person
from levqor.cases.tracking import file_answer
from levqor.lib.actors import Actor, staff
from levqor.lib.states import IllegalMoveError, StaleStateError
from levqor.mail.rendering import RenderedMail

ERASE: Final = "cases.erase_person"


@dataclass(frozen=True)
class Verb[R: models.Model]:
    """One thing staff may do; `permission` where it takes another than working on cases."""

    slug: str
    label: str
    explanation: str
    done: str
    deed: Callable[[R, Any, Actor, datetime], object]
    is_possible: Callable[[R, Actor], bool]
    form: type[DeedForm] = DeedForm
    permission: str = ""
    is_grave: bool = False
    # The mail that it sends, for a look before it goes.
    mail: str = ""


@dataclass(frozen=True)
class Desk[R: models.Model]:
    """What the pages of one room need. `words` say its verbs in the audit trail, `refusals` are its own errors."""

    rows: Callable[[], models.QuerySet[R]]
    case_of: Callable[[R], Case]
    noun: str
    verbs: Sequence[Verb[R]]
    work: str
    rows_of: Callable[[R], list[models.Model]]
    words: dict[str, str]
    preview: Callable[[str, R, str, datetime], RenderedMail]
    refusals: tuple[type[Exception], ...] = ()
    template: str = "admin/cases/deed.html"
    facts: Callable[[R, Verb[R]], dict[str, Any]] = field(default=lambda row, verb: {})

    @property
    def name(self) -> str:
        meta = self.rows().model._meta
        return f"{meta.app_label}_{meta.model_name}"

    @property
    def view(self) -> str:
        return "{}.view_{}".format(*self.name.split("_", 1))

    def get(self, pk: int) -> R:
        return get_object_or_404(self.rows(), pk=pk)

    def url(self, row: R) -> str:
        return reverse(f"admin:{self.name}_change", args=[row.pk])

    def may(self, request: HttpRequest, verb: Verb[R]) -> bool:
        return request.user.has_perm(verb.permission or self.work)

    def offered(self, request: HttpRequest, row: R, by: Actor) -> list[Verb[R]]:
        """What this person can do with the row as it stands."""
        return [verb for verb in self.verbs if self.may(request, verb) and verb.is_possible(row, by)]

    def moments(self, row: R) -> list[Moment]:
        return timeline(self.case_of(row), self.rows_of(row), self.words)

    def urls(self, site: admin.AdminSite) -> list[URLPattern]:
        """The pages of the verbs, of files, and of what is held of the person."""

        def page(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            return path(f"<int:pk>/{route}", site.admin_view(view), name=f"{self.name}_{name}")

        verbs = [
            page(f"{verb.slug}/", partial(deed_view, desk=self, verb=verb, site=site), verb.slug.replace("-", "_"))
            for verb in self.verbs
        ]
        files = page("files/<int:file_pk>/", partial(file_view, desk=self), "file")
        return [files, page("person/", partial(export_view, desk=self), "person"), *verbs]


def deed_view[R: models.Model](
    request: HttpRequest, pk: int, desk: Desk[R], verb: Verb[R], site: admin.AdminSite
) -> HttpResponse:
    """Asks what the verb needs on GET, does it on POST, and answers with the page of the row."""
    if not desk.may(request, verb):
        raise PermissionDenied
    row = desk.get(pk)
    by = staff(request.user)
    if request.method != "POST" and not verb.is_possible(row, by):
        messages.warning(
            request, f"“{verb.label}” is not possible here any more; this is how the {desk.noun} stands now."
        )
        return redirect(desk.url(row))
    form = _form_of(request, desk, verb, row)
    more: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        if "preview" in request.POST and verb.mail:
            more["preview"] = desk.preview(verb.mail, row, form.said, timezone.now())
        else:
            changes = _attempt(desk, verb, row, form, by)
            if changes is None:
                messages.success(request, verb.done)
                return redirect(desk.url(row))
            row, more["changes"] = desk.get(pk), changes
    context = site.each_context(request) | _context(desk, verb, row, form) | more
    return TemplateResponse(request, desk.template, context)


def _attempt[R: models.Model](desk: Desk[R], verb: Verb[R], row: R, form: DeedForm, by: Actor) -> list[Moment] | None:
    """Does it and returns None; else the form says why not, and what changed since the person looked is returned."""
    refusals: tuple[type[Exception], ...] = (*desk.refusals, IllegalMoveError, StillOpenError, TooManyFilesError)
    try:
        _do(desk, verb, row, form, by)
    except StaleStateError:
        return _changes_since(desk, row, form)
    except refusals as refusal:
        form.show_again(Case.objects.get(pk=desk.case_of(row).pk).revision, str(refusal))
        return []
    return None


def _form_of[R: models.Model](request: HttpRequest, desk: Desk[R], verb: Verb[R], row: R) -> DeedForm:
    seen = {"revision": _seen(request, desk.case_of(row))}
    form = verb.form(cast("Matter", row), request.POST or None, request.FILES or None, initial=seen)
    if isinstance(form, ToCustomerForm):
        form.begin_from(request.GET.get("text", ""))
    return form


def _context[R: models.Model](desk: Desk[R], verb: Verb[R], row: R, form: DeedForm) -> dict[str, Any]:
    return {
        "opts": row._meta,
        "title": f"{'Problem: ' if form.errors else ''}{verb.label}: {row}",
        "has_own_heading": True,
        "original": row,
        "noun": desk.noun,
        "verb": verb,
        "form": form,
        "texts": form.texts() if isinstance(form, ToCustomerForm) else [],
        "back_url": desk.url(row),
        **desk.facts(row, verb),
    }


def _seen(request: HttpRequest, case: Case) -> int:
    """What the page that the person comes from showed."""
    given = request.GET.get("seen", "")
    return min(int(given), case.revision) if given.isdecimal() and len(given) < 10 else case.revision


def _do[R: models.Model](desk: Desk[R], verb: Verb[R], row: R, form: DeedForm, by: Actor) -> None:
    """Does it while the case is as the person saw it; raises StaleStateError where somebody was quicker."""
    with transaction.atomic():
        desk.case_of(row).touch(read_at_revision=form.cleaned_data["revision"])
        verb.deed(row, form, by, timezone.now())
        if isinstance(form, ToCustomerForm):
            form.count_use()


def _changes_since[R: models.Model](desk: Desk[R], row: R, form: DeedForm) -> list[Moment]:
    """Shows the form again with its words kept, and says what happened in the meantime."""
    case = Case.objects.get(pk=desk.case_of(row).pk)
    missed = case.revision - form.cleaned_data["revision"]
    form.show_again(case.revision, f"Nothing was done: the {desk.noun} changed while you were typing.")
    newest = trail_of(case, desk.rows_of(row)).order_by("-pk").values_list("at", flat=True)[: max(missed, 1)]
    since = min(newest, default=case.submitted_at)
    return [moment for moment in desk.moments(row) if moment.at >= since and moment.kind != "mail"]


def file_view[R: models.Model](request: HttpRequest, pk: int, file_pk: int, desk: Desk[R]) -> HttpResponse:
    if not request.user.has_perm(desk.view):
        raise PermissionDenied
    return file_answer(desk.case_of(desk.get(pk)).files.filter(pk=file_pk))


def export_view[R: models.Model](request: HttpRequest, pk: int, desk: Desk[R]) -> HttpResponse:
    """What is held of the person who sent the case, in all their cases, as a file to hand out."""
    if not request.user.has_perm(ERASE):
        raise PermissionDenied
    case = desk.case_of(desk.get(pk))
    record("person.exported", case, by=staff(request.user), at=timezone.now())
    body = json.dumps(export_person(case.email), indent=2, ensure_ascii=False)
    headers = {
        "Content-Disposition": f'attachment; filename="{case.reference}-person.json"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(body, content_type="application/json", headers=headers)
