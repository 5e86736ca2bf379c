"""The documentation, drawn from the schemas, codes and tiers that the code itself uses."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from developer.meanings import MEANINGS
from levqor.lib.problems import Code


@gzip_page
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    context = {"meanings": MEANINGS.items(), "breadcrumbs": [*_home(), ("Documentation", "")]}
    return render(request, "developer/docs.html", context)


@gzip_page
@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    """Where the `type` of every problem leads."""
    known = next((each for each in Code if each.code == code), None)
    if known is None:
        raise Http404
    trail = [*_home(), ("Documentation", reverse("developer:docs")), (known.code, "")]
    context = {"code": known, "meaning": MEANINGS[known], "breadcrumbs": trail}
    return render(request, "developer/error.html", context)


def _home() -> list[tuple[str, str]]:
    return [("Developers", reverse("developer:landing"))]
