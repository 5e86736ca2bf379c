"""A database that is away is waited for by one at a time, and a connection on which somebody waits can be cut."""

import socket
import threading
from weakref import WeakSet

import psycopg
import pytest

from levqor.lib.postgres import base
from levqor.lib.postgres.base import Reach, cut_connections


def refuse() -> None:
    raise psycopg.OperationalError("Nobody is there.")


def fail(reach: Reach) -> None:
    with pytest.raises(psycopg.OperationalError, match="Nobody"), reach.attempt():
        refuse()


def test_after_a_failure_nobody_waits_for_the_next_one() -> None:
    reach = Reach()
    fail(reach)

    with pytest.raises(psycopg.OperationalError, match="a moment ago"), reach.attempt():
        pytest.fail("It was tried again at once.")


def test_after_a_pause_one_tries_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reach = Reach()
    fail(reach)
    monkeypatch.setattr(base, "PAUSE_SECONDS", 0.0)

    with reach.attempt(), pytest.raises(psycopg.OperationalError, match="a moment ago"), reach.attempt():
        pytest.fail("Two tried at once.")


def test_one_that_gets_through_opens_the_way_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    reach = Reach()
    fail(reach)
    monkeypatch.setattr(base, "PAUSE_SECONDS", 0.0)
    with reach.attempt():
        pass
    monkeypatch.setattr(base, "PAUSE_SECONDS", 60.0)

    with reach.attempt(), reach.attempt():
        pass


def test_while_all_is_well_any_number_connects_at_once() -> None:
    reach = Reach()

    with reach.attempt(), reach.attempt(), reach.attempt():
        pass


def test_who_waits_on_a_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = socket.socket()
    gone.close()
    heard: list[bytes] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(base, "_made", WeakSet([ours, gone]))
        waiting = threading.Thread(target=lambda: heard.append(ours.recv(1)), daemon=True)
        waiting.start()

        assert cut_connections() == 1
        waiting.join(10)
        assert (heard, theirs.recv(1)) == ([b""], b"")
