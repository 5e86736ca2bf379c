"""Many at the same moment: the count is exact, a key does its work once, no number is given out twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from levqor.guard import idempotency
from levqor.guard.idempotency import answer_once
from levqor.guard.limits import Limit, LimitReachedError, accept
from levqor.guard.models import IdempotentRequest, LimitSlot, ReferenceCounter
from levqor.guard.references import Series, next_reference
from levqor.guard.tests.test_idempotency import make_post
from testing.brokers import wait_until
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TEN = Limit("race.network", 10)
THREE = Limit("race.email", 3)


@pytest.fixture(autouse=True)
def _nothing_runs_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test swaps in the middle of a request stays in that test."""
    monkeypatch.setattr(idempotency, "_running", set())


def is_accepted(*takes: tuple[Limit, str], at: datetime = NOW) -> bool:
    try:
        accept(*takes, at=at)
    except LimitReachedError:
        return False
    return True


def test_of_forty_at_once_ten_are_accepted() -> None:
    assert sum(together(40, lambda _: is_accepted((TEN, "a")))) == 10
    assert LimitSlot.objects.count() == 10


def test_an_hour_later_ten_more_are_accepted_and_no_more() -> None:
    together(12, lambda _: is_accepted((TEN, "a")))

    assert sum(together(40, lambda _: is_accepted((TEN, "a"), at=NOW + timedelta(hours=1)))) == 10


def test_two_limits_taken_from_both_sides_neither_lock_nor_leak() -> None:
    def one(number: int) -> bool:
        takes = [(TEN, "network"), (THREE, f"person {number % 2}")]
        return is_accepted(*(takes if number % 4 < 2 else reversed(takes)))

    assert sum(together(24, one)) == 6
    # What the address refused was not left counted for the network.
    assert Counter(LimitSlot.objects.values_list("digest", flat=True))[TEN.digest("network")] == 6


def test_limits_held_by_open_transactions_are_exact_too() -> None:
    def one(number: int) -> bool:
        with transaction.atomic():
            is_in = is_accepted((TEN, "a"))
            # Every fourth piece of work fails after it was counted: its place must be free again.
            transaction.set_rollback(number % 4 == 0)
            return is_in and number % 4 != 0

    kept = sum(together(40, one))

    assert LimitSlot.objects.count() == kept <= 10


def test_of_twenty_equal_requests_at_once_one_works() -> None:
    done: list[int] = []

    def one(number: int) -> HttpResponse:
        def work() -> HttpResponse:
            done.append(number)
            return HttpResponse(next_reference(Series.DISPUTE, at=NOW), status=201)

        return answer_once(make_post(), work, at=timezone.now())

    answers = together(20, one)

    assert len(done) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert ReferenceCounter.objects.get().last_number == 1


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["in this process", "in another process"])
def test_however_slow_the_first_is_no_second_one_starts(monkeypatch: pytest.MonkeyPatch, *, is_elsewhere: bool) -> None:
    if is_elsewhere and connection.vendor == "sqlite":
        pytest.skip("SQLite lets the second one wait until the first is done")
    is_running, is_asked = Event(), Event()

    def slow() -> HttpResponse:
        is_running.set()
        assert is_asked.wait(20)
        return HttpResponse(next_reference(Series.DISPUTE, at=NOW), status=201)

    def one(number: int) -> HttpResponse:
        if number == 0:
            return answer_once(make_post(), slow, at=NOW)
        assert is_running.wait(20)
        try:
            if is_elsewhere:
                # As another process sees it: nothing of ours in its memory.
                monkeypatch.setattr(idempotency, "_running", set())
            return answer_once(make_post(), slow, at=NOW + timedelta(hours=1))
        finally:
            is_asked.set()

    assert [answer.status_code for answer in together(2, one)] == [201, 409]
    assert ReferenceCounter.objects.get().last_number == 1


def test_fifty_references_at_once_are_fifty_numbers_without_a_gap() -> None:
    references = together(50, lambda _: next_reference(Series.SLA_CLAIM, at=NOW))

    assert sorted(reference[9:15] for reference in references) == [f"{number:06d}" for number in range(1, 51)]


KILLED_AT_WORK = """
import os, signal, django
django.setup()
from datetime import datetime
from levqor.guard.idempotency import answer_once
from levqor.guard.references import Series, next_reference
from levqor.guard.tests.test_idempotency import NOW, make_post
def work():
    next_reference(Series.DISPUTE, at=NOW)
    os.kill(os.getpid(), signal.SIGKILL)
answer_once(make_post(), work, at=NOW)
"""


def test_a_process_killed_at_its_work_leaves_nothing_and_the_repeat_works() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "levqor.settings", "DATABASE_URL": database_url()}
    done = subprocess.run([sys.executable, "-c", KILLED_AT_WORK], env=environment, check=False, timeout=120)
    left = (done.returncode, IdempotentRequest.objects.count(), ReferenceCounter.objects.count())

    def is_answered() -> bool:
        return answer_once(make_post(), lambda: HttpResponse(status=201), at=NOW).status_code == 201

    assert left == (-signal.SIGKILL, 0, 0)
    # The server notices within milliseconds that nobody is at the other end of the line.
    wait_until(is_answered, seconds=60, what="the key is free")


def database_url() -> str:
    stored = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{stored['NAME']}"
    return f"postgres://{stored['USER']}@{stored['HOST']}:{stored['PORT']}/{stored['NAME']}"
