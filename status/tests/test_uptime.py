"""Uptime by intervals: overlaps merged, maintenance out, no data no data, rounded down."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from status.component_states import SEVERITY, ComponentState
from status.tests.make import NOON
from status.uptime import Span, Window, merged, month_span, percent, segments, total, totals_by_day

END = NOON + timedelta(hours=1)
UP, PARTIAL, MAJOR = ComponentState.OPERATIONAL, ComponentState.PARTIAL, ComponentState.MAJOR


def span(first: int, last: int, state: ComponentState) -> Span:
    """From and to in minutes after noon."""
    return Span(NOON + timedelta(minutes=first), NOON + timedelta(minutes=last), state)


def window(first: int, last: int) -> Window:
    return Window(NOON + timedelta(minutes=first), NOON + timedelta(minutes=last))


def totals(spans: list[Span], windows: list[Window] | None = None):  # type: ignore[no-untyped-def]
    return total(segments(NOON, END, spans, windows or []))


def test_overlapping_outages_count_once_and_by_the_worst() -> None:
    found = totals([span(0, 60, UP), span(10, 30, PARTIAL), span(20, 40, MAJOR)])

    assert (found.partial, found.major, found.measured) == (600, 1200, 3600)


def test_a_partial_outage_weighs_three_tenths() -> None:
    assert totals([span(0, 60, PARTIAL)]).uptime == pytest.approx(0.7)


def test_what_nobody_measured_is_in_no_figure() -> None:
    found = totals([span(0, 10, UP)])

    assert (found.measured, found.uptime) == (600, 1.0)


def test_without_any_measurement_there_is_no_figure() -> None:
    assert totals([]).uptime is None


def test_maintenance_is_left_out() -> None:
    found = totals([span(0, 60, UP), span(0, 30, MAJOR)], [window(0, 20)])

    assert (found.maintenance, found.measured, found.major) == (1200, 2400, 600)


@pytest.mark.parametrize(("uptime", "shown"), [(1.0, "100.00"), (0.99999, "99.99"), (0.99985, "99.98"), (None, "")])
def test_a_figure_is_rounded_down_and_never_up(uptime: float | None, shown: str) -> None:
    assert percent(uptime) == shown


def test_a_night_is_cut_at_midnight_utc() -> None:
    late = datetime(2026, 3, 4, 23, 50, tzinfo=UTC)
    pieces = segments(late, late + timedelta(minutes=20), [Span(late, late + timedelta(minutes=20), MAJOR)], [])

    days = totals_by_day(pieces)

    assert {day: found.major for day, found in days.items()} == {date(2026, 3, 4): 600, date(2026, 3, 5): 600}


@pytest.mark.parametrize(("month", "days"), [(date(2026, 2, 17), 28), (date(2026, 12, 1), 31), (date(2028, 2, 1), 29)])
def test_a_month_is_a_utc_calendar_month(month: date, days: int) -> None:
    start, end = month_span(month)

    assert (start.day, end - start) == (1, timedelta(days=days))


minutes = st.integers(0, 59)
spans = st.lists(st.tuples(minutes, st.integers(1, 30), st.sampled_from(list(ComponentState))), max_size=8)


@given(spans, st.lists(st.tuples(minutes, st.integers(1, 30)), max_size=3))
def test_it_agrees_with_counting_minute_by_minute(rows, holes) -> None:  # type: ignore[no-untyped-def]
    known = [span(first, first + length, state) for first, length, state in rows]
    windows = [window(first, first + length) for first, length in holes]

    found = total(merged(segments(NOON, END, known, windows)))

    expected = [0, 0, 0]
    for number in range(60):
        states = [state for first, length, state in rows if first <= number < first + length]
        if states and not any(first <= number < first + length for first, length in holes):
            worst = max(states, key=SEVERITY.__getitem__)
            expected[0] += 60
            expected[1] += 60 * (worst == PARTIAL)
            expected[2] += 60 * (worst == MAJOR)
    assert [found.measured, found.partial, found.major] == expected
