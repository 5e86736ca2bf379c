"""What the page says at this moment: the published snapshot with this process's own evidence laid over it.

One pure function, so that a green snapshot can never outlive the system that it speaks of: a database that stopped
answering, work that is no longer done and a snapshot that nobody renews are all seen at the moment of reading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from status.component_states import ComponentState, worst
from status.document import ComponentDocument, IncidentDocument, StatusDocument
from status.judgement import API, FINE, FRONTEND, JOBS, NO_EVIDENCE, Judgement
from status.models.incidents import IncidentStatus

STALE_SECONDS: Final = 90
_ACTIVE: Final = {"in_progress", "verifying"}
_ENDED: Final = {"completed", "cancelled"}


@dataclass(frozen=True)
class Banner:
    """The headline: its text, Statuspage's indicator, and the tone that colours it."""

    text: str
    indicator: str
    tone: str


BANNERS: Final = {
    ComponentState.OPERATIONAL: Banner("All Systems Operational", "none", "good"),
    ComponentState.MAINTENANCE: Banner("Service Under Maintenance", "maintenance", "maintenance"),
    ComponentState.DEGRADED: Banner("Partially Degraded Service", "minor", "minor"),
    ComponentState.PARTIAL: Banner("Partial System Outage", "major", "major"),
    ComponentState.MAJOR: Banner("Major Service Outage", "critical", "critical"),
}
# Statuspage has no word for not knowing, and its clients break on unknown words: `minor` is never green.
UNKNOWN: Final = Banner("Status Unknown", "minor", "unknown")


@dataclass(frozen=True)
class LiveComponent:
    """A component as it is now; `cause` says in a word what this process found at fault."""

    document: ComponentDocument
    state: ComponentState
    cause: str


@dataclass(frozen=True)
class Live:
    """Everything that an answer is drawn from. Equal ones give equal bytes."""

    document: StatusDocument
    components: tuple[LiveComponent, ...]
    banner: Banner
    is_stale: bool
    as_of: datetime
    running: tuple[IncidentDocument, ...]
    ahead: tuple[IncidentDocument, ...]

    @property
    def unresolved(self) -> tuple[IncidentDocument, ...]:
        return tuple(row for row in self.document.incidents if row.resolved_at is None)


@dataclass(frozen=True)
class Sight:
    """What this process sees for itself. `snapshot_age` is in seconds, `judgements` by component slug."""

    snapshot_age: float
    judgements: dict[str, Judgement]
    as_of: datetime


def lay_over(document: StatusDocument, sight: Sight, *, at: datetime) -> Live:
    """The snapshot as it must be read at `at`. Faults always win over maintenance, and not knowing is never green."""
    windows = [(_by_the_clock(row, state), state) for row, state in _states(document, at=at)]
    document = _with_maintenances(document, tuple(row for row, _ in windows))
    running = tuple(row for row, state in windows if state == "running")
    in_maintenance = {touched.id for row in running for touched in row.components if touched.is_open}
    components = tuple(_component(row, sight, row.id in in_maintenance) for row in document.components)
    overall = worst(*(row.state for row in components))
    is_stale = sight.snapshot_age > STALE_SECONDS
    knows_no_fault = all(_is_harmless(row, document) for row in components)
    return Live(
        document=document,
        components=components,
        banner=UNKNOWN if is_stale and knows_no_fault else BANNERS[overall],
        is_stale=is_stale,
        # A snapshot from a clock that was ahead is not dated later than now.
        as_of=min(document.built_at, minute(at)) if is_stale else minute(sight.as_of),
        running=running,
        ahead=tuple(row for row, state in windows if state == "ahead"),
    )


def _component(row: ComponentDocument, sight: Sight, is_in_maintenance: bool) -> LiveComponent:
    judged = sight.judgements.get(row.slug, FINE)
    planned = ComponentState.MAINTENANCE if is_in_maintenance else ComponentState.OPERATIONAL
    return LiveComponent(row, worst(row.state, judged.state, planned), judged.cause)


def _is_harmless(row: LiveComponent, document: StatusDocument) -> bool:
    """True where nothing was found at fault: waiting for the first measurement is no finding."""
    is_waiting = row.cause == NO_EVIDENCE.cause or not document.version
    found = {ComponentState.OPERATIONAL, ComponentState.MAINTENANCE}
    return row.state in (found | {ComponentState.DEGRADED} if is_waiting else found)


def _states(document: StatusDocument, *, at: datetime) -> Iterator[tuple[IncidentDocument, str]]:
    return ((row, window_state(row, at=at)) for row in document.maintenances)


def _by_the_clock(row: IncidentDocument, state: str) -> IncidentDocument:
    """The window as it must be told now, where nobody has moved it yet: it begins and ends by itself."""
    if state == "running" and row.status == IncidentStatus.SCHEDULED:
        return row.model_copy(update={"status": IncidentStatus.IN_PROGRESS})
    if state == "over" and row.status not in _ENDED:
        return row.model_copy(update={"status": IncidentStatus.COMPLETED, "resolved_at": row.scheduled_until})
    return row


def _with_maintenances(document: StatusDocument, rows: tuple[IncidentDocument, ...]) -> StatusDocument:
    return document if rows == document.maintenances else document.model_copy(update={"maintenances": rows})


def window_state(row: IncidentDocument, *, at: datetime) -> str:
    """`ahead`, `running` or `over`: by the clock where the window moves by itself, else by what staff said."""
    if row.scheduled_for is None or row.scheduled_until is None:
        raise ValueError(f"{row.id} is no maintenance: it has no window.")
    if row.status in _ENDED or row.resolved_at:
        return "over"
    has_begun = row.status in _ACTIVE or (row.starts_itself and row.scheduled_for <= at)
    if not has_begun:
        return "ahead"
    return "over" if row.ends_itself and row.scheduled_until <= at else "running"


def minute(moment: datetime) -> datetime:
    """Cut to the minute, so that an answer does not change with every second."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _never_published(position: int, public_id: str, slug: str, name: str) -> ComponentDocument:
    return ComponentDocument(
        id=public_id,
        slug=slug,
        name=name,
        description="",
        position=position,
        state=ComponentState.OPERATIONAL,
        start_date=None,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a process says that never read a snapshot, on a new machine or with a broken file: still what it finds out itself of
# the three components that are measured, so that a database that is away at the start is told as such.
EMPTY_DOCUMENT: Final = StatusDocument(
    version=0,
    built_at=LONG_AGO,
    updated_at=LONG_AGO,
    components=(
        _never_published(1, "lvqc0frontend", FRONTEND, "Dashboard"),
        _never_published(2, "lvqc1api", API, "API"),
        _never_published(3, "lvqc2jobs", JOBS, "Background Jobs"),
    ),
    incidents=(),
    maintenances=(),
    history=(),
)
NO_SNAPSHOT_AGE: Final = timedelta.max.total_seconds()
