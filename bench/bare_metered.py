"""The bare view: Levqor's one statement of admission, the same body, and nothing around it. What counting costs at least."""

import hashlib
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone

settings.ROOT_URLCONF = __name__
django.setup()
settings.MIDDLEWARE = []
application = WSGIHandler()

from developer.admission import admit  # noqa: E402  # models exist once Django is set up
from developer.models import Scope  # noqa: E402
from developer.sandbox import metrics_of  # noqa: E402


def metrics(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    digest = hashlib.sha256(request.headers["x-api-key"].encode()).hexdigest()
    admission = admit(digest, Scope.METRICS_READ, at=at)
    if admission is None:
        return HttpResponse(status=429)
    return JsonResponse(metrics_of(admission.account_id, at.date()))


urlpatterns = [path("api/sandbox/metrics", metrics)]
