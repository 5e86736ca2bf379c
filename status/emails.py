"""The mails of the status room, one function each."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import about, send
from levqor.mail.rendering import RenderedMail, render
from status.component_states import ComponentState
from status.labels import IMPACT_LABELS, STATUS_LABELS
from status.models import Incident, Notice, Subscriber
from status.subscriber_links import link


def confirm_subscription(subscriber: Subscriber, *, at: datetime) -> OutgoingMail:
    """Asks the owner of the address whether it was they who asked."""
    return send(
        "status/confirm",
        subscriber.email,
        {"confirm_url": link("confirm", subscriber)},
        key=f"status-confirm:{subscriber.pk}:{subscriber.asked_at.isoformat()}",
        at=at,
        about=about(subscriber),
        is_secret=True,
    )


def already_subscribed(subscriber: Subscriber, *, at: datetime) -> OutgoingMail:
    """Somebody asked for what is there already: the way to change it."""
    return send(
        "status/already",
        subscriber.email,
        {"manage_url": link("manage", subscriber)},
        key=f"status-already:{subscriber.pk}:{at.isoformat()}",
        at=at,
        about=about(subscriber),
        is_secret=True,
        headers=one_click(subscriber),
    )


def incident_update(notice: Notice, *, at: datetime) -> OutgoingMail:
    """One update for one subscriber."""
    subscriber = notice.subscriber
    return send(
        "status/update",
        subscriber.email,
        update_context(
            notice.update.incident,
            notice.update.status,
            notice.update.body,
            [affected_line(row["name"], row["new_status"]) for row in notice.update.affected],
            at=notice.update.display_at,
        )
        | {"manage_url": link("manage", subscriber), "unsubscribe_url": link("unsubscribe", subscriber)},
        key=notice.mail_key,
        at=at,
        about=about(notice.update.incident),
        # Its links act without signing in: staff who read the mail log must not have them.
        is_secret=True,
        is_bulk=True,
        headers=one_click(subscriber),
    )


def one_click(subscriber: Subscriber) -> dict[str, str]:
    """The headers of RFC 8058: a mail program ends the subscription by one POST, without opening a page."""
    address = link("unsubscribe", subscriber)
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def preview(incident: Incident, status: str, body: str, affected: list[str], *, at: datetime) -> RenderedMail:
    """The mail that an update would send; nothing is stored."""
    example = f"{settings.SITE_URL}/status/subscribe"
    context = update_context(incident, status, body, affected, at=at)
    return render("status/update", context | {"manage_url": example, "unsubscribe_url": example})


def affected_line(name: str, state: str) -> str:
    """`API: partial outage`, as the mail says what a component came to."""
    return f"{name}: {ComponentState(state).label.lower()}"


def update_context(incident: Incident, status: str, body: str, affected: list[str], *, at: datetime) -> dict[str, Any]:
    """What the templates of an update are filled with. Times are in UTC, as on the page."""
    return {
        "name": incident.name,
        "label": STATUS_LABELS[status],
        "impact": "" if incident.is_maintenance else IMPACT_LABELS[incident.impact],
        "body": body,
        "at": _utc(at),
        "affected": affected,
        "window": (_utc(incident.scheduled_for), _utc(incident.scheduled_until))
        if incident.scheduled_for and incident.scheduled_until
        else None,
        "incident_url": f"{settings.SITE_URL}/status/incidents/{incident.public_id}",
    }


def _utc(moment: datetime) -> str:
    there = moment.astimezone(UTC)
    return f"{there.day} {there:%B %Y, %H:%M} UTC"


def incident_drafted(incident: Incident, *, at: datetime) -> OutgoingMail:
    """Tells staff that the probes drafted an incident, which waits for a person."""
    return send(
        "status/drafted",
        settings.SUPPORT_EMAIL,
        {
            "name": incident.name,
            "since": _utc(incident.started_at),
            "admin_url": f"{settings.SITE_URL}/admin/status/incident/{incident.pk}/change/",
        },
        key=f"status-draft:{incident.pk}",
        at=at,
        about=about(incident),
    )
