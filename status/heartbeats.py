"""Signs of life that beat and the workers leave by themselves, through Celery's own signals.

Beat stamps when it hands a canary on (`beat`) and when the broker took it (`published`); the worker's main process stamps
from a thread of its own (`worker`), whatever its pool is doing; and a canary that was really done stamps `canary:<queue>`.
Together they tell a stopped beat, a stopped broker, a stopped worker and a worker that takes no work apart.
"""

import threading
from typing import Any, Final

import structlog
from celery.signals import after_task_publish, before_task_publish, worker_ready, worker_shutting_down
from django.db import Error, connection

from status.models.evidence import stamp

logger = structlog.get_logger(__name__)

CANARY_TASK: Final = "status.canary"
WORKER_SECONDS: Final = 5

_stopping = threading.Event()


def listen() -> None:
    before_task_publish.connect(note_beat, sender=CANARY_TASK, dispatch_uid="status.beat")
    after_task_publish.connect(note_published, sender=CANARY_TASK, dispatch_uid="status.published")
    worker_ready.connect(start_worker_stamps, dispatch_uid="status.worker_ready")
    worker_shutting_down.connect(stop_worker_stamps, dispatch_uid="status.worker_stops")


def note_beat(**kwargs: Any) -> None:
    try_to_stamp("beat")


def note_published(**kwargs: Any) -> None:
    try_to_stamp("published")


def start_worker_stamps(**kwargs: Any) -> None:
    _stopping.clear()
    threading.Thread(target=_stamp_while_alive, name="worker-stamps", daemon=True).start()


def stop_worker_stamps(**kwargs: Any) -> None:
    _stopping.set()


def _stamp_while_alive() -> None:
    while not _stopping.wait(WORKER_SECONDS):
        try_to_stamp("worker")


def try_to_stamp(name: str, number: int = 0) -> None:
    """A sign of life that cannot be left must never stop the work: its absence is what tells."""
    try:
        stamp(name, number)
    except Error as error:
        logger.warning("stamp_not_left", stamp=name, error=type(error).__name__)
    finally:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
