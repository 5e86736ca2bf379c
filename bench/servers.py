"""The servers under test: each one Granian process, started by the very line of the Procfile."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


def procfile_line(application: str) -> str:
    """The production command for `web`, for another application."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    return f"exec {lines['web'].replace('levqor.wsgi:application', application)}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(application: str, *, variables: Mapping[str, str], log: Path, python: Path) -> Iterator[int]:
    """Serves the WSGI application for as long as the block runs, and gives its port."""
    port = free_port()
    extra = {"PORT": str(port), "HOST": "127.0.0.1", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["sh", "-c", procfile_line(application)],
            cwd=ROOT,
            env={**os.environ, **variables, **extra},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(port, process)
        yield port
    except (OSError, RuntimeError) as error:
        error.add_note(f"The servers' last words:\n{log.read_text(errors='replace')[-3000:]}")
        raise
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("A server did not start.")
