"""Draining the Stripe inbox: each stored event is claimed, judged and marked; a poison one cannot stop the others."""

import math
from datetime import datetime

import structlog
from django.db import DatabaseError

from billing import gateway
from billing.alarms import raise_alarm
from billing.handlers import handle
from billing.models import AlarmKind, EventStatus, StripeEvent
from billing.models.inbox import MAX_ATTEMPTS
from billing.modes import acting_modes
from billing.webhooks import PROCESS_TASK
from levqor.lib.backoff import pause_after, pauses
from levqor.lib.nudge import nudge
from levqor.lib.passes import PassClock

logger = structlog.get_logger(__name__)

PASS_SECONDS = 30
BACKOFF = pauses(5, 15, 60, 300, 900, 3600, 10800)
BATCH = 200
DEADLY = "The process that worked on it died each time, or took longer than a minute; nobody saw why."
# The payload shapes that billing/tests/test_stripe_shapes.py holds.
TESTED_MAJORS = frozenset(["acacia", "basil", "clover", "dahlia", "endive"])
OLDEST_TESTED, NEWEST_UNNAMED = "2020-08-27", "2024-06-20"


def process_due_events(*, at: datetime, limit: int = 2000, seconds: float = math.inf) -> int:
    """Processes what is due, oldest first, and returns how many events it took; what `seconds` leave no time for goes
    next, so that no lease of a pass grows old before its end."""
    clock, taken = PassClock(at), 0
    while taken < limit:
        batch = list(StripeEvent.objects.due(at=at)[:BATCH])
        for event in batch:
            if clock.seconds > seconds:
                nudge(PROCESS_TASK)
                return taken
            taken += process_event(event, at=clock.now())
        if len(batch) < BATCH:
            break
    return taken


def process_event(event: StripeEvent, *, at: datetime) -> bool:
    """Handles one event; False where another worker has it. A failure is recorded on its row and tried again."""
    if not event.claim(at=at):
        return False
    # The request that brought the event and the work on it carry one id through the logs and the audit trail.
    with structlog.contextvars.bound_contextvars(**({"request_id": event.request_id} if event.request_id else {})):
        _process_claimed(event, at=at)
    return True


def _process_claimed(event: StripeEvent, *, at: datetime) -> None:
    if event.has_been_tried_enough():
        logger.error("stripe_event_kills_workers", event_id=event.event_id, type=event.type)
        event.finish(EventStatus.FAILED, at=at, attempts=MAX_ATTEMPTS, error=DEADLY)
        return
    why_not = _reason_to_ignore(event, at=at)
    if why_not:
        event.finish(EventStatus.IGNORED, at=at, outcome=why_not)
        return
    try:
        outcome = handle(event, at=at)
    except gateway.StripeUnknownObjectError:
        # Asking again would not help: it is gone, or of another account. It is shown, and may be processed again.
        event.finish(EventStatus.IGNORED, at=at, outcome="unknown to Stripe", error="")
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError, DatabaseError) as error:
        _try_later(event, error, at=at)
    except Exception as error:  # a handler's bug must not hold up the queue: it is shown, and tried again
        logger.exception("stripe_event_failed", event_id=event.event_id, type=event.type)
        _try_later(event, error, at=at)
    else:
        event.finish(
            EventStatus.DONE if outcome else EventStatus.IGNORED, at=at, outcome=outcome or "no handler", error=""
        )


def _reason_to_ignore(event: StripeEvent, *, at: datetime) -> str:
    if event.account:
        raise_alarm(AlarmKind.CONNECTED_ACCOUNT, event.account, at=at, detail=event.event_id)
        return "of a connected account"
    if event.livemode not in acting_modes():
        return "live event in test mode" if event.livemode else "test event in live mode"
    if not is_tested_version(event):
        raise_alarm(AlarmKind.API_VERSION, event.api_version or "none named", at=at, detail=event.event_id)
    return ""


def is_tested_version(event: StripeEvent) -> bool:
    """An event keeps the shape of its endpoint's version, whatever version we speak; thin events have none.

    Within a major (`2026-10-28.endive`, `2026-11-25.endive`) Stripe only adds, so its name is what counts; before the
    names, versions were dates.
    """
    day, _, name = event.api_version.partition(".")
    if not event.api_version:
        return bool(event.payload.get("object") == "v2.core.event")
    return name in TESTED_MAJORS if name else OLDEST_TESTED <= day <= NEWEST_UNNAMED


def _try_later(event: StripeEvent, error: Exception, *, at: datetime) -> None:
    text = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    if event.attempts >= MAX_ATTEMPTS:
        event.finish(EventStatus.FAILED, at=at, error=text)
        return
    pause = pause_after(event.attempts, BACKOFF)
    event.finish(EventStatus.STORED, at=at, error=text, next_attempt_at=at + pause)
