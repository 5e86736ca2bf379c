"""Updates as webhooks, in the shape that Statuspage sends them, to the addresses that subscribers added."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from levqor.audit.models import record
from levqor.hooks.delivery import announce
from levqor.hooks.models import Endpoint, EndpointQuerySet
from levqor.hooks.network import check_url
from levqor.lib.actors import CUSTOMER
from levqor.mail.outbox import about
from status.document import StatusDocument
from status.live import Live, Sight, lay_over
from status.models import Component, Incident, IncidentStatus, IncidentUpdate, Subscriber
from status.publishing import component_document, incident_document
from status.statuspage import PAGE_ID, incident_json, maintenance_json, stamp

EVENT: Final = "incident.updated"
MOST: Final = 3


class EndpointRefusedError(Exception):
    """The address cannot be added. The text is fit for its owner."""


def add_endpoint(subscriber: Subscriber, url: str, *, at: datetime) -> Endpoint:
    """Adds an address to call. Raises UnreachableError or EndpointRefusedError."""
    check_url(url)
    try:
        with transaction.atomic():
            # One after the other: two at once would both find room for one more.
            Subscriber.objects.select_for_update().get(pk=subscriber.pk)
            if endpoints_of(subscriber).count() >= MOST:
                raise EndpointRefusedError(f"At most {MOST} addresses can be called; remove one first.")
            endpoint = Endpoint.objects.create(owner=about(subscriber), url=url, event_types=[EVENT])
            record("endpoint.added", endpoint, by=CUSTOMER, at=at)
            return endpoint
    except IntegrityError as error:
        raise EndpointRefusedError("This address is on the list already.") from error


def remove_endpoint(subscriber: Subscriber, public_id: str, *, at: datetime) -> bool:
    """Calls the address no longer; False where the subscriber has none of that id."""
    with transaction.atomic():
        endpoint = _endpoint(subscriber, public_id)
        if endpoint is None:
            return False
        record("endpoint.removed", endpoint, by=CUSTOMER, at=at)
        endpoint.delete()
    return True


def revive_endpoint(subscriber: Subscriber, public_id: str, *, at: datetime) -> bool:
    """Calls an address again that was switched off; False where it was not."""
    endpoint = _endpoint(subscriber, public_id)
    return endpoint is not None and endpoint.switch_on(by=CUSTOMER, at=at)


def endpoints_of(subscriber: Subscriber) -> EndpointQuerySet:
    return Endpoint.objects.filter(owner=about(subscriber)).order_by("pk")


def _endpoint(subscriber: Subscriber, public_id: str) -> Endpoint | None:
    # Of the few that there are: what a form sent may be no text that a database takes.
    return next((row for row in endpoints_of(subscriber) if row.public_id == public_id), None)


def announce_update(update: IncidentUpdate, *, at: datetime) -> None:
    """One message for the endpoints of all subscribers concerned, within the update's transaction."""
    label = Subscriber._meta.label_lower
    known = list(Endpoint.objects.filter(owner__startswith=f"{label}:", disabled_at=None))
    owners = {about(row) for row in Subscriber.objects.concerned(update)} if known else set()
    wanted = [endpoint for endpoint in known if endpoint.owner in owners]
    if wanted:
        key = f"status-update:{update.public_id}"
        announce(EVENT, payload_of(update, at=at), key=key, endpoints=wanted, at=at, is_enveloped=False)


def payload_of(update: IncidentUpdate, *, at: datetime) -> dict[str, object]:
    """What Statuspage sends to its webhooks, key by key, so that their receivers take it unmodified."""
    document, live = incident_document(update.incident), _live_now(at=at)
    told = maintenance_json(document, live) if update.incident.is_maintenance else incident_json(document, live)
    postmortem = (one.body for one in document.updates if one.status == IncidentStatus.POSTMORTEM)
    return {
        "meta": {
            "unsubscribe": f"{settings.SITE_URL}/status/subscribe",
            "documentation": f"{settings.SITE_URL}/developer/docs",
            "generated_at": stamp(at),
        },
        "page": {
            "id": PAGE_ID,
            "status_indicator": live.banner.indicator,
            "status_description": live.banner.text,
        },
        "incident": {"scheduled_for": None, "scheduled_until": None}
        | told
        | {
            "scheduled_auto_in_progress": document.starts_itself,
            "scheduled_auto_completed": document.ends_itself,
            "postmortem_body": next(postmortem, None),
            "impact_override": None,
            "backfilled": False,
        },
    }


def _live_now(*, at: datetime) -> Live:
    """The page by the rows as they are within the caller's transaction; no probe is asked."""
    windows = Incident.objects.published().maintenances().filter(scheduled_for__lte=at, resolved_at=None)
    document = StatusDocument(
        version=1,
        built_at=at,
        updated_at=at,
        components=tuple(component_document(row) for row in Component.objects.all()),
        incidents=(),
        maintenances=tuple(incident_document(row) for row in windows),
        history=(),
    )
    return lay_over(document, Sight(0.0, {}, at), at=at)
