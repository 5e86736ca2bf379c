"""Rows and documents for the tests of this room; times are given, never read from the clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from levqor.lib.actors import Actor
from status.component_states import ComponentState
from status.document import ComponentDocument, IncidentDocument, StatusDocument, TouchedComponent
from status.evidence import Evidence, StampReading
from status.incidents import Update, open_incident, schedule_maintenance
from status.models import Component, Impact, Incident, IncidentStatus

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SUPPORT = Actor("staff", None)


def component(slug: str = "api") -> Component:
    """One of the three that the migration made; made again where a transactional test emptied the tables."""
    facts = {"public_id": f"lvqc-{slug}", "name": slug.title()}
    return Component.objects.get_or_create(slug=slug, defaults=facts)[0]


def make_update(
    status: str = IncidentStatus.INVESTIGATING, body: str = "We are looking.", **states: ComponentState
) -> Update:
    """`make_update(api=ComponentState.MAJOR)` names components by slug."""
    return Update(IncidentStatus(status), body, {component(slug): state for slug, state in states.items()})


def make_incident(*, at: datetime = NOON, name: str = "Slow answers", **states: ComponentState) -> Incident:
    states = states or {"api": ComponentState.PARTIAL}
    return open_incident(name, Impact.MAJOR, make_update(**states), by=SUPPORT, at=at)


def make_maintenance(
    *, start: datetime, end: datetime, at: datetime = NOON, name: str = "Disk move", body: str = "We move a disk."
) -> Incident:
    update = make_update(IncidentStatus.SCHEDULED, body, api=ComponentState.MAINTENANCE)
    return schedule_maintenance(name, update, start=start, end=end, by=SUPPORT, at=at)


def make_evidence(*, read_at: float = 100.0, latency_ms: int = 1, **ages: float) -> Evidence:
    """Every sign of life fresh, but for the given ages in seconds; `canary` stands for the canary of the queue."""
    all_ages = {"beat": 1.0, "published": 1.0, "worker": 1.0, "canary": 1.0, "web": 1.0, "snapshot": 1.0} | ages
    names = {"canary": "canary:celery"}
    readings = {names.get(name, name): StampReading(age, 1) for name, age in all_ages.items()}
    return Evidence(read_at, readings, latency_ms)


def component_document(slug: str = "api", **changes: Any) -> ComponentDocument:
    facts: dict[str, Any] = {
        "id": f"id-{slug}",
        "slug": slug,
        "name": slug.title(),
        "description": "",
        "position": 1,
        "state": ComponentState.OPERATIONAL,
        "start_date": None,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return ComponentDocument(**facts | changes)


def window_document(start: datetime, end: datetime, **changes: Any) -> IncidentDocument:
    facts: dict[str, Any] = {
        "id": "window",
        "name": "Disk move",
        "status": "scheduled",
        "impact": "maintenance",
        "started_at": start,
        "created_at": NOON - timedelta(days=4),
        "updated_at": NOON - timedelta(days=4),
        "monitoring_at": None,
        "resolved_at": None,
        "scheduled_for": start,
        "scheduled_until": end,
        "components": (TouchedComponent(id="id-api", state=ComponentState.MAINTENANCE, is_open=True),),
    }
    return IncidentDocument(**facts | changes)


def status_document(*components: ComponentDocument, **changes: Any) -> StatusDocument:
    facts: dict[str, Any] = {
        "version": 1,
        "built_at": NOON,
        "updated_at": NOON,
        "components": components or (component_document(),),
        "incidents": (),
        "maintenances": (),
        "history": (),
    }
    return StatusDocument(**facts | changes)
