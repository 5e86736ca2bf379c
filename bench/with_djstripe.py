"""dj-stripe as a project would mount it, in an environment of its own, with a Stripe that answers at once.

Its handlers read the object of each event from Stripe. Here that call ends in this process, at no cost but the SDK's
own parsing: no network, no waiting, so dj-stripe is measured at its best.
"""

import json
import os
from pathlib import Path
from typing import Any

import django
import stripe
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

ENDPOINT = "5b3f2a9c-8d41-4c7e-9a60-2f1e7d8c4b05"
MODE = os.environ["BENCH_DJSTRIPE_MODE"]
OBJECTS: dict[str, Any] = json.loads(Path(os.environ["BENCH_STRIPE_OBJECTS"]).read_text())


def acknowledge_only(trigger: Any, api_key: str) -> None:
    """The callback of dj-stripe's other mode: what is stored by then is all that the request does."""


settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": json.loads(os.environ["BENCH_DATABASE"])},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    # Its tables as its models say, without a minute of migrations that end in the same ones.
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "djstripe": None},
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    STRIPE_TEST_SECRET_KEY=f"sk_test_{'x' * 24}",
    STRIPE_LIVE_MODE=False,
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=acknowledge_only if MODE == "callback" else None,
)


class InstantStripe(stripe.HTTPClient):
    """Answers `GET /v1/<kind>/<id>` from the objects that belong to the events."""

    name = "instant"

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **options: Any) -> Any:
        kind, _, identifier = url.partition("?")[0].partition("/v1/")[2].partition("/")
        found = OBJECTS[kind] | ({"id": identifier} if identifier else {})
        return json.dumps(found), 200, {}

    def request_with_retries(self, method: str, url: str, headers: Any, post_data: Any = None, **options: Any) -> Any:
        return self.request(method, url, headers, post_data)


django.setup()
stripe.default_http_client = InstantStripe()
urlpatterns = [path("", include("djstripe.urls", namespace="djstripe"))]
application = get_wsgi_application()


def prepare() -> None:
    from djstripe.models import WebhookEndpoint  # noqa: PLC0415  # models exist once Django is set up

    call_command("migrate", verbosity=0, run_syncdb=True)
    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        enabled_events=["*"],
        secret=os.environ["STRIPE_WEBHOOK_SECRET"],
        status="enabled",
        url="https://app.levqor.example/webhook/",
        api_version="2026-10-28.endive",
        djstripe_uuid=ENDPOINT,
    )


if __name__ == "__main__":
    prepare()
