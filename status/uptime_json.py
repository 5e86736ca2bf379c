"""The uptime figures with all that they come from, so that anybody can compute them again."""

from datetime import datetime
from typing import Any

from status.component_states import WEIGHTS
from status.document import ComponentDocument, SegmentDocument
from status.live import Live
from status.statuspage import PAGE_ID, dumps, stamp
from status.uptime import Totals


def uptime(live: Live) -> tuple[str, str]:
    """`/api/status/uptime`: per component the segments of the last 90 days, their totals, and the figure."""
    return dumps(
        {
            "page_id": PAGE_ID,
            "as_of": stamp(min(live.document.built_at, live.as_of) if live.is_stale else live.document.built_at),
            "weights": {str(state): weight for state, weight in WEIGHTS.items()},
            "formula": "uptime = 1 - sum(weight * seconds) / sum(seconds), over segments with a status, outside maintenance",
            "maintenance_rule": "Left out where it was announced at least 48 hours before it began.",
            "components": [_component(row.document) for row in live.components],
        }
    )


def _component(row: ComponentDocument) -> dict[str, Any]:
    totals = Totals()
    for day in row.days:
        totals = totals.plus(Totals(day.measured, day.partial, day.major, day.maintenance))
    return {
        "id": row.id,
        "name": row.name,
        "uptime": totals.uptime,
        "seconds": {
            "measured": totals.measured,
            "partial_outage": totals.partial,
            "major_outage": totals.major,
            "maintenance": totals.maintenance,
        },
        "segments": [_segment(one) for one in row.segments],
    }


def _segment(one: SegmentDocument) -> dict[str, Any]:
    return {
        "start": exact(one.start),
        "end": exact(one.end),
        "status": str(one.state) if one.state else None,
        "maintenance": one.is_maintenance,
    }


def exact(moment: datetime) -> str:
    """To the microsecond, since the seconds are counted from it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
