"""The usual stack for a metered API, in an environment of its own: Django REST framework, djangorestframework-api-key and
the framework's throttle on Redis, with the middleware that `startproject` writes.

Its body is made beforehand, so it is measured at its best.
"""

import json
import os
import time
from typing import Any, Final

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

from bench.metered_keys import KEYS, WINDOW, is_full, secret_of

settings.configure(
    ALLOWED_HOSTS=["*"],
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "KEY_PREFIX": os.environ["BENCH_REDIS_SPACE"],
        }
    },
    DATABASES={"default": json.loads(os.environ["BENCH_DATABASE"])},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
        "rest_framework_api_key",
    ],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ["SECRET_KEY"],
    USE_TZ=True,
)
django.setup()

# All of these read the settings as they are imported.
from django.core.cache import cache  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.throttling import SimpleRateThrottle  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_api_key.permissions import HasAPIKey, KeyParser  # noqa: E402

BODY: Final = json.loads(os.environ["BENCH_BODY"])


class PerKey(SimpleRateThrottle):
    scope = "key"
    rate = "10000/day"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return cache_name((KeyParser().get(request) or "").partition(".")[0])


def cache_name(prefix: str) -> str:
    return f"throttle_key_{prefix}"


class Metrics(APIView):
    permission_classes = [HasAPIKey]
    throttle_classes = [PerKey]

    def get(self, request: Any) -> Response:
        return Response(BODY)


urlpatterns = [path("api/sandbox/metrics", Metrics.as_view())]
application = get_wsgi_application()


def prepare() -> None:
    """Keys as the library makes them, of texts that the client knows, and the calls that lie behind them."""
    call_command("migrate", verbosity=0, run_syncdb=True)
    generator = APIKey.objects.key_generator
    for number in range(KEYS):
        prefix, secret = f"k{number:07d}", secret_of(number)
        text = f"{prefix}.{secret}"
        hashed = generator.hash(text)
        APIKey.objects.create(id=f"{prefix}.{hashed}", prefix=prefix, hashed_key=hashed, name=str(number))
        if is_full(number):
            now = time.time()
            cache.set(cache_name(prefix), [now - age / 1000 for age in range(WINDOW)], 86_400)


if __name__ == "__main__":
    prepare()
