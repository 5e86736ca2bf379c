"""Announcing what happened, and telling it: claim, call, record."""

import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from standardwebhooks.webhooks import Webhook

from levqor.hooks.models import Delivery, DeliveryAttempt, DeliveryStatus, Endpoint, HookMessage
from levqor.hooks.network import HookAnswer, UnreachableError, post
from levqor.lib.actors import SYSTEM
from levqor.lib.nudge import nudge

logger = structlog.get_logger(__name__)

DELIVER_TASK: Final = "hooks.deliver_due"
# https://github.com/standard-webhooks/standard-webhooks: the schedule that the specification suggests, some 75 hours.
PAUSES: Final = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
]
GIVE_UP_AFTER: Final = timedelta(days=3)
KEEP_FOR: Final = timedelta(days=30)
BATCH: Final = 100
# A pass ends after so long: what it signs carries the time at which it began, and leases count from there.
PASS_SECONDS: Final = 30.0


def announce(
    event_type: str,
    payload: dict[str, Any],
    *,
    key: str,
    endpoints: Iterable[Endpoint],
    at: datetime,
    is_enveloped: bool = True,
) -> HookMessage:
    """Writes the message with a delivery for each endpoint, in the caller's transaction; the same key writes it once.

    The payload is the `data` of Standard Webhooks' envelope. Without one its own keys stand beside `type` and `timestamp`,
    for receivers that know the format of another maker.
    """
    head = {"type": event_type, "timestamp": at.isoformat().replace("+00:00", "Z")}
    content = head | ({"data": payload} if is_enveloped else payload)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    with transaction.atomic():
        message, _ = HookMessage.objects.get_or_create(
            key=key, defaults={"type": event_type, "body": body, "created_at": at}
        )
        Delivery.objects.bulk_create(
            (Delivery(message=message, endpoint=endpoint, next_attempt_at=at) for endpoint in endpoints),
            ignore_conflicts=True,
            batch_size=1000,
        )
    nudge(DELIVER_TASK)
    return message


def send_test(endpoint: Endpoint, *, at: datetime) -> Delivery:
    """A message that says it is a test, to this endpoint alone."""
    key = f"test:{endpoint.public_id}:{at.isoformat()}"
    message = announce("endpoint.test", {"endpoint": endpoint.public_id}, key=key, endpoints=[endpoint], at=at)
    return Delivery.objects.get(message=message, endpoint=endpoint)


def deliver_due(*, at: datetime, limit: int = BATCH) -> int:
    """Attempts what is due and returns how many attempts were made; what slow receivers leave no time for goes next.

    One that cannot be recorded (its owner removed the address meanwhile) holds up no other: its error is logged.
    """
    began, made = time.monotonic(), 0
    for row in Delivery.objects.due(at=at).select_related("message", "endpoint")[:limit]:
        if time.monotonic() - began > PASS_SECONDS:
            nudge(DELIVER_TASK)
            break
        try:
            made += deliver(row, at=at)
        except Exception:  # whatever it is about this one: the others behind it do not wait
            logger.exception("hook_not_delivered", delivery=row.pk)
    return made


def deliver(delivery: Delivery, *, at: datetime) -> bool:
    """One attempt; False where another worker has the delivery, or its endpoint was switched off."""
    if not delivery.claim(at=at):
        return False
    if not delivery.endpoint.is_live:
        delivery.settle(DeliveryStatus.CANCELLED)
        return False
    attempt, retry_after = _attempt(delivery, at=at)
    attempt.save(force_insert=True)
    if attempt.is_taken:
        delivery.settle(DeliveryStatus.DELIVERED, delivered_at=at)
        Endpoint.objects.filter(pk=delivery.endpoint_id).exclude(failing_since=None).update(failing_since=None)
    else:
        _note_failure(delivery, attempt, retry_after, at=at)
    return True


def _attempt(delivery: Delivery, *, at: datetime) -> tuple[DeliveryAttempt, timedelta]:
    began = time.monotonic()
    attempt = DeliveryAttempt(delivery=delivery, at=at)
    answer: HookAnswer | None = None
    body = delivery.message.body
    try:
        answer = post(delivery.endpoint.url, body.encode(), signed_headers(delivery, body, at=at))
    except UnreachableError as error:
        attempt.error = str(error)[:300]
    except Exception as error:  # a fault of ours counts as an attempt too: without an end it would be tried for ever
        logger.exception("hook_call_failed", delivery=delivery.pk)
        attempt.error = f"The call failed on our side: {type(error).__name__}."
    else:
        attempt.status_code, attempt.answer = answer.status, answer.text.replace("\0", "")[:500]
    attempt.milliseconds = round((time.monotonic() - began) * 1000)
    return attempt, timedelta(seconds=answer.retry_after if answer else 0)


def signed_headers(delivery: Delivery, body: str, *, at: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks; during a rotation both secrets sign."""
    message_id = delivery.message.public_id
    signatures = [Webhook(one).sign(message_id, at, body) for one in delivery.endpoint.signing_secrets(at=at)]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Levqor-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _note_failure(delivery: Delivery, attempt: DeliveryAttempt, retry_after: timedelta, *, at: datetime) -> None:
    endpoint = delivery.endpoint
    Endpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=at)
    endpoint.refresh_from_db()
    is_last = delivery.attempts > len(PAUSES)
    pause = timedelta() if is_last else max(PAUSES[delivery.attempts - 1], min(retry_after, PAUSES[-1]))
    delivery.settle(DeliveryStatus.FAILED if is_last else DeliveryStatus.PENDING, next_attempt_at=at + pause)
    if attempt.status_code == 410:
        endpoint.switch_off("The address answered 410: it is gone.", by=SYSTEM, at=at)
    elif endpoint.failing_since and at - endpoint.failing_since > GIVE_UP_AFTER:
        endpoint.switch_off("Nothing was taken for three days.", by=SYSTEM, at=at)
        logger.warning("hook_endpoint_switched_off", endpoint=endpoint.public_id)


def forget_old(*, at: datetime) -> int:
    """Removes messages with their log after 30 days; returns how many."""
    removed, _ = HookMessage.objects.filter(created_at__lt=at - KEEP_FOR).delete()
    return removed
