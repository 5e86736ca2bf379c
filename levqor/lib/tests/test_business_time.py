"""Business days in London, against the contract's examples and an oracle that counts minute by minute."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levqor.lib import business_time
from levqor.lib.business_time import (
    LONDON,
    add_business_seconds,
    arrival_day,
    bank_holidays,
    business_days_after,
    business_seconds,
    closing,
    is_business_day,
    is_open,
    next_open,
)

# gov.uk/bank-holidays, England and Wales, typed in from its published list and independent of the package.
PUBLISHED = {
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
}


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_bank_holidays_are_those_that_the_government_published(year: int) -> None:
    published = {date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year].split()}

    assert {day for day in bank_holidays(year) if day.weekday() < 5} == published


@pytest.mark.parametrize(
    ("arrived", "days", "due"),
    [
        ("2026-12-23T10:00", 5, "2027-01-04"),
        ("2026-12-23T10:00", 7, "2027-01-06"),
        ("2026-11-21T12:00", 5, "2026-11-30"),
        ("2026-11-21T12:00", 7, "2026-12-02"),
        ("2026-04-01T09:00", 5, "2026-04-10"),
        ("2026-11-25T17:00:00", 1, "2026-11-26"),
        ("2026-11-25T17:00:01", 1, "2026-11-27"),
        ("2026-11-27T17:00:01", 1, "2026-12-01"),
        ("2026-11-25T00:00", 0, "2026-11-25"),
    ],
)
def test_a_promise_is_counted_in_business_days(arrived: str, days: int, due: str) -> None:
    assert business_days_after(arrival_day(london(arrived)), days) == date.fromisoformat(due)


def test_the_hour_is_london_s_in_summer_as_well() -> None:
    assert arrival_day(datetime(2026, 7, 1, 16, 30, tzinfo=UTC)) == date(2026, 7, 2)
    assert arrival_day(datetime(2026, 12, 1, 16, 30, tzinfo=UTC)) == date(2026, 12, 1)


def test_a_pause_over_a_night_costs_one_business_day() -> None:
    paused = business_seconds(london("2026-11-24T10:00"), london("2026-11-25T10:00"))

    assert paused == business_time.DAY_SECONDS
    assert add_business_seconds(closing(date(2026, 11, 27)), paused) == closing(date(2026, 11, 30))


def test_nobody_is_warned_at_night_or_on_a_holiday() -> None:
    assert next_open(london("2026-12-24T18:00")) == london("2026-12-29T09:00")
    assert next_open(london("2026-11-25T08:59")) == london("2026-11-25T09:00")
    assert next_open(london("2026-11-25T12:00")) == london("2026-11-25T12:00")


MINUTES = 6 * 365 * 24 * 60
MOMENTS = st.integers(0, MINUTES).map(lambda passed: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=passed))


@settings(max_examples=200, deadline=None)
@given(start=MOMENTS, minutes=st.integers(0, 12_000))
def test_business_time_is_what_counting_open_minutes_gives(start: datetime, minutes: int) -> None:
    counted = sum(is_open_by_the_wall_clock(start + timedelta(minutes=passed)) for passed in range(minutes))

    assert business_seconds(start, start + timedelta(minutes=minutes)) == counted * 60


@settings(max_examples=200, deadline=None)
@given(start=MOMENTS, seconds=st.integers(1, 40 * 3600))
def test_adding_business_time_is_undone_by_measuring_it(start: datetime, seconds: int) -> None:
    end = add_business_seconds(start, seconds)

    assert business_seconds(start, end) == pytest.approx(seconds)
    assert is_open(end - timedelta(microseconds=1))


def is_open_by_the_wall_clock(moment: datetime) -> bool:
    local = moment.astimezone(LONDON)
    return 9 <= local.hour < 17 and is_business_day(local.date())
