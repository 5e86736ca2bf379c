"""Uptime by intervals: what counts as down, what is left out, and what nobody measured. Pure functions of times.

The rule, published with the figures: of each moment the worst state counts; a major outage weighs 1 and a partial one 0.3;
maintenance that was announced 48 hours ahead is left out; time without a measurement is no data and in no figure.

    uptime = 1 − (major + 0.3 · partial) / measured
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise

from status.component_states import SEVERITY, WEIGHTS, ComponentState


@dataclass(frozen=True)
class Span:
    """A state from `start` to `end`, from a probe or from an incident."""

    start: datetime
    end: datetime
    state: ComponentState


@dataclass(frozen=True)
class Window:
    """Maintenance that is left out."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Segment:
    """A stretch in which nothing changes. `state` is None where nothing was measured."""

    start: datetime
    end: datetime
    state: ComponentState | None
    is_maintenance: bool

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Totals:
    """Seconds of a span: measured ones outside of maintenance, of these the down ones, and what is left out."""

    measured: float = 0.0
    partial: float = 0.0
    major: float = 0.0
    maintenance: float = 0.0

    @property
    def down(self) -> float:
        """Weighted seconds of downtime."""
        return self.major * WEIGHTS[ComponentState.MAJOR] + self.partial * WEIGHTS[ComponentState.PARTIAL]

    @property
    def uptime(self) -> float | None:
        """The share of the measured time that counts as up, 0 to 1; None where nothing was measured."""
        return 1 - self.down / self.measured if self.measured else None

    def plus(self, other: "Totals") -> "Totals":
        return Totals(
            self.measured + other.measured,
            self.partial + other.partial,
            self.major + other.major,
            self.maintenance + other.maintenance,
        )


def segments(start: datetime, end: datetime, spans: Iterable[Span], windows: Iterable[Window]) -> Iterator[Segment]:
    """Cuts `start` to `end` wherever anything changes; overlapping spans are merged to the worst of them."""
    spans = [span for span in spans if span.start < end and span.end > start]
    windows = [window for window in windows if window.start < end and window.end > start]
    edges = [(span.start, span.end) for span in spans] + [(window.start, window.end) for window in windows]
    cuts = {start, end} | {max(left, start) for left, _ in edges} | {min(right, end) for _, right in edges}
    starting = sorted(spans, key=lambda span: span.start)
    active: list[Span] = []
    ordered = sorted(cuts)
    for left, right in pairwise(ordered):
        while starting and starting[0].start <= left:
            active.append(starting.pop(0))
        active = [span for span in active if span.end > left]
        state = max((span.state for span in active), key=SEVERITY.__getitem__, default=None)
        is_maintenance = any(window.start <= left < window.end for window in windows)
        yield Segment(left, right, state, is_maintenance)


def merged(pieces: Iterable[Segment]) -> list[Segment]:
    """Neighbours that say the same become one."""
    joined: list[Segment] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and (last.end, last.state, last.is_maintenance) == (piece.start, piece.state, piece.is_maintenance):
            joined[-1] = Segment(last.start, piece.end, piece.state, piece.is_maintenance)
        else:
            joined.append(piece)
    return joined


def total(pieces: Iterable[Segment]) -> Totals:
    """Adds the segments up."""
    measured = partial = major = maintenance = 0.0
    for piece in pieces:
        if piece.is_maintenance:
            maintenance += piece.seconds
            continue
        if piece.state is None:
            continue
        measured += piece.seconds
        partial += piece.seconds if piece.state == ComponentState.PARTIAL else 0.0
        major += piece.seconds if piece.state == ComponentState.MAJOR else 0.0
    return Totals(measured, partial, major, maintenance)


def totals_by_day(pieces: Iterable[Segment]) -> dict[date, Totals]:
    """The totals of each UTC day that the segments touch."""
    days: dict[date, list[Segment]] = {}
    for piece in pieces:
        for part in _split_at_midnight(piece):
            days.setdefault(part.start.astimezone(UTC).date(), []).append(part)
    return {day: total(parts) for day, parts in days.items()}


def _split_at_midnight(piece: Segment) -> Iterator[Segment]:
    left = piece.start
    while left < piece.end:
        following = left.astimezone(UTC).date() + timedelta(days=1)
        right = min(piece.end, datetime.combine(following, time(), UTC))
        yield Segment(left, right, piece.state, piece.is_maintenance)
        left = right


def month_span(month: date) -> tuple[datetime, datetime]:
    """The first moment of the UTC calendar month and of the one after it."""
    first = datetime(month.year, month.month, 1, tzinfo=UTC)
    return first, datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def percent(uptime: float | None, places: int = 2) -> str:
    """`99.98`, rounded down and never up; empty where there is no data."""
    if uptime is None:
        return ""
    exact = Decimal(repr(uptime * 100)).quantize(Decimal(1).scaleb(-places - 6))
    return str(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN))
