"""The second `make run` loads no Django where nothing is to be done, and does where something is."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import CannotStartError, dotenv, readiness


@pytest.fixture(autouse=True)
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Each preparation that is done, in place of doing it."""
    done: list[str] = []

    def fake_run(command: list[str], **options: Any) -> SimpleNamespace:
        done.append(command[-1])
        return SimpleNamespace(returncode=0, stdout="admin@levqor.test\n")

    monkeypatch.setattr(dotenv, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(readiness, "NOTE", tmp_path / "ready.json")
    monkeypatch.setattr(readiness, "present_state", lambda: [27, 1, "password", "one/migrations/0001.py"])
    monkeypatch.setattr(subprocess, "run", fake_run)
    return done


def test_the_second_start_has_nothing_to_do(prepared: list[str]) -> None:
    assert readiness.make_ready() == "admin@levqor.test\n"
    assert readiness.make_ready() == "admin@levqor.test\n"

    assert prepared == ["scripts.prepare"]
    assert readiness.NOTE.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("state", [[], [27, 0, "password", "one/migrations/0001.py"], [27, 1, "password"]])
def test_whatever_changed_is_prepared_again(monkeypatch: pytest.MonkeyPatch, prepared: list[str], state: Any) -> None:
    readiness.make_ready()
    monkeypatch.setattr(readiness, "present_state", lambda: state)

    readiness.make_ready()

    assert len(prepared) == 2


def test_a_spoilt_note_is_no_note(prepared: list[str]) -> None:
    readiness.make_ready()
    readiness.NOTE.write_text('{"state"')

    readiness.make_ready()

    assert len(prepared) == 2


def test_a_preparation_that_fails_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: SimpleNamespace(returncode=1, stdout=""))

    with pytest.raises(CannotStartError, match="could not be made ready"):
        readiness.make_ready()
