"""Pages that the rooms of claims and disputes serve alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from levqor.accounts.models import Account
from levqor.cases.forms import LostLinkForm, MessageForm
from levqor.cases.intake import Sender, sender_of
from levqor.cases.models import Case, Source
from levqor.cases.tracking import PAGES, tracking_token
from levqor.guard.limits import Limit, LimitReachedError, accept
from levqor.guard.networks import client_network
from levqor.guard.references import Series
from levqor.lib.actors import Actor

LOST_LINKS: Final = Limit("cases.lost-link", 10)
MESSAGES: Final = Limit("cases.message", 30)


class DrawForm(Protocol):
    """Draws the page of a form."""

    def __call__(self, request: HttpRequest, form: Any, *, status: int = 200) -> HttpResponse: ...


def intake_page(
    request: HttpRequest, form: forms.Form, draw: DrawForm, file: Callable[[dict[str, Any], Sender, datetime], Case]
) -> HttpResponse:
    """Files what the posted form says and leads to its tracking page; where it cannot, the form keeps every word."""
    if not form.is_valid():
        return draw(request, form, status=422)
    said = form.cleaned_data
    sender = sender_of(
        request, source=Source.PAGE, full_name=said["full_name"], email=said["email"], account_name=said["account"]
    )
    try:
        case = file(said, sender, timezone.now())
    except LimitReachedError as limit:
        return _later(form, limit, lambda status: draw(request, form, status=status))
    return to_tracking(case, query="?filed")


def post_message(
    form: MessageForm,
    case: Case,
    send: Callable[..., object],
    draw: Callable[[int], HttpResponse],
    *,
    refusals: tuple[type[Exception], ...],
    by: Actor,
) -> HttpResponse | None:
    """Hands what the posted form says to `send`. None where that went well; else the page that `draw` makes for a status,
    on which the form keeps every word."""
    if not form.is_valid():
        return draw(422)
    said, now = form.cleaned_data, timezone.now()
    try:
        accept((MESSAGES, case.reference), at=now)
        send(said["body"], said["attachments"], submission=said["submission"], by=by, at=now)
    except LimitReachedError as limit:
        return _later(form, limit, draw)
    except refusals as error:
        form.add_error(None, str(error))
        return draw(409)
    return None


def _later(form: forms.Form, limit: LimitReachedError, draw: Callable[[int], HttpResponse]) -> HttpResponse:
    minutes = max(1, round(limit.retry_after / 60))
    unit = "minute" if minutes == 1 else "minutes"
    form.add_error(None, f"Too many came within the hour. Your words are kept: send them again in {minutes} {unit}.")
    response = draw(429)
    response.headers["Retry-After"] = str(limit.retry_after)
    return response


def known_of(request: HttpRequest) -> tuple[dict[str, Any], Account | None]:
    """What a form need not ask somebody who signed in, and the account they belong to."""
    user = request.user
    if not user.is_authenticated:
        return {}, None
    account = Account.objects.filter(members=user.pk).select_related("plan").order_by("pk").first()
    known: dict[str, Any] = {"full_name": user.full_name, "email": user.email, "account": str(account or "")}
    return known, account


def to_tracking(case: Case, *, query: str = "") -> HttpResponse:
    """Leads a browser that has posted to the page on which the case is followed."""
    url = reverse(PAGES[Series(case.series)], args=[tracking_token(case)])
    return HttpResponseRedirect(url + query, status=303)


def lost_link_page(
    request: HttpRequest,
    series: Series,
    template: str,
    breadcrumbs: list[tuple[str, str]],
    send: Callable[[Case, datetime], object],
) -> HttpResponse:
    """Sends the link once more, to the address on file alone. The answer never says whether there is such a case."""
    form = LostLinkForm(request.POST or None, series=series)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        accept((LOST_LINKS, client_network(request)), at=now)
        said = form.cleaned_data
        case = Case.objects.filter(series=series, reference=said["reference"], email=said["email"]).first()
        if case:
            send(case, now)
        return HttpResponseRedirect(request.path + "?sent", status=303)
    context = {"form": form, "is_sent": "sent" in request.GET, "breadcrumbs": [*breadcrumbs, ("Lost link", "")]}
    return render(request, template, context, status=422 if form.errors else 200)
