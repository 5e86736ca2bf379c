"""Pages that the rooms of claims and disputes serve alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from levqor.cases.forms import LostLinkForm
from levqor.cases.models import Case
from levqor.guard.limits import Limit, accept
from levqor.guard.networks import client_network
from levqor.guard.references import Series

LOST_LINKS: Final = Limit("cases.lost-link", 10)
MESSAGES: Final = Limit("cases.message", 30)


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
