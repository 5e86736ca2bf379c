"""The bare views that the status answers are compared with, in Levqor's own project but without any middleware.

`/status` returns the very bytes and headers that Levqor returned, from memory, and `/ht/` is django-health-check with its
database and cache checks, on Levqor's database.
"""

import json
import os
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

settings.ROOT_URLCONF = __name__
# The cheapest cache there is: the comparison shall not rest on ours.
settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "health_check"]
django.setup()
settings.MIDDLEWARE = []
application = WSGIHandler()

from health_check.views import HealthCheckView  # noqa: E402  # needs the settings

KEPT = Path(os.environ["BENCH_STATUS_ANSWER"])
PAGE = KEPT.with_suffix(".body").read_bytes()
HEADERS: dict[str, str] = json.loads(KEPT.with_suffix(".json").read_text())


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE, headers=HEADERS)


def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"ok": True, "ts": int(time.time())})


checks = ["health_check.checks.Database", "health_check.checks.Cache"]
urlpatterns = [
    path("status", page),
    path("health", health),
    path("ht/", HealthCheckView.as_view(checks=checks)),
]
