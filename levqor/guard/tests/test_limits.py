from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from levqor.guard.limits import Limit, LimitReachedError, accept, check, seconds_left
from levqor.guard.models import LimitSlot
from levqor.guard.tasks import prune_guard

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
THREE = Limit("test.three", 3)


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def accepted(limit: Limit, key: str, *moments: float) -> list[bool]:
    outcomes = []
    for moment in moments:
        try:
            accept((limit, key), at=minutes(moment))
        except LimitReachedError:
            outcomes.append(False)
        else:
            outcomes.append(True)
    return outcomes


def test_what_is_over_the_limit_is_refused() -> None:
    assert accepted(THREE, "a", 0, 1, 2, 3) == [True, True, True, False]


def test_no_hour_holds_more_than_the_limit_wherever_it_begins() -> None:
    # A count that starts anew with the clock hour, or with the first event, would take six within ten minutes.
    assert accepted(THREE, "a", 0, 58, 59, 60, 61, 62, 118) == [True, True, True, True, False, False, True]


def test_a_refusal_says_when_the_next_is_possible() -> None:
    accepted(THREE, "a", 0, 1, 2)

    with pytest.raises(LimitReachedError) as refusal:
        accept((THREE, "a"), at=minutes(10))

    assert refusal.value.retry_after == 50 * 60
    assert accepted(THREE, "a", 60) == [True]


def test_refused_events_do_not_count() -> None:
    accepted(THREE, "a", 0, 1, 2, *[30] * 20)

    assert accepted(THREE, "a", 60) == [True]


def test_keys_and_limits_are_counted_apart_and_case_is_not() -> None:
    accepted(THREE, "Ada@example.com", 0, 0, 0)

    assert accepted(THREE, "ada@EXAMPLE.com", 1) == [False]
    assert accepted(THREE, "bob@example.com", 1) == [True]
    assert accepted(Limit("test.other", 3), "ada@example.com", 1) == [True]


def test_of_two_limits_both_or_none_are_counted() -> None:
    one = Limit("test.one", 1)
    accept((one, "a"), at=NOW)

    with pytest.raises(LimitReachedError):
        accept((THREE, "network"), (one, "a"), at=NOW)

    assert accepted(THREE, "network", 0, 0, 0) == [True, True, True]


def test_looking_counts_nothing() -> None:
    for _ in range(5):
        check((THREE, "a"), at=NOW)
    accepted(THREE, "a", 0, 0, 0)

    with pytest.raises(LimitReachedError):
        check((THREE, "a"), at=NOW)


def test_work_that_is_rolled_back_gives_its_place_back() -> None:
    with transaction.atomic():
        accept((THREE, "a"), at=NOW)
        transaction.set_rollback(True)

    assert accepted(THREE, "a", 0, 0, 0) == [True, True, True]


def test_a_limit_of_none_accepts_none() -> None:
    none = Limit("test.none", 0)

    assert accepted(none, "a", 0) == [False]
    assert seconds_left(none, "a", at=NOW) == 3600


def test_the_table_holds_no_address() -> None:
    accept((THREE, "ada@example.com"), at=NOW)

    assert "ada" not in LimitSlot.objects.get().digest


def test_pruning_forgets_what_no_longer_counts() -> None:
    accepted(THREE, "old", 0)
    accepted(THREE, "young", 1)

    prune_guard(at=minutes(60))

    assert LimitSlot.objects.count() == 1
