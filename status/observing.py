"""One round of looking: what is seen goes into the ledger, and three bad rounds in a row draft an incident."""

from datetime import datetime, timedelta
from typing import Final

from status.component_states import ComponentState
from status.incidents import draft_incident, note_recovery
from status.judgement import NO_EVIDENCE, Judgement
from status.ledger import LONGEST_GAP, observe
from status.models import Component, StateInterval

# Rounds are ten seconds apart: the third bad one is at least this long after the first.
BAD_FOR: Final = timedelta(seconds=20)


def observe_all(seen: dict[str, Judgement], *, at: datetime) -> None:
    """Notes the judgement of each component; several processes may do so at once."""
    for component in Component.objects.filter(slug__in=seen):
        judgement = seen[component.slug]
        if judgement == NO_EVIDENCE:
            continue
        observe(component, judgement, at=at)
        if judgement.is_fine:
            note_recovery(component, at=at)
        elif (since := bad_since(component, at=at)) and at - since >= BAD_FOR:
            draft_incident(component, judgement.state, since=since, at=at)


def bad_since(component: Component, *, at: datetime) -> datetime | None:
    """When the present run of bad states began; None where the newest one is fine."""
    since: datetime | None = None
    rows = StateInterval.objects.filter(component=component, started_at__gt=at - timedelta(days=1))
    for row in rows.order_by("-started_at", "-pk")[:20]:
        if row.state == ComponentState.OPERATIONAL or (since and since - row.seen_at > LONGEST_GAP):
            break
        since = row.started_at
    return since
