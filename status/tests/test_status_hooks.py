"""Updates as webhooks to subscribers: Statuspage's shape, key by key, for those whom the update concerns."""

from datetime import timedelta

import pytest

from levqor.hooks.models import Delivery, HookMessage
from status.component_states import ComponentState
from status.hooks import add_endpoint
from status.incidents import move_maintenances, post_update
from status.models import IncidentStatus, Subscriber, SubscriberState
from status.statuspage_schema import Webhook
from status.tests.make import NOON, SUPPORT, component, make_incident, make_maintenance, make_update

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def subscriber() -> Subscriber:
    row = Subscriber.objects.create(email="ada@example.com", state=SubscriberState.ACTIVE, asked_at=NOON)
    add_endpoint(row, "https://hooks.example.com/status", at=NOON)
    return row


def sent() -> list[Webhook]:
    return [Webhook.model_validate_json(row.body) for row in HookMessage.objects.order_by("pk")]


def test_an_incident_is_told_from_its_beginning_to_its_postmortem() -> None:
    incident = make_incident(at=NOON, api=ComponentState.PARTIAL)
    for status, body in ((IncidentStatus.RESOLVED, "Fixed."), (IncidentStatus.POSTMORTEM, "A disk was full.")):
        post_update(incident, make_update(status, body), by=SUPPORT, at=NOON + HOUR)

    first, resolved, postmortem = sent()
    assert first.page.model_dump() == {
        "id": "levqorstatus",
        "status_indicator": "major",
        "status_description": "Partial System Outage",
    }
    assert [row.status for row in first.incident.components] == ["partial_outage"]
    assert resolved.page.status_indicator == "none"
    assert [row.incident.postmortem_body for row in (first, resolved, postmortem)] == [None, None, "A disk was full."]


def test_maintenance_is_told_when_it_is_planned_and_when_it_begins() -> None:
    make_maintenance(start=NOON + HOUR, end=NOON + 2 * HOUR)
    move_maintenances(at=NOON + HOUR)

    planned, begun = sent()
    assert [row.incident.status for row in (planned, begun)] == ["scheduled", "in_progress"]
    assert [row.page.status_indicator for row in (planned, begun)] == ["none", "maintenance"]
    assert planned.incident.scheduled_for == "2026-03-04T13:00:00.000Z"


def test_those_whom_it_does_not_concern_are_not_called(subscriber: Subscriber) -> None:
    Subscriber.objects.update(wants_all=False)
    subscriber.components.set([component("jobs")])

    make_incident(api=ComponentState.PARTIAL)

    assert not HookMessage.objects.exists()


def test_who_unsubscribed_is_not_called_any_more() -> None:
    Subscriber.objects.update(state=SubscriberState.ENDED)

    make_incident()

    assert not Delivery.objects.exists()
