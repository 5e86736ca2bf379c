"""The thread in each web process that keeps the status memory up to date: one small query a second.

Another beside it leaves the sign of life of the web, keeps the ledger of what is seen (a dead worker cannot write down that
it is dead), and publishes the snapshot itself where no worker does.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError, InterfaceError, connection

from levqor.lib.postgres.base import cut_connections
from status.broker import look_at_broker
from status.evidence import database_now, read_evidence
from status.judgement import API, FINE, FRONTEND, JOBS, judge_database
from status.ledger import record_blackout
from status.memory import StatusMemory, memory
from status.models import Snapshot
from status.models.evidence import stamp
from status.observing import observe_all
from status.publishing import publish

logger = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
STAMP_EVERY: Final = 5.0
OBSERVE_EVERY: Final = 10.0
# A snapshot that no worker renewed for so long is renewed from here.
RENEW_AFTER: Final = 30.0
# A shorter silence of the database is a hiccup, not a blackout.
BLACKOUT_SECONDS: Final = 5.0
# After so long a silence whoever waits for the database is let go.
SILENT_SECONDS: Final = 8.0
# Less than what a sign of life may be late.
LOCK_SECONDS: Final = 3


class Watcher:
    """Looks once a second (`look`) and writes down what it sees (`keep`), each in a thread of its own: who waits to write,
    behind somebody else's lock, must still see that the database answers. Whatever fails leaves the memory as it is, and so
    lets its evidence grow old."""

    def __init__(self, status: StatusMemory) -> None:
        self.memory = status
        self._stamped_at = self._observed_at = float("-inf")
        self._answered_at: float | None = None
        self._failures = 0
        self._blackouts: deque[tuple[datetime, datetime]] = deque(maxlen=100)

    def look(self) -> None:
        self.memory.note_broker(look_at_broker())
        try:
            self._ask_database()
        except (DatabaseError, InterfaceError, OSError) as error:
            self._failures += 1
            logger.warning("status_database_silent", error=type(error).__name__)
            connection.close()

    def _ask_database(self) -> None:
        evidence = read_evidence()
        at = datetime.now(UTC)
        self.memory.note_evidence(evidence, at=at)
        self._note_blackout(at)
        if evidence.number_of("snapshot") != self.memory.version:
            self._fetch()

    def _fetch(self) -> None:
        body = Snapshot.objects.filter(pk=Snapshot.SINGLE).values_list("body", flat=True).first()
        if body and self.memory.take(body):
            self.memory.keep_on_disk(body)

    def _note_blackout(self, at: datetime) -> None:
        """The database is back: what it could not be told while it was away will be written down.

        Only what was tried and failed counts: a process that slept itself has seen nothing.
        """
        last, self._answered_at = self._answered_at, time.monotonic()
        failures, self._failures = self._failures, 0
        silence = time.monotonic() - last if last else 0.0
        if failures and silence > BLACKOUT_SECONDS:
            # Counted by the clock that nobody sets: this one may have been set while the database was away.
            self._blackouts.append((at - timedelta(seconds=silence), at))

    def keep(self) -> None:
        now = time.monotonic()
        # Of a database that does not answer nothing was seen, and there is nothing to write it into.
        if now - self._stamped_at < STAMP_EVERY or self.memory.evidence.age(now=now) > SILENT_SECONDS:
            return
        try:
            with waiting_for_no_lock():
                self._write_down(now)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.warning("status_not_written_down", error=type(error).__name__)
            connection.close()

    def _write_down(self, now: float) -> None:
        stamp("web", os.getpid())
        self._stamped_at = now
        while self._blackouts:
            start, end = self._blackouts[0]
            record_blackout(API, "database", start=start, end=end)
            self._blackouts.popleft()
        if now - self._observed_at >= OBSERVE_EVERY:
            self._observed_at = now
            self._observe()
            if self.memory.evidence.age_of("snapshot", now=now) > RENEW_AFTER:
                publish(at=datetime.now(UTC))

    def _observe(self) -> None:
        at = database_now()
        now, evidence = time.monotonic(), self.memory.evidence
        jobs = self.memory.judge_jobs(evidence, now=now)
        observe_all({FRONTEND: FINE, API: judge_database(evidence, now=now), JOBS: jobs}, at=at)


@contextmanager
def waiting_for_no_lock() -> Iterator[None]:
    """PostgreSQL lets a client wait for a lock for ever, for instance behind one that stands still in a transaction; the
    sign of life of this process must not wait with it. SQLite has a limit of its own."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        try:
            yield
        finally:
            # The connection goes back to the pool one day, for requests that may wait longer.
            cursor.execute("RESET lock_timeout")


def repeat(work: Callable[[], None]) -> None:
    """Once a second, until the process ends."""
    while True:
        try:
            work()
        except Exception:  # the watch itself must go on, whatever one look ran into
            logger.exception("status_watch_failed")
        time.sleep(PAUSE_SECONDS)


def let_go() -> None:
    """Beside the watch, which may itself be waiting: a database that takes questions and answers none must not hold the
    threads of this process, one request after the other, until nobody is left to serve the page that tells of it."""
    while True:
        time.sleep(SILENT_SECONDS)
        if memory.evidence.age(now=time.monotonic()) > SILENT_SECONDS and (cut := cut_connections()):
            logger.warning("database_connections_cut", count=cut)


_started = threading.Lock()
_by_hand = Watcher(memory)


def start() -> None:
    """Starts the watch in this process, once; called by the web process alone."""
    if _started.acquire(blocking=False):
        memory.take_from_disk()
        watcher = Watcher(memory)
        for name, work in (("watch", watcher.look), ("keep", watcher.keep)):
            threading.Thread(target=repeat, args=[work], name=f"status-{name}", daemon=True).start()
        threading.Thread(target=let_go, name="status-let-go", daemon=True).start()


def look_where_nobody_watches() -> None:
    """For processes without the thread (a shell, a test client): one look, at most once a second."""
    if not _started.locked() and memory.evidence.age(now=time.monotonic()) >= PAUSE_SECONDS:
        _by_hand.look()
        _by_hand.keep()
