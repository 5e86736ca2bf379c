"""`make run`: prepares a laptop once, then runs web, worker and beat together until Ctrl-C."""

import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from honcho import manager as honcho
from honcho.printer import Printer

from scripts import ROOT, CannotStartError, dotenv, readiness

# What Honcho reports after SIGINT and SIGTERM.
STOPPED_BY_HAND = {130, 143}
# A task that runs when Ctrl-C is pressed gets so long to end; what is cut off then is taken up at the next start.
SECONDS_TO_STOP = 25


def main() -> int:
    # Until the processes run, nobody reading on ends it silently, as it ends any tool in a pipe.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.chdir(ROOT)
    try:
        port, host = wanted_port(), os.environ.get("HOST") or "127.0.0.1"
        refuse_taken(host, port)
        dotenv.fill(port)
        refuse_production()
        os.environ |= {"PORT": str(port), "HOST": host, "PYTHONUNBUFFERED": "1"}
        os.environ["PATH"] = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        logins = readiness.make_ready()
    except CannotStartError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    threading.Thread(target=announce, args=[port, logins], daemon=True).start()
    return run_processes(ROOT / "Procfile")


def wanted_port() -> int:
    """PORT of the environment, else of `.env`, else 8000."""
    value = (os.environ.get("PORT") or dotenv.values_of(dotenv.read_lines()).get("PORT") or "8000").strip()
    if not (value.isascii() and value.isdigit() and len(value) < 6 and 0 < int(value) < 65536):
        raise CannotStartError(f"PORT is {value!r}; it takes a number from 1 to 65535, as in: PORT=8001 make run")
    return int(value)


def refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        is_taken = probe.connect_ex(("127.0.0.1", port)) == 0
    if is_taken:
        other = port + 1 if port < 65535 else 8000
        raise CannotStartError(
            f"Port {port} is in use by another program. Stop that one, or run: PORT={other} make run"
        )
    with socket.socket() as probe:
        # A port that a server has just left counts as free, as it does for the web process.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStartError(f"Nothing can listen on {host}, port {port}, here: {error.strerror}.") from error


def refuse_production() -> None:
    """With DEBUG off there is no demo data, and pages want their static files collected: that is another start."""
    value = os.environ.get("DEBUG") or dotenv.values_of(dotenv.read_lines())["DEBUG"]
    if value.lower() in {"false", "no", "off", "0"}:
        raise CannotStartError(
            "DEBUG is off, as in production, and `make run` is for a laptop: set DEBUG=true in .env, "
            "or start the three lines of the Procfile yourself (README.md, In production)."
        )


class Signals(honcho.ProcessManager):  # type: ignore[misc]  # Honcho has no types
    """Ends a process by asking it alone: Honcho asks its children as well, and a worker's are then cut in their tasks."""

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class Manager(honcho.Manager):  # type: ignore[misc]  # Honcho has no types
    """Stops when all have started, if asked before: Honcho's own would fail at the first of which it has not heard yet, and
    leave the others running."""

    is_asked_to_stop = False

    def terminate(self) -> None:
        self.is_asked_to_stop = True
        if self._all_started():
            super().terminate()

    def _any_stopped(self) -> bool:
        return self.is_asked_to_stop or bool(super()._any_stopped())


class Output:
    """The standard output for as long as somebody reads it; after that all stops, as after Ctrl-C."""

    def write(self, text: str) -> None:
        self._try(lambda: sys.stdout.write(text))

    def flush(self) -> None:
        self._try(sys.stdout.flush)

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    @staticmethod
    def _try(deed: Callable[[], object]) -> None:
        try:
            deed()
        except BrokenPipeError:
            stop_without_a_terminal()


def run_processes(procfile: Path, seconds_to_stop: int = SECONDS_TO_STOP) -> int:
    """Runs the lines of the file until somebody stops them; 0 after Ctrl-C, 1 where a process died by itself."""
    honcho.KILL_WAIT = seconds_to_stop
    manager = Manager(printer=Printer(Output()))
    manager._procmgr = Signals()
    for line in procfile.read_text().splitlines():
        name, command = line.split(":", 1)
        # In place of the shell that Honcho starts it with, so that signals reach it.
        manager.add_process(name, f"exec {command.strip()}", cwd=str(procfile.parent))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, stop_without_a_terminal)
    manager.loop()
    if manager.returncode in STOPPED_BY_HAND:
        print("Levqor has stopped.", file=Output(), flush=True)
        return 0
    print("A process ended by itself, so all were stopped; its last lines above say why.", file=Output(), flush=True)
    return 1


def stop_without_a_terminal(signum: int = signal.SIGPIPE, frame: FrameType | None = None) -> None:
    """The window was closed, or the pipe: all stops as after Ctrl-C, and nothing more can be said."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    os.kill(os.getpid(), signal.SIGTERM)


def announce(port: int, logins: str) -> None:
    """Says where to go and how to sign in, as soon as the web process answers; waits for as long as that takes."""
    address = f"http://localhost:{port}"
    while not answers(address):
        time.sleep(0.2)
    shown = "".join(f"  {line}\n" for line in logins.splitlines())
    print(
        f"\n  Levqor runs at {address}\n  Back office: {address}/admin/\n  Mails: var/mail/\n{shown}  Stop with Ctrl-C.\n",
        file=Output(),
        flush=True,
    )


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
