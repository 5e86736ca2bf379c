"""The Statuspage v2 JSON, key by key as its clients know it (field lists: developer.statuspage.io, captured answers)."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from status.component_states import ComponentState
from status.document import IncidentDocument, UpdateDocument
from status.live import Live, LiveComponent

PAGE_ID: Final = "levqorstatus"
JSON: Final = "application/json; charset=utf-8"

type Json = dict[str, Any]


def dumps(body: Json) -> tuple[str, str]:
    """The body as stored and sent; `<` is escaped, so that no sniffing browser can take it for markup."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"), JSON


def summary(live: Live) -> tuple[str, str]:
    return dumps(
        _page(live)
        | _status(live)
        | _components(live)
        | {
            "incidents": [incident_json(row, live) for row in live.unresolved],
            "scheduled_maintenances": [maintenance_json(row, live) for row in (*live.running, *live.ahead)],
        }
    )


def status(live: Live) -> tuple[str, str]:
    return dumps(_page(live) | _status(live))


def components(live: Live) -> tuple[str, str]:
    # `status` is an extra that statuspage-exporter reads here.
    return dumps(_page(live) | _components(live) | _status(live))


def incidents(live: Live) -> tuple[str, str]:
    return dumps(_list(live) | {"incidents": [incident_json(row, live) for row in live.document.incidents[:50]]})


def unresolved(live: Live) -> tuple[str, str]:
    return dumps(_list(live) | {"incidents": [incident_json(row, live) for row in live.unresolved]})


def maintenances(live: Live) -> tuple[str, str]:
    return _maintenances(live, live.document.maintenances[:50])


def upcoming(live: Live) -> tuple[str, str]:
    return _maintenances(live, live.ahead)


def active(live: Live) -> tuple[str, str]:
    return _maintenances(live, live.running)


def _maintenances(live: Live, rows: Iterable[IncidentDocument]) -> tuple[str, str]:
    return dumps(_list(live) | {"scheduled_maintenances": [maintenance_json(row, live) for row in rows]})


def _list(live: Live) -> Json:
    """The page of a list, dated by its last change, so that what did not change is the same bytes."""
    return _page(live, live.document.updated_at)


def _page(live: Live, updated_at: datetime | None = None) -> Json:
    return {
        "page": {
            "id": PAGE_ID,
            "name": "Levqor",
            "url": f"{settings.SITE_URL}/status",
            "time_zone": "Etc/UTC",
            "updated_at": stamp(updated_at or live.as_of),
        }
    }


def _status(live: Live) -> Json:
    return {"status": {"indicator": live.banner.indicator, "description": live.banner.text}}


def _components(live: Live) -> Json:
    return {"components": [component_json(row, live) for row in live.components]}


def component_json(row: LiveComponent, live: Live) -> Json:
    document = row.document
    # What is not known to work must not be said to: a closed vocabulary has no word for unknown.
    state = ComponentState.DEGRADED if live.is_stale and row.state == ComponentState.OPERATIONAL else row.state
    return {
        "id": document.id,
        "name": document.name,
        "status": str(state),
        "created_at": stamp(document.created_at),
        "updated_at": stamp(document.updated_at),
        "position": document.position,
        "description": document.description or None,
        "showcase": True,
        "start_date": document.start_date.isoformat() if document.start_date else None,
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def incident_json(row: IncidentDocument, live: Live) -> Json:
    touched = {one.id for one in row.components}
    shown = [component_json(one, live) for one in live.components if one.document.id in touched]
    return document_json(row) | {"components": shown}


def document_json(row: IncidentDocument) -> Json:
    """The incident with its updates; the components, whose state changes by itself, are the caller's to add."""
    return {
        "id": row.id,
        "name": row.name,
        "status": _word(row.status),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "monitoring_at": stamp(row.monitoring_at) if row.monitoring_at else None,
        "resolved_at": stamp(row.resolved_at) if row.resolved_at else None,
        "impact": row.impact,
        "shortlink": incident_url(row.id),
        "started_at": stamp(row.started_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(update, row) for update in row.updates],
    }


def maintenance_json(row: IncidentDocument, live: Live) -> Json:
    return incident_json(row, live) | {
        "impact": "maintenance",
        "scheduled_for": stamp(row.scheduled_for) if row.scheduled_for else None,
        "scheduled_until": stamp(row.scheduled_until) if row.scheduled_until else None,
    }


def _update(update: UpdateDocument, row: IncidentDocument) -> Json:
    return {
        "id": update.id,
        "status": _word(update.status),
        "body": update.body,
        "incident_id": row.id,
        "created_at": stamp(update.created_at),
        "updated_at": stamp(update.created_at),
        "display_at": stamp(update.display_at),
        "affected_components": [one.model_dump() for one in update.affected] or None,
        "deliver_notifications": update.deliver_notifications,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _word(status: str) -> str:
    """Statuspage knows no window that was called off: for its clients it is over."""
    return "completed" if status == "cancelled" else status


def incident_url(public_id: str) -> str:
    return f"{settings.SITE_URL}/status/incidents/{public_id}"


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
