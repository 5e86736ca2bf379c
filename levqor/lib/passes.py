"""What passes over many rows share: a clock, and the question whether an error was about one row or about all."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, Error, connection


@dataclass(frozen=True)
class PassClock:
    """Time as a pass keeps it, which a test or `--now` may have begin at another moment. Leases run from `now()`: in a
    long pass the moment at which a row is taken is not that of the beginning."""

    began_at: datetime
    _started: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """In whole seconds after its beginning."""
        return self.began_at + timedelta(seconds=int(self.seconds))

    @property
    def seconds(self) -> float:
        """So many have passed since it began."""
        return time.monotonic() - self._started


def is_database_away(error: Exception) -> bool:
    """Asked of what a pass met at one row: a deadlock or a lock that took too long is that row's, an end of the server
    is everybody's. A connection that broke alone is made anew."""
    if not isinstance(error, DatabaseError) or connection.is_usable():
        return False
    connection.close()
    try:
        connection.ensure_connection()
    except Error:
        return True
    return False
