"""What the public may find the service in: each scene is made in the database and in the memory of this process."""

import datetime
import time
from collections.abc import Callable

from status import watcher
from status.component_states import ComponentState
from status.incidents import move_maintenances, post_update
from status.memory import memory
from status.models import IncidentStatus
from status.publishing import publish
from status.tests.make import SUPPORT, make_evidence, make_incident, make_maintenance, make_update

type Scene = Callable[[datetime.datetime], None]
HOUR = datetime.timedelta(hours=1)


def calm(now: datetime.datetime) -> None:
    """Nothing is wrong now; something was, and one window came off while another did not."""
    over = make_incident(at=now - 2 * HOUR)
    for status in (IncidentStatus.RESOLVED, IncidentStatus.POSTMORTEM):
        post_update(over, make_update(status, "It is over."), by=SUPPORT, at=now - HOUR)
    off = make_maintenance(start=now + HOUR, end=now + 2 * HOUR, at=now)
    post_update(off, make_update(IncidentStatus.CANCELLED, "It is off."), by=SUPPORT, at=now)
    show(now)


def incident(now: datetime.datetime) -> None:
    broken = make_incident(at=now - HOUR, api=ComponentState.PARTIAL)
    for status in (IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING):
        post_update(broken, make_update(status, "We know more."), by=SUPPORT, at=now)
    show(now)


def maintenance(now: datetime.datetime) -> None:
    """One window is open, and one is ahead."""
    make_maintenance(start=now - HOUR, end=now + HOUR, at=now - 2 * HOUR)
    make_maintenance(start=now + 24 * HOUR, end=now + 25 * HOUR, at=now)
    move_maintenances(at=now)
    show(now)


def database_down(now: datetime.datetime) -> None:
    """The last that this process heard of the database is a minute old."""
    incident(now)
    memory.note_evidence(make_evidence(read_at=time.monotonic() - 60), at=now)


def slow(now: datetime.datetime) -> None:
    make_incident(at=now, name="Slow answers", api=ComponentState.DEGRADED)
    show(now)


def outage(now: datetime.datetime) -> None:
    make_incident(at=now, name="The API is away", api=ComponentState.MAJOR, jobs=ComponentState.PARTIAL)
    show(now)


def outage_of_an_hour(now: datetime.datetime) -> None:
    """Of an outage that began an hour ago there is something to see among the days as well."""
    make_incident(at=now - HOUR, name="The API is away", api=ComponentState.MAJOR, jobs=ComponentState.PARTIAL)
    show(now)


def stale(now: datetime.datetime) -> None:
    """Nobody has renewed the snapshot for some minutes, though the database answers."""
    show(now)
    memory.note_evidence(make_evidence(read_at=time.monotonic(), snapshot=300.0), at=now)


def nothing_known(now: datetime.datetime) -> None:
    """Right after the installation: nothing was published and nothing measured."""


def show(now: datetime.datetime) -> None:
    """Published, picked up, and every other process gives signs of life."""
    publish(at=now)
    watcher.Watcher(memory).look()
    memory.note_evidence(make_evidence(read_at=time.monotonic()), at=now)
