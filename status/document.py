"""The published snapshot as an immutable document: all that the page, the JSON, the feeds and the badge are drawn from.

A word that this version does not know makes the document invalid, so that the last good one stays (memory.py).
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from status.component_states import ComponentState
from status.models.incidents import Impact, IncidentStatus


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Day(Frozen):
    """One day of one component, in seconds. What is neither measured nor maintenance is no data."""

    day: date
    measured: float
    partial: float
    major: float
    maintenance: float


class SegmentDocument(Frozen):
    """A stretch of the ledger in which nothing changed; without a state nothing was measured."""

    start: datetime
    end: datetime
    state: ComponentState | None
    is_maintenance: bool


class ComponentDocument(Frozen):
    id: str
    slug: str
    name: str
    description: str
    position: int
    state: ComponentState
    start_date: date | None
    created_at: datetime
    updated_at: datetime
    days: tuple[Day, ...] = ()
    segments: tuple[SegmentDocument, ...] = ()


class Affected(Frozen):
    code: str
    name: str
    old_status: ComponentState
    new_status: ComponentState


class UpdateDocument(Frozen):
    id: str
    status: IncidentStatus
    body: str
    created_at: datetime
    display_at: datetime
    deliver_notifications: bool
    affected: tuple[Affected, ...] = ()


class TouchedComponent(Frozen):
    """A component that an incident touches; `state` is the worst so far, `is_open` whether it still lasts."""

    id: str
    state: ComponentState
    is_open: bool


class IncidentDocument(Frozen):
    """An incident, or (with `scheduled_for`) planned maintenance. Updates are newest first."""

    id: str
    name: str
    status: IncidentStatus
    impact: Impact
    started_at: datetime
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None
    starts_itself: bool = True
    ends_itself: bool = True
    updates: tuple[UpdateDocument, ...] = ()
    components: tuple[TouchedComponent, ...] = ()


class HistoryLine(Frozen):
    """An older incident in one line."""

    id: str
    name: str
    impact: Impact
    started_at: datetime
    resolved_at: datetime | None


class StatusDocument(Frozen):
    version: int
    built_at: datetime
    updated_at: datetime
    components: tuple[ComponentDocument, ...]
    incidents: tuple[IncidentDocument, ...]
    maintenances: tuple[IncidentDocument, ...]
    history: tuple[HistoryLine, ...]
