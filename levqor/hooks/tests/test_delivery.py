"""Telling what happened: signed, once for each key, retried, given up, replayed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from levqor.audit.models import AuditEntry
from levqor.hooks.delivery import PAUSES, announce, deliver, deliver_due, forget_old, send_test
from levqor.hooks.models import Delivery, DeliveryStatus, Endpoint, HookMessage
from levqor.hooks.tests.make import NOON, make_delivery, make_endpoint
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError
from testing.fake_server import Answer, FakeServer, HangUpError, Request

pytestmark = pytest.mark.django_db
STAFF = Actor("staff", None)


class Receiver(FakeServer):
    """A customer's server: answers what it is told to, and keeps what it got."""

    answer = Answer(200, {"ok": True})

    def handle(self, request: Request) -> Answer:
        if self.answer.status == 0:
            raise HangUpError
        return self.answer


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.DEBUG = True  # which allows plain http to this machine
    with Receiver() as running:
        yield running


def test_it_is_told_and_signed(receiver: Receiver) -> None:
    delivery = make_delivery(url=f"{receiver.url}/hook")

    deliver(delivery, at=NOON)

    delivery.refresh_from_db()
    got = receiver.requests[0]
    assert delivery.status == DeliveryStatus.DELIVERED
    assert json.loads(got.body) == {
        "type": "claim.credited",
        "timestamp": "2026-03-04T12:00:00Z",
        "data": {"claim": "SLA-1"},
    }
    signed = Webhook(delivery.endpoint.secret).sign(got.headers["webhook-id"], NOON, got.body.decode())
    assert got.headers["webhook-signature"] == signed


def test_a_changed_body_does_not_fit_the_signature() -> None:
    secret = make_endpoint().secret
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify("{}", headers)


def test_the_same_key_is_announced_once() -> None:
    endpoint = make_endpoint()
    for _ in range(2):
        announce("claim.credited", {"claim": "SLA-1"}, key="claim:1", endpoints=[endpoint], at=NOON)

    assert (HookMessage.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.parametrize("status", [301, 400, 404, 500, 0])
def test_what_was_not_taken_is_tried_again_later(receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status, {}, {"Location": "http://169.254.169.254/"})
    delivery = make_delivery(url=receiver.url)

    deliver(delivery, at=NOON)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.PENDING, NOON + PAUSES[0])
    assert len(receiver.requests) == 1
    assert Endpoint.objects.get().failing_since == NOON


def test_a_receiver_may_ask_for_time(receiver: Receiver) -> None:
    receiver.answer = Answer(429, {}, {"Retry-After": "600"})
    delivery = make_delivery(url=receiver.url)

    deliver(delivery, at=NOON)

    delivery.refresh_from_db()
    assert delivery.next_attempt_at == NOON + timedelta(minutes=10)


def test_it_is_given_up_after_the_last_pause(receiver: Receiver) -> None:
    receiver.answer = Answer(500, {})
    delivery, at = make_delivery(url=receiver.url), NOON

    for pause in [*PAUSES, timedelta()]:
        delivery.refresh_from_db()
        deliver(delivery, at=at)
        Endpoint.objects.update(failing_since=at, disabled_at=None)
        at += pause

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, len(PAUSES) + 1)


def test_a_gone_address_is_switched_off(receiver: Receiver) -> None:
    receiver.answer = Answer(410, {})
    delivery = make_delivery(url=receiver.url)

    deliver(delivery, at=NOON)

    delivery.refresh_from_db()
    assert not Endpoint.objects.get().is_live
    assert delivery.status == DeliveryStatus.CANCELLED


def test_three_days_of_failures_switch_it_off(receiver: Receiver) -> None:
    receiver.answer = Answer(500, {})
    delivery = make_delivery(url=receiver.url, failing_since=NOON - timedelta(days=3, seconds=1))

    deliver(delivery, at=NOON)

    assert Endpoint.objects.get().disabled_reason == "Nothing was taken for three days."


def test_a_delivery_that_another_worker_holds_is_left_alone(receiver: Receiver) -> None:
    delivery = make_delivery(url=receiver.url)
    assert delivery.claim(at=NOON)

    assert deliver_due(at=NOON) == 0
    assert deliver_due(at=NOON + timedelta(seconds=61)) == 1


def test_a_replay_carries_the_same_id(receiver: Receiver) -> None:
    delivery = make_delivery(url=receiver.url)
    deliver(delivery, at=NOON)
    delivery.refresh_from_db()

    delivery.replay(by=STAFF, at=NOON, reason="They lost it.")
    deliver_due(at=NOON)

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_what_waits_cannot_be_replayed() -> None:
    with pytest.raises(IllegalMoveError):
        make_delivery().replay(by=STAFF, at=NOON)


def test_after_a_rotation_both_secrets_sign_for_a_day(receiver: Receiver) -> None:
    endpoint = make_endpoint(url=receiver.url)
    before = endpoint.secret
    after = endpoint.rotate_secret(at=NOON)

    assert endpoint.signing_secrets(at=NOON + timedelta(hours=23)) == [after, before]
    assert endpoint.signing_secrets(at=NOON + timedelta(hours=24)) == [after]


def test_a_test_goes_to_one_endpoint_alone(receiver: Receiver) -> None:
    make_endpoint(owner="accounts.account:2", url=f"{receiver.url}/other")
    mine = make_endpoint(url=receiver.url)

    delivery = send_test(mine, at=NOON)
    deliver_due(at=NOON)

    assert [request.path for request in receiver.requests] == ["/"]
    assert delivery.message.type == "endpoint.test"


def test_only_live_endpoints_that_want_the_event_are_found() -> None:
    wanted = make_endpoint()
    make_endpoint(url="https://other.example/", event_types=["key.expiring"])
    make_endpoint(url="https://off.example/", disabled_at=NOON)
    make_endpoint(owner="accounts.account:2")

    assert Endpoint.objects.wanting("accounts.account:1", "claim.credited") == [wanted]


def test_the_log_is_kept_for_thirty_days(receiver: Receiver) -> None:
    deliver(make_delivery(url=receiver.url), at=NOON)

    early, late = forget_old(at=NOON + timedelta(days=30)), forget_old(at=NOON + timedelta(days=31))

    assert early == 0
    assert late > 0
    assert not HookMessage.objects.exists()


def test_a_pass_that_slow_receivers_use_up_leaves_the_rest_for_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_delivery(url=f"{receiver.url}/one")
    make_delivery(key="claim:2", url=f"{receiver.url}/two")
    monkeypatch.setattr("levqor.hooks.delivery.PASS_SECONDS", -1.0)

    assert deliver_due(at=NOON) == 0
    monkeypatch.undo()
    assert deliver_due(at=NOON) == 2


def test_a_call_that_breaks_is_an_attempt_and_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    monkeypatch.setattr("levqor.hooks.delivery.post", Mock(side_effect=UnicodeError))

    assert deliver_due(at=NOON) == 1

    delivery.refresh_from_db()
    assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.PENDING, NOON + PAUSES[0])
    assert delivery.log.get().error == "The call failed on our side: UnicodeError."


def test_a_delivery_that_cannot_be_recorded_holds_up_no_other(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_delivery(url=f"{receiver.url}/one")
    fine = make_delivery(key="claim:2", url=f"{receiver.url}/two")
    settle = Delivery.settle

    def stumble(row: Delivery, *args: Any, **changes: Any) -> bool:
        if row.pk == broken.pk:
            raise RuntimeError("This row alone.")
        return settle(row, *args, **changes)

    monkeypatch.setattr(Delivery, "settle", stumble)

    assert deliver_due(at=NOON) == 1
    fine.refresh_from_db()
    assert fine.status == DeliveryStatus.DELIVERED


def test_switching_an_endpoint_off_and_on_is_recorded_once_each() -> None:
    endpoint = make_endpoint()

    changes = [
        endpoint.switch_off("They asked.", by=STAFF, at=NOON),
        endpoint.switch_off("They asked.", by=STAFF, at=NOON),
        endpoint.switch_on(by=STAFF, at=NOON, reason="It works."),
        endpoint.switch_on(by=STAFF, at=NOON),
    ]

    entries = AuditEntry.objects.about(endpoint).order_by("pk")
    assert changes == [True, False, True, False]
    assert [(entry.verb, entry.reason) for entry in entries] == [
        ("endpoint.switched_off", "They asked."),
        ("endpoint.switched_on", "It works."),
    ]
