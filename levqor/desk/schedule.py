"""The static beat table, beside what is recorded of each of its entries."""

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import crontab
from django.conf import settings

from levqor.desk.models import PeriodicTask


def ensure_rows(**kwargs: Any) -> None:
    """One row for each entry of the table, none for what left it; connected to post_migrate."""
    table = {name: entry["task"] for name, entry in settings.CELERY_BEAT_SCHEDULE.items()}
    known = dict(PeriodicTask.objects.values_list("name", "task"))
    if known == table:
        return
    PeriodicTask.objects.exclude(name__in=table).delete()
    for name, task in table.items():
        PeriodicTask.objects.update_or_create(name=name, defaults={"task": task})


def interval_in_words(row: PeriodicTask) -> str:
    schedule = _schedule(row)
    if isinstance(schedule, timedelta):
        seconds = int(schedule.total_seconds())
        for unit, size in (("hour", 3600), ("minute", 60)):
            if seconds % size == 0:
                count = seconds // size
                return f"every {unit}" if count == 1 else f"every {count} {unit}s"
        return f"every {seconds} seconds"
    if isinstance(schedule, crontab):
        # Every entry of ours by the clock is a daily one.
        clock: Any = schedule
        return f"daily at {min(clock.hour):02d}:{min(clock.minute):02d} UTC"
    return str(schedule)


def next_run_at(row: PeriodicTask, *, at: datetime) -> datetime | None:
    """When beat should start the entry next; None where it never ran, so beat starts it as soon as it is up."""
    if row.last_started_at is None:
        return None
    schedule = _schedule(row)
    if isinstance(schedule, timedelta):
        return row.last_started_at + schedule
    if isinstance(schedule, crontab):
        left: timedelta = schedule.remaining_estimate(row.last_started_at)
        return at + left
    return None


def _schedule(row: PeriodicTask) -> Any:
    return settings.CELERY_BEAT_SCHEDULE.get(row.name, {}).get("schedule")
