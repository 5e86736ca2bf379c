from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from levqor.lib.passes import PassClock, is_database_away

BROKEN = OperationalError("server closed the connection unexpectedly")
AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def test_the_clock_of_a_pass_goes_on_from_where_it_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = PassClock(AT)
    assert clock.now() == AT

    monkeypatch.setattr(PassClock, "seconds", 90.7)

    assert clock.now() == AT + timedelta(seconds=90)


@pytest.mark.django_db
def test_a_database_that_answers_is_not_away() -> None:
    assert not is_database_away(BROKEN)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has no server that could cut a connection")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_alone_is_made_anew() -> None:
    connection.ensure_connection()
    connection.connection.close()

    assert not is_database_away(BROKEN)
    assert connection.is_usable()


def test_a_database_that_cannot_be_reached_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(connection, "is_usable", lambda: False)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(connection, "ensure_connection", refuse)

    assert is_database_away(BROKEN)


def test_an_error_that_is_no_databases_asks_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "is_usable", lambda: False)

    assert not is_database_away(ValueError("of one row"))
