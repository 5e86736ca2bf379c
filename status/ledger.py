"""Keeping and reading the uptime ledger: what was measured, what incidents add, and what maintenance takes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from status.component_states import ComponentState
from status.judgement import Judgement
from status.models import Component, Incident, IncidentComponent, IncidentStatus, StateInterval
from status.models.incidents import HIDDEN
from status.uptime import Segment, Span, Totals, Window, merged, month_span, segments, total

# Observations further apart than this leave a hole: nobody saw what was between them.
LONGEST_GAP: Final = timedelta(seconds=90)
# Several processes observe: one write in this time is enough.
WRITE_EVERY: Final = timedelta(seconds=8)


def observe(component: Component, judgement: Judgement, *, at: datetime) -> None:
    """Notes that the component was in this state at `at`: the open interval grows, or a new one begins."""
    current = StateInterval.objects.filter(component=component, is_open=True).first()
    is_same = current and (current.state, current.cause) == (judgement.state, judgement.cause)
    # What was seen later than now was dated by a clock that has been set back: another interval begins.
    if current and is_same and -WRITE_EVERY <= at - current.seen_at <= LONGEST_GAP:
        unseen = StateInterval.objects.filter(pk=current.pk, is_open=True, seen_at__lt=at - WRITE_EVERY)
        unseen.update(seen_at=at)
        return
    _begin(component, judgement, current, at=at)


def _begin(component: Component, judgement: Judgement, current: StateInterval | None, *, at: datetime) -> None:
    """Ends the open interval and begins another; where a second process does so at once, one of them wins."""
    try:
        with transaction.atomic():
            if current:
                reaches = at if timedelta() <= at - current.seen_at <= LONGEST_GAP else current.seen_at
                ended = StateInterval.objects.filter(pk=current.pk, is_open=True)
                if not ended.update(is_open=False, seen_at=reaches):
                    return
            StateInterval.objects.create(
                component=component, state=judgement.state, cause=judgement.cause, started_at=at, seen_at=at
            )
    except IntegrityError:
        return


def record_blackout(slug: str, cause: str, *, start: datetime, end: datetime) -> None:
    """Writes down an outage during which nothing could be written, once it is over; overlaps are merged on reading."""
    component = Component.objects.filter(slug=slug).first()
    if component and end > start:
        StateInterval.objects.create(
            component=component,
            state=ComponentState.MAJOR,
            cause=cause,
            started_at=start,
            seen_at=end,
            is_open=False,
        )


def spans_of(components: Sequence[Component], start: datetime, end: datetime) -> dict[int, list[Span]]:
    """What was measured of each component, and what published incidents say of it; by its pk, in two queries."""
    spans: dict[int, list[Span]] = {component.pk: [] for component in components}
    for row in StateInterval.objects.filter(component__in=components).between(start, end):
        spans[row.component_id].append(Span(row.started_at, row.seen_at, ComponentState(row.state)))
    impacts = IncidentComponent.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=start), component__in=components, started_at__lt=end
    ).exclude(incident__status__in=HIDDEN)
    # An impact that still lasts is known until now; `end` is never later than that where it matters.
    for impact in impacts.exclude(state=ComponentState.MAINTENANCE):
        span = Span(impact.started_at, impact.ended_at or end, ComponentState(impact.state))
        spans[impact.component_id].append(span)
    return spans


def windows_of(components: Sequence[Component], start: datetime, end: datetime) -> dict[int, list[Window]]:
    """Maintenance of each component that was announced early enough to be left out; by its pk, in one query."""
    windows: dict[int, list[Window]] = {component.pk: [] for component in components}
    planned = (
        IncidentComponent.objects.filter(
            component__in=components,
            incident__in=Incident.objects.maintenances().filter(scheduled_for__lt=end, scheduled_until__gt=start),
        )
        .exclude(incident__status__in=[*HIDDEN, IncidentStatus.CANCELLED])
        .select_related("incident")
        .order_by("pk")
    )
    told: set[tuple[int, int]] = set()
    for impact in planned:
        row, place = impact.incident, (impact.component_id, impact.incident_id)
        if row.left_out and place not in told:
            told.add(place)
            windows[impact.component_id].append(
                Window(row.left_out[0], min(row.left_out[1], row.resolved_at or row.left_out[1]))
            )
    return windows


def segments_of(component: Component, start: datetime, end: datetime) -> list[Segment]:
    spans, windows = spans_of([component], start, end), windows_of([component], start, end)
    return list(segments(start, end, spans[component.pk], windows[component.pk]))


@dataclass(frozen=True)
class Downtime:
    """The downtime of a UTC calendar month, as SLA claims read it. Minutes are weighted; totals are in seconds.

    `is_final` is false while the month has not ended. `segments` are the stretches that the figures come from.
    """

    month: date
    minutes: float
    totals: Totals
    is_final: bool
    segments: tuple[Segment, ...]


def downtime(components: list[Component], month: date, *, at: datetime) -> Downtime:
    """What the month lost: a moment counts with the worst of the components; announced maintenance is out."""
    start, month_end = month_span(month)
    end = min(month_end, at)
    if end <= start:
        return Downtime(start.date(), 0.0, Totals(), is_final=False, segments=())
    measured, planned = spans_of(components, start, end), windows_of(components, start, end)
    spans, windows = list[Span](), list[Window]()
    for component in components:
        windows += planned[component.pk]
        spans += _outside(planned[component.pk], measured[component.pk], start, end)
    pieces = tuple(merged(_unless_seen(piece) for piece in segments(start, end, spans, windows)))
    summed = total(pieces)
    return Downtime(start.date(), summed.down / 60, summed, is_final=at >= month_end, segments=pieces)


def _unless_seen(piece: Segment) -> Segment:
    """Over all components a moment is maintenance only where none of the others tells anything of it."""
    return replace(piece, is_maintenance=piece.is_maintenance and piece.state is None)


def _outside(windows: list[Window], spans: list[Span], start: datetime, end: datetime) -> list[Span]:
    """A component's spans without its own maintenance: another component's outage in that time still counts."""
    return [
        Span(piece.start, piece.end, piece.state)
        for piece in segments(start, end, spans, windows)
        if piece.state is not None and not piece.is_maintenance
    ]
