"""The status page of the demo: ninety measured days, one incident that is over, and a window that is announced."""

from datetime import datetime, timedelta

from levqor.lib.actors import SYSTEM
from status.component_states import ComponentState
from status.incidents import Update, open_incident, post_update, schedule_maintenance
from status.models import Component, Impact, Incident, IncidentStatus, StateInterval

DAYS = 89


def make_status(*, at: datetime) -> None:
    """Made once: where there is any incident already, nothing is touched."""
    if Incident.objects.exists():
        return
    for component in Component.objects.all():
        StateInterval.objects.create(
            component=component,
            state=ComponentState.OPERATIONAL,
            started_at=at - timedelta(days=DAYS),
            seen_at=at,
            is_open=False,
        )
    _make_incident(at - timedelta(days=6, hours=3))
    start = (at + timedelta(days=4)).replace(hour=5, minute=0, second=0, microsecond=0)
    announcement = Update(
        IncidentStatus.SCHEDULED,
        "We move the database to larger disks. Pages and the API may be away for up to ten minutes; nothing is lost.",
        {Component.objects.get(slug="api"): ComponentState.MAINTENANCE},
    )
    schedule_maintenance(
        "Larger disks for the database", announcement, start=start, end=start + timedelta(hours=1), by=SYSTEM, at=at
    )


def _make_incident(began: datetime) -> None:
    api = Component.objects.get(slug="api")
    incident = open_incident(
        "Slow answers of the API",
        Impact.MINOR,
        Update(
            IncidentStatus.INVESTIGATING,
            "The API answers more slowly than usual. Nothing is lost. We write again within 30 minutes.",
            {api: ComponentState.PARTIAL},
        ),
        by=SYSTEM,
        at=began,
    )
    said = [
        (12, IncidentStatus.IDENTIFIED, "A query lost its index after last night’s release. We are putting it back."),
        (31, IncidentStatus.MONITORING, "The index is back and answers are quick again. We keep watching."),
        (64, IncidentStatus.RESOLVED, "Answers have been quick for half an hour."),
    ]
    for minutes, status, words in said:
        post_update(incident, Update(status, words), by=SYSTEM, at=began + timedelta(minutes=minutes))
