"""The door for Stripe: check the signature, store once, answer. Nothing is handled and nobody is called in here."""

import hmac
import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import stripe
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from billing.models import EventStatus, StripeEvent, WebhookRefusal
from billing.stripe_objects import mapping, moment, object_id, text
from levqor.lib.bodies import nests_too_deep
from levqor.lib.nudge import nudge
from levqor.lib.problems import Code, no_content, problem

logger = structlog.get_logger(__name__)

TOLERANCE_SECONDS = 300
EPOCH_SECONDS = re.compile("[0-9]{1,11}")
RECEIVED = b'{"received": true}'
PROCESS_TASK = "billing.process_stripe_events"


@csrf_exempt
def receive_stripe_event(request: HttpRequest) -> HttpResponse:
    """`POST /api/webhooks/stripe`. 200 means committed; a repeat of a known event is a 200 as well."""
    if request.method != "POST":
        return _wrong_method(request)
    if not settings.STRIPE_WEBHOOK_SECRETS:
        return problem(request, Code.UNAVAILABLE, "No webhook secret is configured here; set STRIPE_WEBHOOK_SECRET.")
    body = _read_body(request)
    if body is None:
        return problem(request, Code.PAYLOAD_TOO_LARGE, f"An event may have {settings.MAX_WEBHOOK_BYTES} bytes.")
    now = timezone.now()
    if not is_genuine(body, request.META.get("HTTP_STRIPE_SIGNATURE", ""), at=now):
        _count_refusal(now)
        return problem(request, Code.INVALID_SIGNATURE, "The Stripe-Signature header does not fit the body.")
    event = _parse(body)
    if event is None:
        return problem(request, Code.MALFORMED_JSON, "The body is no event: a JSON object with id and type is.")
    if store_event(event, body, at=now, request_id=getattr(request, "request_id", "")):
        nudge(PROCESS_TASK)
    return HttpResponse(RECEIVED, content_type="application/json", headers={"Content-Length": len(RECEIVED)})


def _wrong_method(request: HttpRequest) -> HttpResponse:
    allow = {"Allow": "POST, OPTIONS"}
    if request.method == "OPTIONS":
        return no_content(allow)
    return problem(request, Code.METHOD_NOT_ALLOWED, "Stripe delivers events by POST.", headers=allow)


def _read_body(request: HttpRequest) -> bytes | None:
    """The raw body; None where it is too large, read no further than the limit."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdigit() and int(declared) > settings.MAX_WEBHOOK_BYTES:
        return None
    body = request.read(settings.MAX_WEBHOOK_BYTES + 1)
    return None if len(body) > settings.MAX_WEBHOOK_BYTES else body


def is_genuine(body: bytes, header: str, *, at: datetime) -> bool:
    """True where one of our secrets signed these bytes at most five minutes before or after `at`.

    Checked here and not by the SDK, which looks at the past alone (a timestamp a day ahead passes it) and takes one of
    two timestamps in a header. A test holds the verdicts of the two together.
    """
    signed_at, signatures = _read_signature(header)
    if not signatures or abs(at.timestamp() - int(signed_at)) > TOLERANCE_SECONDS:
        return False
    signed = signed_at.encode() + b"." + body
    expected = [hmac.digest(secret.encode(), signed, "sha256") for secret in settings.STRIPE_WEBHOOK_SECRETS]
    return any(hmac.compare_digest(ours.hex().encode(), theirs) for ours in expected for theirs in signatures)


def _read_signature(header: str) -> tuple[str, list[bytes]]:
    """The time and the signatures of `t=1780000000,v1=5257a8…,v1=…`; none where that is not its form, with one time."""
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if not all(equals for _, equals, _ in pairs) or len(times) != 1 or not EPOCH_SECONDS.fullmatch(times[0]):
        return "", []
    return times[0], [value.encode() for name, _, value in pairs if name == "v1"]


def sign(body: bytes, secret: str, *, at: datetime) -> str:
    """The Stripe-Signature header for these bytes: what `simulate_stripe` and the tests put on their events."""
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=int(at.timestamp()))
    return str(header)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        body_text = body.decode(json.detect_encoding(body), "surrogatepass")
        event = None if nests_too_deep(body_text) else json.loads(body_text)
    except ValueError:
        return None
    if not isinstance(event, dict) or not text(event.get("id")) or not text(event.get("type")):
        return None
    return event


def store_event(event: dict[str, Any], body: bytes, *, at: datetime, request_id: str = "") -> bool:
    """Stores the event unless it is known; True where it is new. One INSERT, committed when this returns."""
    stripe_object = mapping(mapping(event.get("data")).get("object"))
    invoice_id, customer_id = _places(stripe_object)
    moment_of = connection.ops.adapt_datetimefield_value
    return _insert_if_new(
        {
            "event_id": text(event.get("id"))[:255],
            "account": text(event.get("account"))[:255],
            "livemode": event.get("livemode") is True,
            "type": text(event.get("type"))[:100],
            "api_version": text(event.get("api_version"))[:40],
            "created": moment_of(_created(event) or at),
            "object_id": text(stripe_object.get("id"))[:255],
            "invoice_id": invoice_id[:255],
            "customer_id": customer_id[:255],
            "body": body,
            "received_at": moment_of(at),
            "next_attempt_at": moment_of(at),
            "request_id": request_id,
            "status": EventStatus.STORED.value,
            "attempts": 0,
            "error": "",
            "outcome": "",
        }
    )


def _insert_if_new(values: dict[str, Any]) -> bool:
    """INSERT … ON CONFLICT DO NOTHING, the same on PostgreSQL and SQLite, telling whether a row was written."""
    with connection.cursor() as cursor:
        cursor.execute(_insert_statement(tuple(values)), list(values.values()))
        return bool(cursor.rowcount == 1)


@cache
def _insert_statement(columns: tuple[str, ...]) -> str:
    table, names, places = StripeEvent._meta.db_table, ", ".join(columns), ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own names


def _created(event: dict[str, Any]) -> datetime | None:
    """Epoch seconds in ordinary events, ISO 8601 in thin ones."""
    created = event.get("created")
    if isinstance(created, str):
        try:
            parsed = datetime.fromisoformat(created)
        except ValueError:
            return None
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return moment(created)


def _places(stripe_object: dict[str, Any]) -> tuple[str, str]:
    """The invoice and the customer that the object is, or belongs to."""
    kind, identifier = stripe_object.get("object"), text(stripe_object.get("id"))
    invoice_id = identifier if kind == "invoice" else object_id(stripe_object.get("invoice"))
    customer_id = identifier if kind == "customer" else object_id(stripe_object.get("customer"))
    return invoice_id, customer_id


def _count_refusal(at: datetime) -> None:
    with transaction.atomic():
        row, _ = WebhookRefusal.objects.get_or_create(day=at.date())
        WebhookRefusal.objects.filter(pk=row.pk).update(count=F("count") + 1)
    logger.warning("stripe_signature_refused")
