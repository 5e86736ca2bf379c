"""So many accepted events an hour for one key, exactly, however many processes ask at once.

A limit of ten gives a key ten places. An event takes a place that was last taken more than an hour ago, by one INSERT …
ON CONFLICT DO UPDATE that only one of two callers can win, the same on PostgreSQL and SQLite; so within any sixty minutes
there are never more than ten, and the moment at which the next is possible is known. What is refused is not counted, and
what the caller's transaction rolls back is given back.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from levqor.guard.models import LimitSlot

HOUR: Final = timedelta(hours=1)

TAKE_A_PLACE = """
    INSERT INTO guard_limitslot (digest, slot, taken_at)
    WITH RECURSIVE places (slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM places WHERE slot + 1 < %(places)s)
    SELECT %(digest)s, slot, %(now)s FROM places
    WHERE NOT EXISTS (
        SELECT 1 FROM guard_limitslot AS taken
        WHERE taken.digest = %(digest)s AND taken.slot = places.slot AND taken.taken_at > %(hour_ago)s
    )
    ORDER BY slot LIMIT 1
    ON CONFLICT (digest, slot) DO UPDATE SET taken_at = excluded.taken_at
    WHERE guard_limitslot.taken_at <= %(hour_ago)s
    RETURNING slot
"""


@dataclass(frozen=True)
class Limit:
    """At most `per_hour` events for each key within any hour. The name tells limits apart that count the same keys."""

    name: str
    per_hour: int

    def digest(self, key: str) -> str:
        """What the table holds in place of the key, in whatever case an address was typed."""
        return salted_hmac("levqor.guard.limits", f"{self.name}:{key.lower()}", algorithm="sha256").hexdigest()


type Take = tuple[Limit, str]


class LimitReachedError(Exception):
    """Too many events within the hour; `retry_after` is the number of seconds until one is possible again."""

    def __init__(self, limit: Limit, retry_after: int) -> None:
        super().__init__(f"{limit.name}: {limit.per_hour} an hour; possible again in {retry_after} s")
        self.limit = limit
        self.retry_after = retry_after


def accept(*takes: Take, at: datetime) -> None:
    """Counts one event under each (limit, key), or none and LimitReachedError where one of them is full.

    Within the transaction of the work it counts for, the count stands or falls with that work.
    """
    with transaction.atomic():
        # In one order for all callers, so that no two wait for each other.
        for limit, key in sorted(takes, key=lambda take: (take[0].name, take[1])):
            if not _take_a_place(limit, key, at=at):
                raise LimitReachedError(limit, max(seconds_left(*take, at=at) for take in takes) or 1)


def check(*takes: Take, at: datetime) -> None:
    """Raises LimitReachedError where `accept` would, and counts nothing."""
    for limit, key in takes:
        if wait := seconds_left(limit, key, at=at):
            raise LimitReachedError(limit, wait)


def seconds_left(limit: Limit, key: str, *, at: datetime) -> int:
    """How long the next event under this key must wait; 0 where it need not."""
    if limit.per_hour <= 0:
        return int(HOUR.total_seconds())
    taken = LimitSlot.objects.filter(digest=limit.digest(key), slot__lt=limit.per_hour, taken_at__gt=at - HOUR)
    times = sorted(taken.values_list("taken_at", flat=True))
    if len(times) < limit.per_hour:
        return 0
    return max(1, math.ceil((times[0] + HOUR - at).total_seconds()))


def _take_a_place(limit: Limit, key: str, *, at: datetime) -> bool:
    moment = LimitSlot._meta.get_field("taken_at")
    values = {
        "digest": limit.digest(key),
        "places": limit.per_hour,
        "now": moment.get_db_prep_value(at, connection),
        "hour_ago": moment.get_db_prep_value(at - HOUR, connection),
    }
    # A place that somebody else wins in the same moment leaves the others: so many tries are enough.
    for _ in range(limit.per_hour):
        with connection.cursor() as cursor:
            cursor.execute(TAKE_A_PLACE, values)
            if cursor.fetchall():
                return True
        if seconds_left(limit, key, at=at):
            return False
    return False
