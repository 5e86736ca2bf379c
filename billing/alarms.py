"""What Stripe sent and nobody foresaw: one open alarm for each thing, shown to staff until somebody clears it."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from billing.models import Alarm, AlarmKind
from levqor.audit.models import record
from levqor.lib.actors import Actor

logger = structlog.get_logger(__name__)

# An alarm that is met a thousand times an hour writes its row once an hour.
WRITE_EVERY = timedelta(hours=1)


def raise_alarm(kind: AlarmKind, subject: str, *, at: datetime, detail: str = "") -> None:
    """Raises the alarm, or counts up the open one. Cheap enough to be called for every event."""
    alarm, is_new = Alarm.objects.get_or_create(
        kind=kind,
        subject=subject[:255],
        cleared_at=None,
        defaults={"detail": detail[:500], "raised_at": at, "last_raised_at": at},
    )
    if is_new:
        logger.error("alarm_raised", kind=kind.value, subject=subject, detail=detail)
        return
    stale = Alarm.objects.filter(pk=alarm.pk, last_raised_at__lt=at - WRITE_EVERY)
    stale.update(last_raised_at=at, count=F("count") + 1, detail=detail[:500])


def settle_alarm(kind: AlarmKind, subject: str, *, at: datetime) -> None:
    """What was wrong works again."""
    Alarm.objects.filter(kind=kind, subject=subject[:255], cleared_at=None).update(cleared_at=at)


def clear_alarm(alarm: Alarm, *, by: Actor, at: datetime, reason: str) -> bool:
    """A person has dealt with it; should it come again, a new alarm is raised. False where it was cleared before."""
    with transaction.atomic():
        cleared = Alarm.objects.filter(pk=alarm.pk, cleared_at=None).update(cleared_at=at)
        if cleared:
            record("alarm.cleared", alarm, by=by, at=at, reason=reason)
    return bool(cleared)
