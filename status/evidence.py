"""What one process knows of the others: the stamps as last read, and how long ago that was.

Ages are counted by the database's clock while reading and by this process's monotonic clock since, so neither a jump of
the clock nor machines that disagree about the time can make old evidence look fresh.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from status.models.evidence import Stamp

NEVER: Final = float("inf")


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
        """Seconds since the sign of life, as far as this process can know; infinite where there never was one."""
        reading = self.stamps.get(name)
        return NEVER if reading is None else max(0.0, reading.age) + max(0.0, now - self.read_at)

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
