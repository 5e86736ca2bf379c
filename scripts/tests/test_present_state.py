"""The state that decides about preparing follows the database, the migrations and the libraries."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scripts import dotenv, readiness


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(dotenv, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(readiness, "DATABASE", tmp_path / "levqor.db")
    monkeypatch.setattr(readiness, "PASSWORD", tmp_path / "demo-password")
    readiness.PASSWORD.write_text("secret")
    with closing(sqlite3.connect(readiness.DATABASE)) as database:
        database.executescript("CREATE TABLE django_migrations (name); CREATE TABLE accounts_user (email);")
        yield database


def test_it_follows_what_is_in_the_database(database: sqlite3.Connection) -> None:
    first = readiness.present_state()
    assert first[:2] == [0, 0]
    assert "billing/migrations/0001_billing.py" in first

    database.execute("INSERT INTO accounts_user VALUES ('customer@levqor.test')")
    database.commit()

    assert readiness.present_state()[:2] == [0, 1]


def test_without_a_database_it_is_unknown() -> None:
    readiness.DATABASE.unlink()

    assert readiness.present_state() == []


def test_of_a_database_server_it_is_unknown() -> None:
    dotenv.ENV_FILE.write_text("DATABASE_URL=postgres://db/levqor\n")

    assert readiness.present_state() == []
