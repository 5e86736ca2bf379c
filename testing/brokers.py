"""Brokers that belong to one test, empty at its start: a Redis server on a port of its own, or a folder."""

import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from celery import Celery


class OwnBroker(ABC):
    """What processes and tests need to know of either kind."""

    url: str
    environment: dict[str, str]
    settings: dict[str, Any]

    def publish(self, *tasks: str) -> None:
        """Puts these tasks into the queue that workers read."""
        with Celery(broker=self.url, set_as_current=False) as app:
            app.conf.broker_transport_options = self.settings.get("CELERY_BROKER_TRANSPORT_OPTIONS", {})
            for task in tasks:
                app.send_task(task, ignore_result=True, retry=False)

    @abstractmethod
    def forget(self) -> None:
        """Loses every message, as FLUSHALL does."""

    @abstractmethod
    def stop(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


class OwnRedis(OwnBroker):
    """A Redis server that keeps nothing on disk, so that a restart forgets everything as well."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.environment = {"REDIS_URL": self.url}
        self.settings = {}
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        wait_until(self.answers, seconds=10, what="redis-server answers")

    @property
    def pid(self) -> int:
        return self._server.pid if self._server else 0

    def stop(self) -> None:
        if self._server:
            self._server.kill()
            self._server.wait()
        self._server = None

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def forget(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()


class OwnFolder(OwnBroker):
    """The broker of the embedded default, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = "filesystem://localhost"
        self.environment = {"REDIS_URL": ""}
        queue, control = str(folder / "queue"), str(folder / "control")
        options: dict[str, Any] = {"data_folder_in": queue, "data_folder_out": queue, "control_folder": control}
        self.settings = {
            "CELERY_BROKER_TRANSPORT_OPTIONS": options | {"store_processed": False, "polling_interval": 0.1}
        }
        for name in (queue, control):
            Path(name).mkdir(parents=True)

    def forget(self) -> None:
        for message in (self.folder / "queue").iterdir():
            message.unlink(missing_ok=True)

    def stop(self) -> None:
        shutil.rmtree(self.folder)


def free_port() -> int:
    """A port of the loopback address on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    condition: Callable[[], object],
    *,
    seconds: float = 60,
    what: str = "",
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Returns as soon as the condition holds; fails where it does not hold in time. What is to be done `meanwhile` is
    done at once and again every second, as beat does."""
    began = last = time.monotonic()
    if meanwhile:
        meanwhile()
    while not condition():
        now = time.monotonic()
        if now - began > seconds:
            raise AssertionError(f"After {seconds:g} s it is still not so: {what or condition}")
        if meanwhile and now - last > 1:
            meanwhile()
            last = now
        time.sleep(0.05)
