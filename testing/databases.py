"""A PostgreSQL server that belongs to one test: started, stopped, frozen and thawed on a port of its own.

with OwnPostgres() as database:
    database.freeze()   # connections are taken and nothing is answered
    database.thaw()
    database.stop()     # connections are refused

`python -m testing.databases make test` runs a command on such a server, which is gone afterwards with all that was in it.
Nothing of it is written through to the disk, so that a suite, which makes and drops much, takes half the time.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from testing.brokers import free_port, wait_until

# Debian keeps the server's programs beside the PATH, one folder a version.
ELSEWHERE = "/usr/lib/postgresql/*/bin"
NOTHING_IS_KEPT = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def server_programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL is not installed here."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/").glob(ELSEWHERE.lstrip("/")), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "postgres").exists()), None)


class OwnPostgres:
    def __init__(self) -> None:
        programs = server_programs()
        if programs is None:
            raise FileNotFoundError("PostgreSQL's server programs (initdb, postgres) are not installed here.")
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="levqor-postgres-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            self._as = {"user": "postgres", "group": "postgres"}
            shutil.chown(self._folder, "postgres", "postgres")
        self.port = free_port()
        self.url = f"postgres://levqor@127.0.0.1:{self.port}/postgres"
        self._server: subprocess.Popen[bytes] | None = None
        self._call("initdb", "-D", str(self._data), "-U", "levqor", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def log(self) -> Path:
        return self._folder / "server.log"

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self._folder, **self._as
        )

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options["max_connections"] = "200"
        settings = [word for name, value in (options | NOTHING_IS_KEPT).items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *settings],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as,
            )
        try:
            wait_until(self.answers, seconds=30, what="PostgreSQL answers")
        except BaseException:
            # Nobody holds this object yet who could stop the server.
            self.stop()
            raise

    def stop(self) -> None:
        """At once, without waiting for anybody: what a crash of the machine leaves."""
        if self._server:
            self.thaw()
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(30)
        self._server = None

    def freeze(self) -> None:
        """Nothing is answered any more; the kernel goes on taking connections, so that nobody is refused."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is None:
            return
        for pid in [self._server.pid, *children_of(self._server.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def children_of(pid: int) -> list[int]:
    """The processes that this one has started; Linux alone keeps such a list."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def run_on_own_server(command: list[str]) -> int:
    """Its exit status. A SIGTERM ends the server too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with OwnPostgres() as server:
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": server.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(run_on_own_server(sys.argv[1:]))
