"""Two at the same moment: no limit is passed, and nothing is made twice."""

from datetime import timedelta

import pytest

from levqor.hooks.models import Endpoint
from status.component_states import ComponentState
from status.hooks import MOST, EndpointRefusedError, add_endpoint
from status.incidents import RefusedError, draft_incident, post_update
from status.models import Component, Incident, Notice, Subscriber, SubscriberState
from status.subscriptions import write_notices
from status.tests.make import NOON, SUPPORT, component, make_incident, make_update
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def make_subscriber(email: str = "ada@example.com") -> Subscriber:
    return Subscriber.objects.create(email=email, state=SubscriberState.ACTIVE, asked_at=NOON)


def test_eight_addresses_at_once_stay_within_the_limit() -> None:
    subscriber = make_subscriber()

    def add(number: int) -> bool:
        try:
            add_endpoint(subscriber, f"https://{number}.example.com/", at=NOON)
        except EndpointRefusedError:
            return False
        return True

    assert sum(together(8, add)) == MOST
    assert Endpoint.objects.count() == MOST


def test_a_button_pressed_eight_times_at_once_says_it_once() -> None:
    incident = make_incident()

    def press(_: int) -> bool:
        row = Incident.objects.get(pk=incident.pk)
        try:
            post_update(row, make_update(body="Still looking."), by=SUPPORT, at=NOON, seen=1)
        except RefusedError:
            return False
        return True

    assert sum(together(8, press)) == 1
    assert incident.updates.count() == 2


def test_eight_processes_draft_one_incident() -> None:
    api: Component = component()

    together(8, lambda _: draft_incident(api, ComponentState.MAJOR, since=NOON, at=NOON + timedelta(seconds=20)))

    assert Incident.objects.count() == 1


def test_eight_workers_write_each_notice_once() -> None:
    for number in range(40):
        make_subscriber(f"{number}@example.com")
    make_incident()

    taken = together(8, lambda _: write_notices(at=NOON))

    assert sum(taken) == Notice.objects.count() == 40
