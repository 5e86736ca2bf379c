"""Levqor's real processes against the database of a test: started, moved in time, killed, and ended by their pid.

    with Processes(folder, broker) as processes:
        worker = processes.start("worker", dies_at=("billing.dunning", "_claim", "after"))
        broker.publish("billing.send_due_steps")
        assert worker.wait() == -signal.SIGKILL

They run the lines of the Procfile. Each is forked from one interpreter that has imported the libraries already
(multiprocessing's forkserver), which saves seconds at each of the many starts, and leads a process group of its own.
"""

import ctypes
import importlib
import multiprocessing
import os
import runpy
import shlex
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import django
from celery.signals import task_postrun
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from testing.brokers import OwnBroker, is_listening, wait_until

type Boundary = tuple[str, str, str]
"""Module, function, and "before" or "after": there a process kills its whole group; or "alone": before, and itself only."""

ROOT = Path(__file__).resolve().parents[1]
PR_SET_PDEATHSIG = 1
NEVER = -1
ENDED = "test notes the end of"
FORKS = multiprocessing.get_context("forkserver")
# Libraries alone: nothing of these reads our settings, which depend on the environment of each process.
FORKS.set_forkserver_preload(
    [
        "celery.apps.beat",
        "celery.apps.worker",
        "celery.bin.celery",
        "celery.concurrency.prefork",
        "celery.fixups.django",
        "css_inline",
        "django.contrib.admin.options",
        "django.db.backends.postgresql.base",
        "django.db.backends.sqlite3.base",
        "django.template.loader",
        "django_structlog.celery.steps",
        "kombu.transport.filesystem",
        "kombu.transport.redis",
        "psycopg_pool",
        "sentry_sdk",
        "stripe",
        "structlog.dev",
    ]
)


@dataclass(frozen=True)
class Order:
    """What a forked process shall be. `settings` overrides Django's. `clock` holds seconds added to the real time, and
    `fuse` how many commits are left until the process that makes one dies of it."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    clock: Any
    fuse: Any
    settings: dict[str, Any] = field(default_factory=dict)
    dies_at: Boundary | None = None


@dataclass(frozen=True)
class Running:
    """A started process and the group that it leads."""

    process: BaseProcess
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def wait(self, seconds: float = 30) -> int | None:
        """The exit code, negative for a signal; None where it still runs after so many seconds."""
        self.process.join(seconds)
        return self.process.exitcode

    def has_run(self, task: str) -> bool:
        """True once this worker has ended a task of that name, well or not."""
        return f"{ENDED} {task}\n" in self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL for the whole group, its orphans included; harmless where nothing is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        # It may not lead its group yet.
        self.process.kill()
        self.process.join(10)

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Processes:
    """All processes of one test. Whatever still runs at its end is killed, and their last lines are printed.

    `environment` is that of every process, `overrides` Django settings of the Celery processes and commands.
    """

    def __init__(self, folder: Path, broker: OwnBroker, **environment: str) -> None:
        self.folder = folder
        self.broker = broker
        self.environment = environment
        self.overrides: dict[str, Any] = {}
        self.clock = FORKS.RawValue("d", 0.0)
        self.fuse = FORKS.RawValue("i", NEVER)
        self.all: list[Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for running in self.all:
            running.kill()
            sys.stdout.write(f"--- {running.log.name}, ended with {running.process.exitcode}\n{running.tail()}\n")

    def move_to(self, moment: datetime) -> None:
        """From now on the clock of every Celery process and command reads `moment`, and goes on from there."""
        self.clock.value = (moment - timezone.now()).total_seconds()

    def start(self, name: str, *, dies_at: Boundary | None = None, beats: dict[str, float] | None = None) -> Running:
        """The Procfile's process of this name. `beats` shortens entries of the schedule: name → seconds."""
        line = next(line for line in procfile() if line.startswith(f"{name}:"))
        return self._launch(name, shlex.split(line.partition(":")[2]), dies_at=dies_at, beats=beats or {})

    def run(self, *arguments: str) -> Running:
        """Any other program, with our environment; `manage.py` is one."""
        return self._launch(Path(arguments[0]).stem, list(arguments))

    def serve(self, port: int) -> Running:
        """The web process on this port of the loopback address, once somebody answers there."""
        line = next(line for line in procfile() if line.startswith("web:"))
        self.environment |= {"PORT": str(port), "HOST": "127.0.0.1"}
        web = self._launch("web", ["sh", "-c", f"exec {line.partition(':')[2]}"])
        wait_until(lambda: is_listening(port), what="the web process answers")
        return web

    def _launch(
        self, name: str, arguments: list[str], *, dies_at: Boundary | None = None, beats: dict[str, float] | None = None
    ) -> Running:
        log = self.folder / f"{len(self.all):02d}-{name}.log"
        log.touch()
        order = Order(arguments, self._environment(), log, self.clock, self.fuse, self._settings(beats or {}), dies_at)
        process = FORKS.Process(target=_become, args=[order], name=log.stem, daemon=True)
        process.start()
        self.all.append(Running(process, log))
        return self.all[-1]

    def _environment(self) -> dict[str, str]:
        here = {
            "DJANGO_SETTINGS_MODULE": "levqor.settings",
            "DEBUG": "true",
            "DATABASE_URL": database_url(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
            "STRIPE_SECRET_KEY": "",
        }
        return here | self.broker.environment | self.environment

    def _settings(self, beats: dict[str, float]) -> dict[str, Any]:
        table = {
            name: entry | ({"schedule": timedelta(seconds=beats[name])} if name in beats else {})
            for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
        }
        return {"CELERY_BEAT_SCHEDULE": table} | self.broker.settings | self.overrides


def procfile() -> list[str]:
    return (ROOT / "Procfile").read_text().splitlines()


def database_url() -> str:
    """The database of this test as another process opens it."""
    stored = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{stored['NAME']}"
    login = quote(stored["USER"], safe="") + (f":{quote(stored['PASSWORD'], safe='')}" if stored["PASSWORD"] else "")
    return f"postgres://{login}@{stored['HOST']}:{stored['PORT']}/{stored['NAME']}"


# In the forked process


def _become(order: Order) -> None:
    os.setsid()
    _die_with_the_parent()
    output = os.open(order.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(ROOT)
    os.environ |= order.environment
    if order.arguments[0] not in {"celery", "manage.py"}:
        os.execvpe(order.arguments[0], order.arguments, os.environ)
    _become_ours(order)


def _die_with_the_parent() -> None:
    """Where the test run itself is killed, nothing is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _become_ours(order: Order) -> None:
    """A program of Django's, in this interpreter: its clock can be moved, and it dies where it is told to."""
    clock, real_now = order.clock, timezone.now

    def shifted_now() -> datetime:
        return real_now() + timedelta(seconds=clock.value)

    timezone.now = shifted_now
    django.setup()
    for name, value in order.settings.items():
        setattr(settings, name, value)
    _arm_fuse(order.fuse)
    if order.dies_at:
        _arm_function(*order.dies_at)
    task_postrun.connect(_note_end)
    sys.argv = order.arguments
    if order.arguments[0] == "celery":
        importlib.import_module("celery.__main__").main()
    else:
        runpy.run_path(order.arguments[0], run_name="__main__")


def _note_end(task: Any = None, **kwargs: Any) -> None:
    sys.stdout.write(f"{ENDED} {task.name}\n")
    sys.stdout.flush()


def _arm_function(module_name: str, function: str, when: str) -> None:
    module = importlib.import_module(module_name)
    original = getattr(module, function)

    def dying(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            original(*args, **kwargs)
        if when == "alone":
            os.kill(os.getpid(), signal.SIGKILL)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    setattr(module, function, dying)


def _arm_fuse(fuse: Any) -> None:
    """A commit is that of an outermost transaction, or a writing statement outside of any."""
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]  # private, and the one place of all commits

    master = os.getpid()

    def burn() -> None:
        if fuse.value == NEVER or os.getpid() == master:
            return
        fuse.value = max(0, fuse.value - 1)
        if not fuse.value:
            os.kill(os.getpid(), signal.SIGKILL)

    def burning_commit(self: BaseDatabaseWrapper) -> None:
        commit(self)
        burn()

    def burning_execute(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and not context["connection"].in_atomic_block:
            burn()
        return result

    BaseDatabaseWrapper._commit = burning_commit  # type: ignore[attr-defined]
    connection_created.connect(lambda connection, **_: connection.execute_wrappers.append(burning_execute), weak=False)
