"""How fast a webhook is acknowledged, against a bare view that verifies the signature and inserts one row.

Both run in this process through Django's request handler, on the same database, in alternating batches, so that the ratio
means something where the single times do not. Goal: at least 60 % of the bare view's rate, p99 at most twice its own.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from billing.samples import Sample, event  # noqa: E402
from billing.webhooks import is_genuine, receive_stripe_event, sign  # noqa: E402

SECRET = "whsec_bench"
BATCHES, BATCH = 20, 100


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    if not is_genuine(request.body, request.headers.get("Stripe-Signature", ""), at=timezone.now()):
        return HttpResponse(status=400)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_bare (event_id, body) VALUES (%s, %s)", [timezone.now().isoformat(), request.body]
        )
    return JsonResponse({"received": True})


urlpatterns = [path("bare", bare), path("api/webhooks/stripe", receive_stripe_event)]


def timed(client: Client, address: str) -> list[float]:
    """Seconds for each of one batch of new events."""
    times = []
    for _ in range(BATCH):
        body = json.dumps(event("invoice.payment_failed", Sample(created=timezone.now()))).encode()
        headers = {"Stripe-Signature": sign(body, SECRET, at=timezone.now())}
        started = time.perf_counter()
        answer = client.post(address, data=body, content_type="application/json", headers=headers)
        times.append(time.perf_counter() - started)
        assert answer.status_code == 200, answer.content
    return times


def measure() -> dict[str, Any]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        plain = Client()
        plain.post("/bare")
    full = Client()
    ours: list[float] = []
    theirs: list[float] = []
    rounds: list[Callable[[], None]] = [
        lambda: ours.extend(timed(full, "/api/webhooks/stripe")),
        lambda: theirs.extend(_bare_batch(plain)),
    ]
    for _ in range(BATCHES):
        for batch in rounds:
            batch()
    return {
        "rate_of_bare": round(sum(theirs) / sum(ours), 3),
        "p99_of_bare": round(statistics.quantiles(ours, n=100)[98] / statistics.quantiles(theirs, n=100)[98], 3),
        "events_each": len(ours),
        "database": connection.vendor,
    }


def _bare_batch(client: Client) -> list[float]:
    with override_settings(ROOT_URLCONF=__name__):
        return timed(client, "/bare")


def main() -> None:
    setup_test_environment(debug=False)
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with connection.cursor() as cursor:
            kind = "bytea" if connection.vendor == "postgresql" else "blob"
            cursor.execute(f"CREATE TABLE bench_bare (event_id text PRIMARY KEY, body {kind})")
        with override_settings(STRIPE_WEBHOOK_SECRETS=[SECRET], STRIPE_SECRET_KEY=""):
            print(json.dumps({"bench": "webhook", **measure()}))
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main()
