"""What the tests of real outages share: web, worker and beat as a stranger meets them, and ways to harm them."""

import http.client
import json
import os
import re
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from testing.brokers import OwnRedis, free_port, wait_until
from testing.databases import OwnPostgres, children_of
from testing.processes import Processes, Running

# The contract's bar is 1.2 seconds. A machine that is busy with other tests gets more; what hangs takes five and longer.
PATIENCE = 4
# The Procfile gives the web process sixteen threads. What is asked for is in no snapshot, and must be looked up.
CROWD = 20


class Held(NamedTuple):
    """What a process holds on to: its threads, and its lines to one port."""

    threads: int
    lines: int


@dataclass
class Web:
    """The web process under test, as a stranger asks it."""

    port: int
    running: Running

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()

    def page(self) -> str:
        status, body = self.ask("/status")
        assert status == 200
        return body

    def json(self, path: str) -> dict[str, Any]:
        status, body = self.ask(path)
        assert status == 200
        found: dict[str, Any] = json.loads(body)
        return found

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.ask("/api/status/health")
        return status, json.loads(body)

    def crowd(self, path: str) -> list[threading.Thread]:
        """More people than the process has threads, who all ask for a page that needs the database."""
        everybody = [threading.Thread(target=self._insist, args=[path], daemon=True) for _ in range(CROWD)]
        for one in everybody:
            one.start()
        return everybody

    def _insist(self, path: str) -> None:
        # What becomes of them is not the question here; the last are cut off with the process.
        with suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120).read()

    def holds(self, port: int) -> Held:
        """What the process that serves, a child of Granian's first, holds on to now; `port` is the other end's."""
        pid = children_of(self.running.pid)[0]
        threads = re.search(r"^Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        assert threads
        open_files = set[str]()
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                open_files.add(str(file.readlink()))
        lines = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ours = [row for row in lines if row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in open_files]
        return Held(int(threads[1]), len(ours))

    def shows(self, text: str) -> bool:
        try:
            return text in self.page()
        except OSError:
            return False


@dataclass
class World:
    """Everything that runs, on one database and one broker."""

    processes: Processes
    database: OwnPostgres
    redis: OwnRedis
    web: Web
    worker: Running
    beat: Running

    def serve(self, **environment: str) -> Web:
        """Another web process on the same folder, as after a restart."""
        self.processes.environment |= environment
        port = free_port()
        web = Web(port, self.processes.serve(port))
        wait_until(lambda: web.shows("Levqor status"), what="the page is served")
        return web

    def sql(self, statement: str) -> list[Any]:
        """What the database says, asked beside all processes."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def age_signs(self, seconds: int) -> None:
        """As if so much time had gone by since the last signs of life. Who is alive leaves new ones at once."""
        names = "'beat', 'published', 'worker', 'canary:celery'"
        self.sql(f"UPDATE status_stamp SET at = at - interval '{seconds} seconds' WHERE name IN ({names})")


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stopped where they stand, without a word to anybody."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
