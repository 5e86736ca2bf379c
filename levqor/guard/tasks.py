"""Forgetting what no longer counts: places of the hour before, answers of the day before, expired cache entries."""

from datetime import datetime

from celery import shared_task
from django.utils import timezone

from levqor.guard.limits import HOUR
from levqor.guard.models import KEEP_ANSWERS, CacheEntry, IdempotentRequest, LimitSlot


@shared_task(name="guard.prune")
def prune() -> None:
    prune_guard(at=timezone.now())


def prune_guard(*, at: datetime) -> int:
    """Deletes what has expired by `at` and returns how many rows that were."""
    expired = [
        LimitSlot.objects.filter(taken_at__lte=at - HOUR),
        IdempotentRequest.objects.filter(answered_at__lte=at - KEEP_ANSWERS),
        CacheEntry.objects.filter(expires__lt=at),
    ]
    return sum(rows.delete()[0] for rows in expired)
