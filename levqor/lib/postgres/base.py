"""Django's PostgreSQL backend, with two habits by which a database that is away cannot take the whole process with it.

Each request waits for the database in a thread. Without these, the first few that need it would hold every thread of a web
process, for ten seconds each or, where the database is frozen, for ever; and what needs no database, such as the status page
that has to tell of the outage, would wait behind them.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakSet

import psycopg
from django.db.backends.postgresql import base

PAUSE_SECONDS: Final = 1.0


class Reach:
    """Whether the database was reached lately: while it was not, one caller at a time finds out anew, and all others are
    told so at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._is_tried = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        self._admit()
        try:
            yield
        except BaseException:
            self._note(failed_at=time.monotonic())
            raise
        self._note(failed_at=None)

    def _admit(self) -> None:
        with self._lock:
            if self._failed_at is None:
                return
            if self._is_tried or time.monotonic() - self._failed_at < PAUSE_SECONDS:
                raise psycopg.OperationalError("The database could not be reached a moment ago.")
            self._is_tried = True

    def _note(self, *, failed_at: float | None) -> None:
        with self._lock:
            self._failed_at, self._is_tried = failed_at, False


reach: Final = Reach()
_made: WeakSet[Any] = WeakSet()
_of_made = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: Any) -> Any:
        with reach.attempt():
            return super().get_new_connection(conn_params)

    def _configure_connection(self, connection: Any) -> Any:
        with _of_made:
            _made.add(connection)
        return super()._configure_connection(connection)  # type: ignore[misc]  # private, and called for each new one


def cut_connections() -> int:
    """Cuts every connection of this process where it stands, so that whoever waits on one is told at once; how many.

    From another thread only the socket may be touched: libpq's own functions are not to be called on a connection in use.
    """
    cut = 0
    with _of_made:
        made = list(_made)
    for connection in made:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
            cut += 1
    return cut
