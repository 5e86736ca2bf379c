"""What staff (and the probes) do with incidents and planned maintenance. Each ends in a new version of the page."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction

from levqor.audit.models import record
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.events import emit
from levqor.lib.states import move
from status.component_states import ComponentState
from status.models import (
    Component,
    Impact,
    Incident,
    IncidentComponent,
    IncidentKind,
    IncidentSource,
    IncidentStatus,
    IncidentUpdate,
)
from status.models.incidents import ENDED
from status.publishing import publish_soon

logger = structlog.get_logger(__name__)

# An incident whose probes were good for less than this is the same incident when they are bad again.
FLAPPING: Final = timedelta(minutes=30)
# What an incident amounts to by the worst state that it puts a component into.
IMPACTS: Final = {
    ComponentState.OPERATIONAL: Impact.NONE,
    ComponentState.MAINTENANCE: Impact.NONE,
    ComponentState.DEGRADED: Impact.MINOR,
    ComponentState.PARTIAL: Impact.MAJOR,
    ComponentState.MAJOR: Impact.CRITICAL,
}
ENDING: Final = {IncidentStatus.RESOLVED, IncidentStatus.COMPLETED, IncidentStatus.CANCELLED}
# With these nothing is held in any state: what is looked back on must not go on in the ledger without an end.
RELEASING: Final = {*ENDING, IncidentStatus.POSTMORTEM}


OVERTAKEN: Final = (
    "Somebody posted an update since you opened this page. Read it below; press again if yours still holds."
)


# What is longer is a slip of the keyboard, and uptime and credits would follow from it.
LONGEST: Final = timedelta(days=31)
NOT_YET: Final = "The incident cannot have begun in the future."


class RefusedError(Exception):
    """This cannot be done now. The text is fit for people."""


@dataclass(frozen=True)
class Update:
    """What is said: the new status, the words, and the state that it puts each touched component into."""

    status: IncidentStatus
    body: str
    states: dict[Component, ComponentState] = field(default_factory=dict)
    notify: bool = True
    # Planned maintenance alone: its new begin and end.
    window: tuple[datetime, datetime] | None = None


def open_incident(name: str, impact: Impact, update: Update, *, by: Actor, at: datetime, **changes: Any) -> Incident:
    """Publishes a new incident with its first update; it began just now, or at the `started_at` that is given."""
    facts = {"started_at": at} | changes
    if facts["started_at"] > at:
        raise RefusedError(NOT_YET)
    with transaction.atomic():
        incident = Incident.objects.create(name=name, impact=impact, created_at=at, updated_at=at, **facts)
        post_update(incident, update, by=by, at=at)
    return incident


def schedule_maintenance(
    name: str, update: Update, *, start: datetime, end: datetime, by: Actor, at: datetime, **changes: Any
) -> Incident:
    """Announces a window; `update.states` names the components that it touches."""
    if end <= start:
        raise RefusedError("The window must end after it begins.")
    if end <= at:
        raise RefusedError("The window lies in the past; record it as an incident instead.")
    with transaction.atomic():
        incident = Incident.objects.create(
            kind=IncidentKind.MAINTENANCE,
            name=name,
            impact=Impact.MAINTENANCE,
            started_at=start,
            scheduled_for=start,
            scheduled_until=end,
            created_at=at,
            updated_at=at,
            **changes,
        )
        post_update(incident, update, by=by, at=at)
    return incident


@dataclass(frozen=True)
class Said:
    """What was told elsewhere at its time, and is written down here afterwards."""

    at: datetime
    update: Update


def record_past(
    name: str, impact: Impact, said: list[Said], *, started_at: datetime, by: Actor, at: datetime, **changes: Any
) -> Incident:
    """Writes an incident down that is over, in one go: it counts from when to when it lasted, and was never open here."""
    said = check_past(said, started_at=started_at, at=at)
    with transaction.atomic():
        incident = Incident.objects.create(
            name=name, impact=impact, started_at=started_at, created_at=at, updated_at=at, **changes
        )
        if len(said) == 1:
            # What ends is no longer touched: that it was, from the beginning on, is written down before.
            _touch(incident, replace(said[0].update, status=IncidentStatus.INVESTIGATING), at=started_at)
        for one in said:
            post_update(incident, one.update, by=by, at=at, happened_at=one.at)
    return incident


def check_past(said: list[Said], *, started_at: datetime, at: datetime) -> list[Said]:
    """In the order of time; RefusedError where it cannot have been so."""
    said = sorted(said, key=lambda one: one.at)
    if started_at > at:
        raise RefusedError(NOT_YET)
    ends = [one.at for one in said if one.update.status == IncidentStatus.RESOLVED]
    if len(ends) != 1:
        raise RefusedError("What is written down afterwards ends with “Resolved”; an incident that lasts is opened.")
    if ends[0] <= started_at:
        raise RefusedError("The incident cannot have ended before it began, nor in the same minute.")
    if said[-1].at > ends[0]:
        raise RefusedError("An update cannot be later than the end of the incident.")
    if said[0].at < started_at:
        raise RefusedError("An update cannot be older than the beginning of the incident.")
    if said[-1].at > at:
        raise RefusedError("An update cannot lie in the future.")
    if ends[0] - started_at > LONGEST:
        raise RefusedError(
            "It would have lasted for longer than a month: look at the years. Write a longer one in parts."
        )
    return said


def post_update(
    incident: Incident,
    update: Update,
    *,
    by: Actor,
    at: datetime,
    seen: int | None = None,
    happened_at: datetime | None = None,
) -> IncidentUpdate:
    """Says something new: moves the status, the touched components, and tells the subscribers after the commit.

    `seen` is how many updates its author had read; RefusedError where there are others by now. `happened_at` is when it
    was so, where that is written down afterwards.
    """
    then = happened_at or at
    if not update.body.strip():
        raise RefusedError("An update needs words: say what is known and what happens next.")
    with transaction.atomic():
        if seen is not None:
            _refuse_what_was_overtaken(incident, seen)
        incident.advance(update.status, by=by, at=at, happened_at=then)
        if update.window:
            _move_window(incident, *update.window, at=at)
        affected = _touch(incident, update, at=then)
        row = IncidentUpdate.objects.create(
            incident=incident,
            status=update.status,
            body=update.body.strip(),
            display_at=then,
            created_at=at,
            deliver_notifications=update.notify,
            affected=affected,
            author_id=by.user_id,
        )
        emit("incident.updated", update=row, at=at)
        if update.status in ENDING:
            emit("incident.resolved", incident=incident, at=at)
        publish_soon(at=at)
    return row


def _move_window(incident: Incident, begins: datetime, ends: datetime, *, at: datetime) -> None:
    if not incident.is_maintenance or incident.scheduled_for is None:
        raise RefusedError("Only planned maintenance has a window.")
    if begins != incident.scheduled_for and incident.has_begun(at=at):
        raise RefusedError("The work has begun, so only its end can be moved.")
    if ends <= begins:
        raise RefusedError("The window must end after it begins.")
    if ends <= at:
        raise RefusedError("The new end lies in the past; say that the work is complete instead.")
    incident.move_window(begins, ends, at=at)


def _refuse_what_was_overtaken(incident: Incident, seen: int) -> None:
    """A button pressed twice, or two people: locked, so that the second of them counts what the first has said."""
    Incident.objects.select_for_update().get(pk=incident.pk)
    if incident.updates.count() != seen:
        raise RefusedError(OVERTAKEN)


def changes_of(incident: Incident, update: Update) -> dict[Component, tuple[ComponentState, ComponentState]]:
    """Which components the update takes from which state to which, by the order of the page; nothing is written."""
    rows = incident.impacts.filter(ended_at=None).select_related("component") if incident.pk else ()
    held = {row.component: ComponentState(row.state) for row in rows}
    wanted = dict(update.states)
    if update.status in RELEASING:
        wanted = dict.fromkeys([*held, *wanted], ComponentState.OPERATIONAL)
    pairs = {one: (held.get(one, ComponentState.OPERATIONAL), state) for one, state in wanted.items()}
    return {
        one: pairs[one]
        for one in sorted(pairs, key=lambda component: component.position)
        if pairs[one][0] != pairs[one][1]
    }


def _touch(incident: Incident, update: Update, *, at: datetime) -> list[dict[str, str]]:
    """Ends and begins the spans in which the incident holds a component in a state; what changed, as the JSON has it."""
    # What a draft or a new incident touches, it touched from its beginning; what an update adds, from then on.
    since = at if incident.is_maintenance or incident.updates.exists() else min(incident.started_at, at)
    changed = changes_of(incident, update)
    for component, (old, new) in changed.items():
        for row in incident.impacts.filter(component=component, ended_at=None):
            IncidentComponent.objects.filter(pk=row.pk).update(ended_at=max(at, row.started_at))
        if new != ComponentState.OPERATIONAL:
            begins = since if old == ComponentState.OPERATIONAL else at
            IncidentComponent.objects.create(incident=incident, component=component, state=new, started_at=begins)
    return [
        {"code": one.public_id, "name": one.name, "old_status": old, "new_status": new}
        for one, (old, new) in changed.items()
    ]


def publish_draft(
    incident: Incident, name: str, impact: Impact, update: Update, *, by: Actor, at: datetime, seen: int | None = None
) -> IncidentUpdate:
    """Makes a draft public, under the title and with the impact that staff give it."""
    with transaction.atomic():
        Incident.objects.filter(pk=incident.pk, status=IncidentStatus.DRAFT).update(name=name, impact=impact)
        incident.name, incident.impact = name, impact
        return post_update(incident, update, by=by, at=at, seen=seen)


def correct_title(incident: Incident, name: str, *, by: Actor, at: datetime, reason: str) -> None:
    """Another title, for a slip in the first; nobody is mailed. What it was is kept in the trail, with the reason."""
    old, name = incident.name, name.strip()
    if not name or name == old:
        raise RefusedError("Give the title that it should have; this one it has.")
    with transaction.atomic():
        stored = Incident.objects.published().filter(pk=incident.pk, name=old)
        if not stored.update(name=name, updated_at=at):
            raise RefusedError("Somebody changed it since you opened this page; look at it again.")
        incident.name, incident.updated_at = name, at
        record("title.corrected", incident, by=by, at=at, reason=f"It was “{old}”. {reason}")
        publish_soon(at=at)


def dismiss(incident: Incident, *, by: Actor, at: datetime, reason: str) -> None:
    """A draft that was no incident."""
    with transaction.atomic():
        move(incident, IncidentStatus.DISMISSED, by=by, at=at, reason=reason, updated_at=at)
        IncidentComponent.objects.filter(incident=incident, ended_at=None).update(ended_at=at)


def draft_incident(component: Component, state: ComponentState, *, since: datetime, at: datetime) -> Incident | None:
    """Drafts an incident after bad probes; None where one is open already, or a flapping one goes on."""
    if _goes_on(component, at=at):
        return None
    facts = {"name": f"{component.name}: {state.label.lower()}", "impact": IMPACTS[state], "started_at": since}
    with transaction.atomic():
        try:
            with transaction.atomic():
                incident = Incident.objects.create(
                    source=IncidentSource.PROBES, drafted_for=component, created_at=at, updated_at=at, **facts
                )
        except IntegrityError:
            # Another process drafted it at the same moment.
            return None
        IncidentComponent.objects.create(incident=incident, component=component, state=state, started_at=since)
        # Within the transaction: a draft of which nobody is told would wait for ever.
        emit("incident.drafted", incident=incident, at=at)
    return incident


def _goes_on(component: Component, *, at: datetime) -> bool:
    """True where the trouble belongs to an incident that is open, was just resolved or dismissed; it is noted there."""
    known = Incident.objects.incidents().filter(pk__in=component.impacts.values("incident"))
    drafts = known.filter(status=IncidentStatus.DRAFT)
    drafts.exclude(recovered_at=None).update(recovered_at=None)
    resolved = known.filter(status__in=ENDED, resolved_at__gt=at - FLAPPING)
    resolved.filter(relapsed_at=None).update(relapsed_at=at)
    dismissed = known.filter(status=IncidentStatus.DISMISSED, updated_at__gt=at - FLAPPING)
    return any(rows.exists() for rows in (drafts, resolved, dismissed, known.unresolved()))


def note_recovery(component: Component, *, at: datetime) -> None:
    """The probes are good again: the draft says so, and staff decide whether it is told."""
    drafts = Incident.objects.filter(source=IncidentSource.PROBES, status=IncidentStatus.DRAFT, drafted_for=component)
    drafts.filter(recovered_at=None).update(recovered_at=at)


BEGINS = "The planned work has begun."
ENDS = "The planned work is complete."


def move_maintenances(*, at: datetime) -> int:
    """Begins and ends the windows whose time has come; returns how many moved.

    One that cannot be moved holds up no other: its error is logged, and the list of incidents shows it as overdue.
    """
    moved = 0
    for row in Incident.objects.maintenance_due(at=at):
        begins = row.status == IncidentStatus.SCHEDULED
        to = IncidentStatus.IN_PROGRESS if begins else IncidentStatus.COMPLETED
        try:
            post_update(row, Update(to, BEGINS if begins else ENDS), by=SYSTEM, at=at)
            moved += 1
        except Exception:  # whatever it is: the page itself goes by the clock, and the next window does not wait
            logger.exception("maintenance_not_moved", incident=row.pk, to=to)
    return moved
