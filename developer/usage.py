"""Last use, daily usage and the last requests: noted in memory, written once a second, so that no request waits for it.

What the quota counts is exact and stands in MonthlyUsage. What is kept here is for people to look at: a process that is
killed loses the notes of its last second.
"""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q
from django.http import HttpRequest

from developer.models import ApiKey, DailyUsage, RecentRequest
from levqor.guard.networks import client_network

logger = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
# So many pairs of key and day wait at most while the database is away; what comes on top is not noted.
MOST_WAITING: Final = 10_000
# So many of the last requests of a key are kept, here and in the database.
KEPT_REQUESTS: Final = 50


class SeenRequest(NamedTuple):
    """One request as it is noted: cheap to make, since somebody waits for the answer."""

    at: datetime
    method: str
    path: str
    status: int
    request_id: str


@dataclass
class Notes:
    """What was noted since the last writing."""

    days: Counter[tuple[int, date, str]] = field(default_factory=Counter)
    last: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    requests: dict[int, deque[SeenRequest]] = field(default_factory=dict)

    def add(self, other: "Notes") -> None:
        self.days.update(other.days)
        self.last |= {key: seen for key, seen in other.last.items() if key not in self.last or self.last[key] < seen}
        for key, requests in other.requests.items():
            self.requests.setdefault(key, deque(maxlen=KEPT_REQUESTS)).extend(requests)


class UsageBuffer:
    """`note` costs a few microseconds; a thread of its own, started by the first note, does the writing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes = Notes()
        self._thread: threading.Thread | None = None
        self.is_by_hand = False

    def note(self, key_id: int, request: HttpRequest, status: int, *, at: datetime, is_counted: bool = True) -> None:
        """What became of a request with this key; one that cost nothing by its kind stands in no graph."""
        kind = "succeeded" if status < 400 else "refused" if status < 500 else "failed"
        place = (key_id, at.astimezone(UTC).date(), kind)
        network, seen = client_network(request), _seen(request, status, at)
        with self._lock:
            if key_id in self._notes.last or len(self._notes.last) < MOST_WAITING:
                self._notes.days[place] += is_counted
                self._notes.last[key_id] = (at, network)
                self._notes.requests.setdefault(key_id, deque(maxlen=KEPT_REQUESTS)).append(seen)
        if self._thread is None and not self.is_by_hand:
            self._start()

    def flush(self) -> None:
        """Writes what was noted; what could not be written waits for the next time."""
        with self._lock:
            notes, self._notes = self._notes, Notes()
        if not notes.last:
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


def _seen(request: HttpRequest, status: int, at: datetime) -> SeenRequest:
    request_id: str = getattr(request, "request_id", "")
    # PostgreSQL keeps no NUL in a text.
    path = request.path[:200].replace("\0", "\ufffd")
    return SeenRequest(at, (request.method or "")[:10], path, status, request_id[:200])


def write(notes: Notes) -> None:
    """In one order for all processes, so that no two wait for each other; keys that were deleted meanwhile are left out."""
    keys = sorted(ApiKey.objects.filter(pk__in=notes.last).values_list("pk", flat=True))
    with transaction.atomic():
        for key_id in keys:
            at, network = notes.last[key_id]
            ApiKey.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=at), pk=key_id).update(
                last_used_at=at, last_used_from=network
            )
        _write_days(notes, set(keys))
        RecentRequest.objects.bulk_create(
            RecentRequest(key_id=key_id, **seen._asdict()) for key_id in keys for seen in notes.requests.get(key_id, ())
        )
        for key_id in keys:
            _forget_old_requests(key_id)


def _write_days(notes: Notes, keys: set[int]) -> None:
    for key_id, day in sorted({place[:2] for place, count in notes.days.items() if place[0] in keys and count}):
        counts = {kind: notes.days[key_id, day, kind] for kind in ("succeeded", "refused", "failed")}
        DailyUsage.objects.get_or_create(key_id=key_id, day=day)
        DailyUsage.objects.filter(key_id=key_id, day=day).update(
            **{kind: F(kind) + count for kind, count in counts.items()}
        )


def _forget_old_requests(key_id: int) -> None:
    """All but the last ones of this key."""
    of_key = RecentRequest.objects.filter(key_id=key_id)
    last_kept = of_key.order_by("-id").values_list("id", flat=True)[KEPT_REQUESTS - 1 : KEPT_REQUESTS]
    for pk in last_kept:
        of_key.filter(id__lt=pk).delete()


buffer: Final = UsageBuffer()
