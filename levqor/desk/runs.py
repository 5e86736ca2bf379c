"""Recording each run of a periodic task, from Celery's own signals: one UPDATE by the task's name at start and end."""

import time
from typing import Any

import structlog
from celery.signals import task_failure, task_postrun, task_prerun
from django.db import Error
from django.utils import timezone

from levqor.desk.models import PeriodicTask

logger = structlog.get_logger(__name__)

# When the runs of this worker process began, by task id: the duration is theirs, whatever else runs by that name.
_began: dict[str, float] = {}


def listen() -> None:
    task_prerun.connect(note_start, dispatch_uid="levqor.desk.start")
    task_postrun.connect(note_end, dispatch_uid="levqor.desk.end")
    task_failure.connect(note_failure, dispatch_uid="levqor.desk.failure")


def note_start(task_id: str = "", task: Any = None, **kwargs: Any) -> None:
    _began[task_id] = time.monotonic()
    _write(task, last_started_at=timezone.now())


def note_end(task_id: str = "", task: Any = None, state: str | None = None, **kwargs: Any) -> None:
    began = _began.pop(task_id, None)
    now = timezone.now()
    changes: dict[str, object] = {"last_finished_at": now}
    if began is not None:
        changes["last_duration_ms"] = int((time.monotonic() - began) * 1000)
    if state == "SUCCESS":
        changes |= {"last_succeeded_at": now, "last_error": ""}
    _write(task, **changes)


def note_failure(sender: Any = None, exception: BaseException | None = None, **kwargs: Any) -> None:
    text = f"{type(exception).__name__}: {exception}".replace("\0", "")
    _write(sender, last_error=text[:500])


def _write(task: Any, **changes: object) -> None:
    """A record that cannot be written must never stop the work that it is about."""
    try:
        PeriodicTask.objects.filter(task=getattr(task, "name", "")).update(**changes)
    except Error as error:
        logger.warning("periodic_run_not_recorded", error=type(error).__name__)
