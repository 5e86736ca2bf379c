"""The documentation, drawn from the schemas, codes and tiers that the code itself uses."""

import json
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from developer import reference
from developer.forms import SCOPES
from developer.meanings import MEANINGS
from developer.metering import MAX_BODY_BYTES
from developer.models import KEY_PREFIX
from developer.sandbox import MAGIC
from developer.views import curl_line, tiers
from levqor.guard.models import KEEP_ANSWERS
from levqor.lib.openapi import problem_example
from levqor.lib.problems import Code


@gzip_page
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    example = problem_example(Code.VALIDATION_ERROR, "/api/sandbox/jobs")
    context = {
        "endpoints": reference.endpoints(),
        "addresses": reference.addresses(),
        "tiers": tiers(),
        "meanings": MEANINGS.items(),
        "scopes": [(scope.words, words) for scope, words in SCOPES.items()],
        "api_url": settings.API_URL,
        "curl": curl_line(reference.sample_key()),
        "problem": json.dumps(example, indent=2),
        "keys_shape": f"{KEY_PREFIX}…",
        "magic": MAGIC,
        "keep_hours": KEEP_ANSWERS // timedelta(hours=1),
        "max_body_kib": MAX_BODY_BYTES // 1024,
        "breadcrumbs": [*_home(), ("Documentation", "")],
    }
    return render(request, "developer/docs.html", context)


@gzip_page
@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    """Where the `type` of every problem leads."""
    known = next((each for each in Code if each.code == code), None)
    if known is None:
        raise Http404
    trail = [*_home(), ("Documentation", reverse("developer:docs")), (known.code, "")]
    givers = reference.giving(known)
    path = givers[0][1].partition(" ")[2] if givers else "/api/webhooks/stripe"
    context = {
        "code": known,
        "meaning": MEANINGS[known],
        "givers": givers,
        "example": json.dumps(problem_example(known, path), indent=2),
        "breadcrumbs": trail,
    }
    return render(request, "developer/error.html", context)


def _home() -> list[tuple[str, str]]:
    return [("Developers", reverse("developer:landing"))]
