"""Building the snapshot from the database and publishing it as the next version."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Prefetch, Q

from levqor.lib.nudge import nudge
from status.component_states import ComponentState, worst
from status.document import (
    Affected,
    ComponentDocument,
    Day,
    HistoryLine,
    IncidentDocument,
    SegmentDocument,
    StatusDocument,
    TouchedComponent,
    UpdateDocument,
)
from status.ledger import segments_of
from status.models import Component, Impact, Incident, IncidentComponent, IncidentStatus, IncidentUpdate, Snapshot
from status.models.evidence import stamp
from status.models.incidents import RUNNING, UNDER_WAY, IncidentQuerySet
from status.uptime import Segment, Totals, merged, totals_by_day

DAYS: Final = 90
NEWEST: Final = 50
HISTORY: Final = 500
REFRESH_TASK: Final = "status.refresh"


def publish(*, at: datetime) -> int:
    """Builds the page as it stands and stores it as the next version; returns its number."""
    with transaction.atomic():
        Snapshot.objects.get_or_create(pk=Snapshot.SINGLE, defaults={"built_at": at})
        last = Snapshot.objects.select_for_update().get(pk=Snapshot.SINGLE)
        # Counted from the time, so that a database put back from a backup never repeats a number that was seen.
        document = build(max(last.version + 1, int(at.timestamp() * 1000)), at=at)
        Snapshot.objects.filter(pk=Snapshot.SINGLE).update(
            version=document.version, body=document.model_dump_json(), built_at=at
        )
        stamp("snapshot", document.version)
    return document.version


def publish_soon(*, at: datetime) -> None:
    """Publishes as soon as the caller's transaction has committed, and wakes the worker in case that fails."""
    # Robust: what was committed stands, so a failure here is logged, and neither the caller nor what else waits for the
    # commit hears of it.
    transaction.on_commit(lambda: publish(at=at), robust=True)
    nudge(REFRESH_TASK)


def build(version: int, *, at: datetime) -> StatusDocument:
    """The whole public state at `at`."""
    components = list(Component.objects.all())
    incidents = _shown(Incident.objects.published().incidents(), Q(status__in=RUNNING))
    ahead = Q(status__in=[IncidentStatus.SCHEDULED, IncidentStatus.IN_PROGRESS, IncidentStatus.VERIFYING])
    maintenances = _shown(Incident.objects.published().maintenances(), ahead)
    shown = {row.pk for row in incidents}
    changed = [row.updated_at for row in components] + [row.updated_at for row in (*incidents, *maintenances)]
    return StatusDocument(
        version=version,
        built_at=at,
        updated_at=max(changed, default=at),
        components=tuple(_component(row, at=at) for row in components),
        incidents=tuple(incident_document(row) for row in incidents),
        maintenances=tuple(incident_document(row) for row in maintenances),
        history=tuple(_history(shown)),
    )


def _shown(rows: IncidentQuerySet, current: Q) -> list[Incident]:
    """The newest ones, and whatever is current however old it is; newest first."""
    updates = Prefetch("updates", IncidentUpdate.objects.order_by("-display_at", "-pk"))
    impacts = Prefetch("impacts", IncidentComponent.objects.select_related("component"))
    newest = rows.order_by("-started_at", "-pk").values_list("pk", flat=True)[:NEWEST]
    wanted = rows.filter(current | Q(pk__in=list(newest)))
    return list(wanted.order_by("-started_at", "-pk").prefetch_related(updates, impacts))


def component_document(row: Component) -> ComponentDocument:
    """The component as it is said to be now, without its 90 days."""
    # A window is known by its times (live.py); what staff say goes wrong within it weighs as an incident does.
    open_impacts = (
        row.impacts.filter(ended_at=None, incident__status__in=[*RUNNING, *UNDER_WAY])
        .exclude(state=ComponentState.MAINTENANCE)
        .values_list("state", flat=True)
    )
    return ComponentDocument(
        id=row.public_id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        position=row.position,
        state=worst(ComponentState(row.manual_state), *(ComponentState(state) for state in open_impacts)),
        start_date=row.start_date,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _component(row: Component, *, at: datetime) -> ComponentDocument:
    today = at.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    pieces = merged(segments_of(row, datetime.combine(first, time(), UTC), at))
    segments = (
        SegmentDocument(start=one.start, end=one.end, state=one.state, is_maintenance=one.is_maintenance)
        for one in pieces
    )
    return component_document(row).model_copy(update={"days": tuple(_days(pieces, first)), "segments": tuple(segments)})


def _days(pieces: list[Segment], first: date) -> Iterable[Day]:
    totals = totals_by_day(pieces)
    for offset in range(DAYS):
        day = first + timedelta(days=offset)
        found = totals.get(day, Totals())
        yield Day(
            day=day,
            measured=found.measured,
            partial=found.partial,
            major=found.major,
            maintenance=found.maintenance,
        )


def incident_document(row: Incident) -> IncidentDocument:
    """The incident as the public sees it, with its updates and components."""
    return IncidentDocument(
        id=row.public_id,
        name=row.name,
        status=IncidentStatus(row.status),
        impact=Impact(row.impact),
        started_at=row.started_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        monitoring_at=row.monitoring_at,
        resolved_at=row.resolved_at,
        scheduled_for=row.scheduled_for,
        scheduled_until=row.scheduled_until,
        starts_itself=row.starts_itself,
        ends_itself=row.ends_itself,
        updates=tuple(_update(update) for update in row.updates.all()),
        components=tuple(_touched(row.impacts.all())),
    )


def _update(row: IncidentUpdate) -> UpdateDocument:
    return UpdateDocument(
        id=row.public_id,
        status=IncidentStatus(row.status),
        body=row.body,
        created_at=row.created_at,
        display_at=row.display_at,
        deliver_notifications=row.deliver_notifications,
        affected=tuple(Affected(**one) for one in row.affected),
    )


def _touched(impacts: Iterable[IncidentComponent]) -> Iterable[TouchedComponent]:
    of: dict[str, list[IncidentComponent]] = defaultdict(list)
    for impact in impacts:
        of[impact.component.public_id].append(impact)
    for public_id, rows in of.items():
        yield TouchedComponent(
            id=public_id,
            state=worst(*(ComponentState(row.state) for row in rows)),
            is_open=any(row.ended_at is None for row in rows),
        )


def _history(shown: set[int]) -> Iterable[HistoryLine]:
    rows = Incident.objects.published().incidents().order_by("-started_at", "-pk")
    for pk, public_id, name, impact, started_at, resolved_at in rows.values_list(
        "pk", "public_id", "name", "impact", "started_at", "resolved_at"
    )[:HISTORY]:
        if pk not in shown:
            yield HistoryLine(
                id=public_id, name=name, impact=Impact(impact), started_at=started_at, resolved_at=resolved_at
            )
