"""Waking a Celery task soon, without ever making the caller wait for the broker.

State in the database is the to-do list and beat drains it anyway; a nudge only makes that happen sooner. So nudges are
collected by one background thread per process, which publishes each task name once however often it was asked for, at
most some times a second, and a broker that is down costs a log line.
"""

import atexit
import os
import threading
from typing import Final

import structlog
from celery import current_app
from django.db import transaction

logger = structlog.get_logger(__name__)

EXPIRES_SECONDS: Final = 60
# The first nudge goes out at once. In a burst a message costs more than the request that asked for it, and one wakes a
# worker as well as a thousand.
PAUSE_SECONDS: Final = 0.1


class _Publisher:
    """Publishes the wanted task names from a thread of its own; made anew after a fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        # Each task with the id of the request that asked for it first: the message carries it to the worker's logs.
        self._wanted: dict[str, str] = {}
        self._condition = threading.Condition()
        self._busy = False
        self._flushers = 0
        threading.Thread(target=self._run, name="nudge", daemon=True).start()

    def want(self, task: str, request_id: str) -> None:
        with self._condition:
            if task not in self._wanted:
                self._wanted[task] = request_id
                self._condition.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """True once nothing is left to publish; False where that took longer than `seconds`."""
        with self._condition:
            self._flushers += 1
            self._condition.notify_all()
            try:
                return self._condition.wait_for(lambda: not self._wanted and not self._busy, timeout=seconds)
            finally:
                self._flushers -= 1

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted)
                tasks, self._wanted, self._busy = self._wanted, {}, True
            for task, request_id in tasks.items():
                _publish(task, request_id)
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._flushers, timeout=PAUSE_SECONDS)


_lock = threading.Lock()
_publisher: _Publisher | None = None


def _publish(task: str, request_id: str) -> None:
    try:
        with structlog.contextvars.bound_contextvars(**({"request_id": request_id} if request_id else {})):
            current_app.send_task(task, expires=EXPIRES_SECONDS, ignore_result=True, retry=False)
    except Exception as error:  # whatever the broker's client raises, beat does the work a few seconds later
        logger.warning("nudge_not_published", task=task, error=type(error).__name__)


def _current() -> _Publisher:
    global _publisher  # noqa: PLW0603  # one publisher per process, started at the first nudge
    with _lock:
        if _publisher is None or _publisher.pid != os.getpid():
            _publisher = _Publisher()
        return _publisher


def nudge(task: str) -> None:
    """Asks for the Celery task of this name to run soon, after the current transaction has committed."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    transaction.on_commit(lambda: _current().want(task, request_id))


def flush(seconds: float = 3.0) -> bool:
    """Waits until all nudges are published; False where the broker did not take them in time."""
    return _publisher is None or _publisher.pid != os.getpid() or _publisher.wait_until_idle(seconds)


atexit.register(flush)
