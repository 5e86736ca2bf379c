"""Business days and business hours in London: when a promise falls due, and how much of its time has passed.

A business day is Monday to Friday without the bank holidays of England and Wales (the `holidays` package, `subdiv="ENG"`:
without a subdivision it leaves out Easter Monday and the August holiday). What arrives on another day, or after 17:00:00,
counts as arrived on the next business day, which is day 0. A promise for a day holds until 17:00 of that day.

Business hours, 09:00 to 17:00, are the clock of everything finer: warnings at a share of the time, and pauses, which move a
promise by as much business time as they took. Pure functions of times; every moment that comes in is aware, every moment
that goes out is in UTC.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from typing import Final
from zoneinfo import ZoneInfo

import holidays

LONDON: Final = ZoneInfo("Europe/London")
OPENS: Final = time(9)
CLOSES: Final = time(17)
DAY_SECONDS: Final = 8 * 3600
# Kept beside each stored promise, so that a later table of holidays explains why it would give another day.
CALENDAR_VERSION: Final = f"holidays {version('holidays')}"


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """Those of England and Wales."""
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in bank_holidays(day.year)


def business_day_from(day: date) -> date:
    """The day itself, or the next that is a business day."""
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def arrival_day(at: datetime) -> date:
    """Day 0 of whatever arrived at this moment."""
    local = at.astimezone(LONDON)
    is_too_late = local.time() > CLOSES
    return business_day_from(local.date() + timedelta(days=is_too_late))


def business_days_after(day: date, number: int) -> date:
    """The business day so many after `day`, which is one itself."""
    for _ in range(number):
        day = business_day_from(day + timedelta(days=1))
    return day


def opening(day: date) -> datetime:
    return datetime.combine(day, OPENS, LONDON).astimezone(UTC)


def closing(day: date) -> datetime:
    """The moment until which a promise for this day holds."""
    return datetime.combine(day, CLOSES, LONDON).astimezone(UTC)


def is_open(at: datetime) -> bool:
    """True within business hours."""
    day = at.astimezone(LONDON).date()
    return is_business_day(day) and opening(day) <= at < closing(day)


def next_open(at: datetime) -> datetime:
    """The moment itself within business hours, else the next opening."""
    if is_open(at):
        return at
    day = at.astimezone(LONDON).date()
    if at >= opening(day):
        day += timedelta(days=1)
    return opening(business_day_from(day))


def business_seconds(start: datetime, end: datetime) -> float:
    """The business time between two moments; 0 where `end` is not after `start`."""
    total = 0.0
    day, last = start.astimezone(LONDON).date(), end.astimezone(LONDON).date()
    while day <= last:
        if is_business_day(day):
            total += max(0.0, (min(end, closing(day)) - max(start, opening(day))).total_seconds())
        day += timedelta(days=1)
    return total


def add_business_seconds(start: datetime, seconds: float) -> datetime:
    """The first moment by which so much business time has passed since `start`."""
    if seconds <= 0:
        return start
    at = next_open(start)
    while (left_today := (closing(at.astimezone(LONDON).date()) - at).total_seconds()) < seconds:
        seconds -= left_today
        at = next_open(at + timedelta(seconds=left_today))
    return at + timedelta(seconds=seconds)
