"""What one process knows of the others: the stamps as last read, and how long ago that was.

Ages are counted by the database's clock while reading and by this process's monotonic clock since, so neither a jump of
the clock nor machines that disagree about the time can make old evidence look fresh.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from django.db import connection

from status.models.evidence import Stamp

NEVER: Final = float("inf")
# What lies this far ahead was left by a clock that has been set back since, or by one that disagrees: it proves nothing.
AHEAD_SECONDS: Final = 5.0
FOR_AGES: Final = 365 * 86_400.0


@dataclass(frozen=True)
class StampReading:
    """One stamp: its age in seconds when it was read, and its number."""

    age: float
    number: int = 0


@dataclass(frozen=True)
class Evidence:
    """All stamps of one reading. `read_at` is this process's monotonic clock; `latency_ms` what the reading took."""

    read_at: float
    stamps: dict[str, StampReading] = field(default_factory=dict)
    latency_ms: int = 0

    def age_of(self, name: str, *, now: float) -> float:
        """Seconds since the sign of life, as far as this process can know; infinite where there never was one.

        One from the future is as good as none of late.
        """
        reading = self.stamps.get(name)
        if reading is None:
            return NEVER
        return FOR_AGES if self.is_ahead(name) else max(0.0, reading.age) + max(0.0, now - self.read_at)

    def is_ahead(self, name: str) -> bool:
        """True where the sign of life is dated later than it was read."""
        return name in self.stamps and self.stamps[name].age < -AHEAD_SECONDS

    def number_of(self, name: str) -> int:
        reading = self.stamps.get(name)
        return reading.number if reading else 0

    def age(self, *, now: float) -> float:
        """Seconds since the database last answered this process."""
        return max(0.0, now - self.read_at)


NOTHING: Final = Evidence(read_at=-NEVER)

# The age is computed by the database, in one statement with the reading.
_AGES = {
    "postgresql": "EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP() - at)",
    "sqlite": "(JULIANDAY('now') - JULIANDAY(at)) * 86400.0",
}


def database_now() -> datetime:
    """The time by the one clock that all processes share: the database's, and on SQLite that of the machine."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT STATEMENT_TIMESTAMP()")
        return cast("datetime", cursor.fetchone()[0])


def read_evidence(cursor: Any = None) -> Evidence:
    """Reads all stamps in one statement; raises a database error where that is not possible."""
    began = time.monotonic()
    sql = f"SELECT name, {_AGES[connection.vendor]}, number FROM {Stamp._meta.db_table}"  # noqa: S608  # constants
    if cursor is not None:
        cursor.execute(sql)
        rows = cursor.fetchall()
    else:
        with connection.cursor() as own:
            own.execute(sql)
            rows = own.fetchall()
    ended = time.monotonic()
    stamps = {name: StampReading(float(age), number) for name, age, number in rows}
    return Evidence(ended, stamps, latency_ms=round((ended - began) * 1000))
