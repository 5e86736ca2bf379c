"""Doing one thing to many claims: what each row is in for first, then an answer for each. Never money."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from claims import answering
from claims.drafting import Answer
from claims.models import Claim, ClaimStatus
from levqor.accounts.models import User
from levqor.cases.desk import least_loaded
from levqor.lib.actors import Actor, staff
from levqor.lib.admin import chosen_rows
from levqor.lib.states import IllegalMoveError, StaleStateError

MOST_ROWS: Final = 100


class WordsForm(forms.Form):
    words = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write at least some words."},
    )

    def __init__(self, label: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].label = label


@dataclass(frozen=True)
class Bulk:
    """One thing to do to many claims. `words` is the label of what it asks for; empty where it asks for nothing."""

    slug: str
    label: str
    explanation: str
    words: str
    deed: Callable[[Claim, str, Actor, Any], str]


def _take(claim: Claim, words: str, by: Actor, at: Any) -> str:
    answering.take_up(claim, by=by, at=at)
    return "Yours."


def _share_out(claim: Claim, words: str, by: Actor, at: Any) -> str:
    """To whoever of Support has the fewest open cases, one row after the other."""
    people = User.objects.filter(is_staff=True, is_active=True, groups__name="Support").order_by("pk")
    chosen = least_loaded(people)
    if chosen is None:
        raise IllegalMoveError("Nobody is in the group Support.")
    answering.hand_over(claim, to_user_id=chosen.pk, by=by, at=at, reason="Shared out by load.")
    return f"With {chosen.get_full_name()}."


def _ask(claim: Claim, words: str, by: Actor, at: Any) -> str:
    if claim.status == ClaimStatus.RECEIVED:
        answering.take_up(claim, by=by, at=at)
    answering.ask_customer(claim, words, by=by, at=at)
    return "The customer is asked."


def _close_as_duplicate(claim: Claim, words: str, by: Actor, at: Any) -> str:
    if claim.joined_to is None:
        raise IllegalMoveError("It is joined to no other claim: tie both to their account first.")
    if claim.status == ClaimStatus.RECEIVED:
        answering.take_up(claim, by=by, at=at)
    reason = f"{words}\n\nThis month is decided under the claim for it that came in first."
    answering.refuse(claim, reason, by=by, at=at)
    lead = claim.joined_to
    return f"Closed; {lead} {'goes on' if lead.is_open else 'is decided: ' + lead.get_status_display().lower()}."


BULKS: Final = [
    Bulk("take", "Take up", "The claims become yours, and are in review.", "", _take),
    Bulk("share_out", "Share out", "Each goes to whoever of Support has the fewest open cases.", "", _share_out),
    Bulk(
        "ask",
        "Ask the customers",
        "Each customer gets the message, and our clock stands until they answer.",
        "Message to the customers",
        _ask,
    ),
    Bulk(
        "duplicate",
        "Close as duplicates",
        "Claims that are joined to an earlier one of the same account and month are closed; that one goes on.",
        "What the customers read",
        _close_as_duplicate,
    ),
]


def make_action(bulk: Bulk) -> Callable[..., HttpResponse | None]:
    """The admin's action for it."""

    @admin.action(description=bulk.label, permissions=["work"])
    def action(model_admin: Any, request: HttpRequest, queryset: QuerySet[Claim]) -> HttpResponse | None:
        return bulk_view(request, bulk, queryset, model_admin)

    action.__name__ = f"bulk_{bulk.slug}"
    return action


def bulk_view(request: HttpRequest, bulk: Bulk, rows: QuerySet[Claim], model_admin: Any) -> HttpResponse | None:
    """Asks first; answers the second, confirmed post row by row. None sends the person back to the list."""
    found = chosen_rows(request, rows.select_related("case__owner", "joined_to__case"), at_most=MOST_ROWS)
    if found is None:
        return None
    form = WordsForm(bulk.words, request.POST if "confirmed" in request.POST else None) if bulk.words else None
    answers: list[Answer] = []
    if "confirmed" in request.POST and (form is None or form.is_valid()):
        words = form.cleaned_data["words"] if form else ""
        answers = [_answer(claim, bulk, words, staff(request.user)) for claim in found]
    context = model_admin.admin_site.each_context(request) | {
        "opts": model_admin.opts,
        "title": f"{bulk.label}: {len(found)} selected",
        "has_own_heading": True,
        "bulk": bulk,
        "rows": found,
        "form": form,
        "answers": answers,
        "action_name": request.POST.get("action", ""),
        "checkbox": ACTION_CHECKBOX_NAME,
        "confirm_url": f"{request.path}?state=all",
        "back_url": request.path,
    }
    return TemplateResponse(request, "admin/claims/bulk.html", context)


def _answer(claim: Claim, bulk: Bulk, words: str, by: Actor) -> Answer:
    try:
        with transaction.atomic():
            return Answer(claim, True, bulk.deed(claim, words, by, timezone.now()))
    except (IllegalMoveError, StaleStateError) as refusal:
        return Answer(claim, False, str(refusal))
