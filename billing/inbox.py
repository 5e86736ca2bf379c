"""Draining the Stripe inbox: each stored event is claimed, judged and marked; a poison one cannot stop the others."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError

from billing import gateway
from billing.handlers import handle
from billing.models import EventStatus, StripeEvent
from billing.models.inbox import MAX_ATTEMPTS

logger = structlog.get_logger(__name__)

BACKOFF = [timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600, 10800)]
BATCH = 200


def process_due_events(*, at: datetime, limit: int = 2000) -> int:
    """Processes what is due, oldest first, and returns how many events it took."""
    taken = 0
    while taken < limit:
        batch = list(StripeEvent.objects.due(at=at)[:BATCH])
        for event in batch:
            taken += process_event(event, at=at)
        if len(batch) < BATCH:
            break
    return taken


def process_event(event: StripeEvent, *, at: datetime) -> bool:
    """Handles one event; False where another worker has it. A failure is recorded on its row and tried again."""
    if not event.claim(at=at):
        return False
    why_not = _reason_to_ignore(event)
    if why_not:
        event.finish(EventStatus.IGNORED, at=at, outcome=why_not)
        return True
    try:
        # The request that brought the event and the work on it carry one id through the logs and the audit trail.
        with structlog.contextvars.bound_contextvars(request_id=event.request_id):
            outcome = handle(event, at=at)
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError, DatabaseError) as error:
        _try_later(event, error, at=at)
    except Exception as error:  # a handler's bug must not hold up the queue: it is shown, and tried again
        logger.exception("stripe_event_failed", event=event.event_id, type=event.type)
        _try_later(event, error, at=at)
    else:
        event.finish(
            EventStatus.DONE if outcome else EventStatus.IGNORED, at=at, outcome=outcome or "no handler", error=""
        )
    return True


def _reason_to_ignore(event: StripeEvent) -> str:
    if event.account:
        return "of a connected account"
    if event.livemode != settings.STRIPE_LIVEMODE:
        return "live event in test mode" if event.livemode else "test event in live mode"
    return ""


def _try_later(event: StripeEvent, error: Exception, *, at: datetime) -> None:
    text = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    if event.attempts >= MAX_ATTEMPTS:
        event.finish(EventStatus.FAILED, at=at, error=text)
        return
    pause = BACKOFF[min(event.attempts, len(BACKOFF)) - 1]
    event.finish(EventStatus.STORED, at=at, error=text, next_attempt_at=at + pause)
