"""The door for Stripe: check the signature, store once, answer. Nothing is handled and nobody is called in here."""

import json
from datetime import UTC, datetime
from typing import Any

import stripe
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from billing.models import EventStatus, StripeEvent, WebhookRefusal
from billing.stripe_objects import mapping, moment, object_id, text
from levqor.lib.nudge import nudge
from levqor.lib.problems import Code, problem

logger = structlog.get_logger(__name__)

TOLERANCE_SECONDS = 300
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
    if not is_genuine(body, request.headers.get("Stripe-Signature", ""), at=now):
        _count_refusal(now)
        return problem(request, Code.INVALID_SIGNATURE, "The Stripe-Signature header does not fit the body.")
    event = _parse(body)
    if event is None:
        return problem(request, Code.MALFORMED_JSON, "The body is no event: a JSON object with id and type is.")
    if store_event(event, body, at=now, request_id=getattr(request, "request_id", "")):
        nudge(PROCESS_TASK)
    return JsonResponse({"received": True})


def _wrong_method(request: HttpRequest) -> HttpResponse:
    allow = {"Allow": "POST, OPTIONS"}
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=allow)
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

    The SDK checks the past alone (a timestamp a day ahead passes it), so the future is checked here.
    """
    try:
        decoded = body.decode()
        signed_at = int(dict(part.split("=", 1) for part in header.split(",") if "=" in part).get("t", ""))
    except ValueError:
        return False
    if abs(at.timestamp() - signed_at) > TOLERANCE_SECONDS:
        return False
    return any(_is_signed_by(secret, decoded, header) for secret in settings.STRIPE_WEBHOOK_SECRETS)


def _is_signed_by(secret: str, body: str, header: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, None)
    except stripe.SignatureVerificationError:
        return False
    return True


def sign(body: bytes, secret: str, *, at: datetime) -> str:
    """The Stripe-Signature header for these bytes: what `simulate_stripe` and the tests put on their events."""
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=int(at.timestamp()))
    return str(header)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    if not isinstance(event, dict) or not text(event.get("id")) or not text(event.get("type")):
        return None
    return event


def store_event(event: dict[str, Any], body: bytes, *, at: datetime, request_id: str = "") -> bool:
    """Stores the event unless it is known; True where it is new. One INSERT, committed when this returns."""
    stripe_object = mapping(mapping(event.get("data")).get("object"))
    invoice_id, customer_id = _places(stripe_object)
    row = StripeEvent(
        event_id=text(event.get("id"))[:255],
        account=text(event.get("account"))[:255],
        livemode=event.get("livemode") is True,
        type=text(event.get("type"))[:100],
        api_version=text(event.get("api_version"))[:40],
        created=_created(event) or at,
        object_id=text(stripe_object.get("id"))[:255],
        invoice_id=invoice_id[:255],
        customer_id=customer_id[:255],
        body=body,
        received_at=at,
        next_attempt_at=at,
        request_id=request_id,
        status=EventStatus.STORED,
    )
    return _insert_if_new(row)


def _insert_if_new(row: StripeEvent) -> bool:
    """INSERT … ON CONFLICT DO NOTHING, the same on PostgreSQL and SQLite, telling whether a row was written."""
    fields = [field for field in StripeEvent._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    places = ", ".join(["%s"] * len(fields))
    statement = f'INSERT INTO "{StripeEvent._meta.db_table}" ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING'  # noqa: S608  # names come from the model
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount == 1)


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
