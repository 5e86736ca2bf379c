"""How states read on the page: labels, tones and durations."""

from datetime import datetime, timedelta
from typing import Final

from status.component_states import ComponentState
from status.models.incidents import Impact, IncidentStatus

STATUS_LABELS: Final = {str(value): str(label) for value, label in IncidentStatus.choices}
IMPACT_LABELS: Final = {str(value): str(label) for value, label in Impact.choices}
TONES: Final = {
    ComponentState.OPERATIONAL: "good",
    ComponentState.MAINTENANCE: "maintenance",
    ComponentState.DEGRADED: "minor",
    ComponentState.PARTIAL: "major",
    ComponentState.MAJOR: "critical",
}
# What a fault is called in public; causes that are not listed are not told.
CAUSES: Final = {
    "database": "The database does not answer.",
    "slow database": "The database answers slowly.",
    "broker": "The queue of background work cannot be reached.",
    "worker": "Background workers do not run.",
    "beat": "Timed work is not started; work that is asked for goes on.",
    "queue": "Background work is queued and not done.",
    "clock": "The clocks of our machines disagree, so it is not known whether background work is done.",
    "no evidence yet": "Waiting for the first measurement.",
}


def duration(start: datetime, end: datetime) -> str:
    """`2 hours 5 minutes`; at least a minute."""
    minutes = max(1, round((end - start) / timedelta(minutes=1)))
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (left if not days else 0, "minute")]
    return " ".join(f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count)
