"""Last use and daily usage: noted in memory, written once a second, so that no request waits for it.

What the quota counts is exact and stands in MonthlyUsage. What is kept here is for people to look at: a process that is
killed loses the notes of its last second.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q

from developer.models import ApiKey, DailyUsage

logger = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
# So many pairs of key and day wait at most while the database is away; what comes on top is not noted.
MOST_WAITING: Final = 10_000


@dataclass
class Notes:
    """What was noted since the last writing."""

    days: Counter[tuple[int, date, str]] = field(default_factory=Counter)
    last: dict[int, tuple[datetime, str]] = field(default_factory=dict)

    def add(self, other: "Notes") -> None:
        self.days.update(other.days)
        self.last |= {key: seen for key, seen in other.last.items() if key not in self.last or self.last[key] < seen}


class UsageBuffer:
    """`note` costs a few microseconds; a thread of its own, started by the first note, does the writing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes = Notes()
        self._thread: threading.Thread | None = None
        self.is_by_hand = False

    def note(self, key_id: int, status: int, network: str, *, at: datetime) -> None:
        kind = "succeeded" if status < 400 else "refused" if status < 500 else "failed"
        place = (key_id, at.astimezone(UTC).date(), kind)
        with self._lock:
            if place in self._notes.days or len(self._notes.days) < MOST_WAITING:
                self._notes.days[place] += 1
                self._notes.last[key_id] = (at, network)
        if self._thread is None and not self.is_by_hand:
            self._start()

    def flush(self) -> None:
        """Writes what was noted; what could not be written waits for the next time."""
        with self._lock:
            notes, self._notes = self._notes, Notes()
        if not notes.days:
            return
        try:
            write(notes)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("usage_not_written", error=type(error).__name__)
            with self._lock:
                notes.add(self._notes)
                self._notes = notes

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_each_second, name="api-usage", daemon=True)
                self._thread.start()

    def _write_each_second(self) -> None:
        while True:
            time.sleep(PAUSE_SECONDS)
            try:
                self.flush()
            except Exception:  # the writing itself must go on, whatever one round ran into
                logger.exception("usage_writing_failed")
            finally:
                connection.close()


def write(notes: Notes) -> None:
    """In one order for all processes, so that no two wait for each other; keys that were deleted meanwhile are left out."""
    keys = set(ApiKey.objects.filter(pk__in=notes.last).values_list("pk", flat=True))
    with transaction.atomic():
        for key_id in sorted(keys):
            at, network = notes.last[key_id]
            ApiKey.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=at), pk=key_id).update(
                last_used_at=at, last_used_from=network
            )
        for key_id, day in sorted({place[:2] for place in notes.days if place[0] in keys}):
            counts = {kind: notes.days[key_id, day, kind] for kind in ("succeeded", "refused", "failed")}
            DailyUsage.objects.get_or_create(key_id=key_id, day=day)
            DailyUsage.objects.filter(key_id=key_id, day=day).update(
                **{kind: F(kind) + count for kind, count in counts.items()}
            )


buffer: Final = UsageBuffer()
