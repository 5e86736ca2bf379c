"""Doing one thing to many rows of a list: a preview that says what each row is in for, then an answer for each row."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from billing import staff_actions
from billing.admin import inbox as inbox_pages
from billing.admin import timeline
from billing.admin.case import case_url, consequences, state_badge
from billing.admin.forms import ReasonForm
from billing.admin.verbs import VERB_OF_SLUG, Verb
from billing.models import PaymentFailure, StripeEvent
from levqor.lib.actors import staff
from levqor.lib.admin import chosen_rows
from levqor.lib.states import IllegalMoveError, StaleStateError

MOST_ROWS = 100


@dataclass(frozen=True)
class Row:
    """One row of the preview or of the answer. `is_ok`: it can be done, or it was."""

    pk: int
    label: str
    url: str
    detail: str
    state: str
    is_ok: bool
    words: str
    seen: int = 0


@dataclass(frozen=True)
class Bulk:
    """What the page says, which form it asks with, and how one row is previewed and done."""

    action: str
    label: str
    explanation: str
    is_grave: bool
    make_form: Callable[[HttpRequest, list[Any]], forms.Form]
    preview: Callable[[Any], Row]
    do: Callable[[HttpRequest, Any, forms.Form], str]
    # The query of the list in which a row is found again, whatever became of it since the preview.
    everything: str = ""


def bulk_view(request: HttpRequest, bulk: Bulk, rows: QuerySet[Any], model_admin: Any) -> HttpResponse | None:
    """Asks with a preview; answers the second, confirmed post row by row. None sends the person back to the list."""
    found = chosen_rows(request, rows, at_most=MOST_ROWS)
    if found is None:
        return None
    is_confirmed = "confirmed" in request.POST
    form = bulk.make_form(request, found)
    if is_confirmed and form.is_valid():
        return _page(request, bulk, [_done(request, bulk, row, form) for row in found], model_admin, form=None)
    return _page(request, bulk, [bulk.preview(row) for row in found], model_admin, form=form)


def _done(request: HttpRequest, bulk: Bulk, row: Any, form: forms.Form) -> Row:
    before = bulk.preview(row)
    try:
        words, is_ok = bulk.do(request, row, form), True
    except staff_actions.ChangedError:
        words, is_ok = "It changed since you saw this list: " + _latest_change(row, request), False
    except (staff_actions.RefusedError, IllegalMoveError, StaleStateError) as refusal:
        words, is_ok = str(refusal), False
    row.refresh_from_db()
    after = bulk.preview(row)
    return Row(row.pk, before.label, before.url, before.detail, after.state, is_ok, words)


def _latest_change(case: PaymentFailure, request: HttpRequest) -> str:
    changes = timeline.changes_since(case, _seen(request, case))
    return f"{changes[-1].title}." if changes else "look at it again."


def _page(
    request: HttpRequest, bulk: Bulk, rows: list[Row], model_admin: Any, *, form: forms.Form | None
) -> TemplateResponse:
    possible = sum(row.is_ok for row in rows)
    back = request.POST.get("back", request.GET.urlencode())
    context = model_admin.admin_site.each_context(request) | {
        "opts": model_admin.opts,
        "title": f"{bulk.label}: {len(rows)} selected" if form else f"{bulk.label}: {possible} of {len(rows)} done",
        "has_own_heading": True,
        "bulk": bulk,
        "rows": rows,
        "possible": possible,
        "form": form,
        "action_name": request.POST.get("action", ""),
        "confirm_url": f"{request.path}?{bulk.everything}",
        "back": back,
        "back_url": f"{request.path}?{back}",
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/billing/bulk.html", context)


def _seen(request: HttpRequest, case: PaymentFailure) -> int:
    given = request.POST.get(f"seen-{case.pk}", "")
    return int(given) if given.isdecimal() and len(given) < 19 else staff_actions.newest_entry(case)


def on_cases(slug: str) -> Bulk:
    """A verb of the case page, for many cases."""
    verb = VERB_OF_SLUG[slug]

    def make_form(request: HttpRequest, cases: list[PaymentFailure]) -> forms.Form:
        data = request.POST if "confirmed" in request.POST else None
        return verb.form(cases[0], _with_seen(data), initial={"token": uuid.uuid4(), "seen_entry": 0})

    def preview(case: PaymentFailure) -> Row:
        return _case_row(verb, case)

    def do(request: HttpRequest, case: PaymentFailure, form: forms.Form) -> str:
        own = verb.form(case, _with_seen(request.POST, _seen(request, case)))
        if not own.is_valid():
            raise staff_actions.RefusedError(" ".join(str(error) for errors in own.errors.values() for error in errors))
        verb.carry_out(case, own, staff(request.user), timezone.now())
        return verb.done

    return Bulk(slug, verb.label, verb.explanation, verb.is_grave, make_form, preview, do, everything="status=all")


def _with_seen(data: Any, seen: int = 0) -> Any:
    """The posted answers with what was seen of this very case."""
    if data is None:
        return None
    copy = data.copy()
    copy["seen_entry"] = seen
    return copy


def _case_row(verb: Verb, case: PaymentFailure) -> Row:
    at = timezone.now()
    is_possible = verb.is_possible(case, at)
    effects = consequences(verb.slug, case, at=at) if is_possible else ["Left out: this does not fit how it stands."]
    return Row(
        case.pk,
        str(case),
        case_url(case),
        f"{case.account}, {case.amount}",
        state_badge(case, at=at),
        is_possible,
        " ".join(effects),
        staff_actions.newest_entry(case),
    )


def _event_form(request: HttpRequest, events: Iterable[StripeEvent]) -> forms.Form:
    data = request.POST if "confirmed" in request.POST else None
    return ReasonForm(data, initial={"token": uuid.uuid4()})


def _event_row(event: StripeEvent) -> Row:
    is_possible = event.status in StripeEvent.TRANSITIONS
    return Row(
        event.pk,
        event.words,
        f"{event.pk}/change/",
        event.event_id,
        inbox_pages.state_badge(event),
        is_possible,
        event.error if is_possible else "Left out: only a failed or a stored-only event is processed again.",
    )


def _process_event(request: HttpRequest, event: StripeEvent, form: forms.Form) -> str:
    inbox_pages.process_again(event, by=staff(request.user), reason=form.cleaned_data["reason"])
    return "In the inbox again."


PROCESS_AGAIN = Bulk(
    "process_again",
    "Process again",
    "Each event is handled as if it had just arrived. What it did before is not done twice.",
    False,
    _event_form,
    _event_row,
    _process_event,
)


def make_action(bulk: Bulk, description: str, permission: str) -> Callable[..., HttpResponse | None]:
    """The action of a list that leads to this page, for those who have the permission."""

    @admin.action(description=description, permissions=[permission])
    def action(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return bulk_view(request, bulk, queryset, model_admin)

    action.__name__ = f"bulk_{bulk.action.replace('-', '_')}"
    return action
