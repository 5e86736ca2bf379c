"""`make run` says in one line why it cannot start, and stops without cutting what runs."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import CannotStartError, dotenv, run
from testing.brokers import wait_until

# A worker and its child, as Celery's are: asked to stop, the worker waits for the child, which dies of any signal.
WORKER = """
import pathlib, signal, subprocess, sys
stop = []
signal.signal(signal.SIGTERM, lambda *args: stop.append(1))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5); open('ended', 'w')"])
pathlib.Path("began").touch()
child.wait()
"""
RUN = (
    "import sys, pathlib; from scripts.run import run_processes; sys.exit(run_processes(pathlib.Path(sys.argv[1]), 10))"
)


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dotenv, "ENV_FILE", tmp_path / ".env")
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("DEBUG", raising=False)


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "8000.5", "٨٠٠٠", "80 00", "9" * 30])
def test_a_port_that_is_none_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)

    with pytest.raises(CannotStartError, match="it takes a number from 1 to 65535"):
        run.wanted_port()


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.wanted_port() == 8000

    dotenv.ENV_FILE.write_text("PORT=8100\n")
    assert run.wanted_port() == 8100

    monkeypatch.setenv("PORT", " 8200 ")
    assert run.wanted_port() == 8200


def test_a_taken_port_is_said_with_another_to_take() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        with pytest.raises(CannotStartError, match=f"Port {port} is in use"):
            run.refuse_taken("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(CannotStartError, match=r"Nothing can listen on 192\.0\.2\.1"):
        run.refuse_taken("192.0.2.1", 8000)


def test_debug_off_is_no_laptop() -> None:
    dotenv.ENV_FILE.write_text("DEBUG=false\n")

    with pytest.raises(CannotStartError, match="Procfile"):
        run.refuse_production()


@pytest.mark.parametrize(
    "sent", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=[pytest.mark.proof, pytest.mark.alone])]
)
def test_stopping_waits_for_what_a_worker_runs(tmp_path: Path, sent: signal.Signals) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "Procfile").write_text(f"worker: {sys.executable} worker.py\nbeat: sleep 60\n")
    process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / "Procfile")], stdout=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "began").exists, what="the worker runs")

        os.kill(process.pid, sent)

        assert process.wait(20) == 0
        assert (tmp_path / "ended").exists()
    finally:
        process.kill()


@pytest.mark.parametrize("is_closed", [True, False], ids=["nobody reads on", "Ctrl-C at the first line"])
def test_it_stops_at_the_very_start_too(tmp_path: Path, is_closed: bool) -> None:
    (tmp_path / "Procfile").write_text("".join(f"sleeper{number}: sleep 60\n" for number in range(5)))
    command = [sys.executable, "-c", RUN, str(tmp_path / "Procfile")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            # The others may not have started yet.
            assert process.stdout is not None
            assert process.stdout.readline()
            if is_closed:
                process.stdout.close()
            else:
                os.kill(process.pid, signal.SIGINT)

            assert process.wait(20) == 0
        finally:
            process.kill()
