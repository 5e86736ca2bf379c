import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing import gateway
from billing.inbox import process_due_events
from billing.models import PaymentFailure, StripeEvent, WebhookRefusal
from billing.sample_events import Sample, event
from billing.tests.make import SECRET, Scene
from billing.webhooks import sign

PATH = "/api/webhooks/stripe"


def body_of(**changes: object) -> bytes:
    return json.dumps(event("invoice.payment_failed", Sample(created=timezone.now())) | changes).encode()


def post(client: Client, body: bytes, *, secret: str = SECRET, at: datetime | None = None, signature: str = ""):  # type: ignore[no-untyped-def]  # Django's test response has no public type
    header = signature or sign(body, secret, at=at or timezone.now())
    return client.post(PATH, data=body, content_type="application/json", headers={"Stripe-Signature": header})


def test_a_signed_event_is_stored_and_acknowledged(scene: Scene, client: Client) -> None:
    body = body_of()

    answer = post(client, body)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert bytes(StripeEvent.objects.get().body) == body


def test_a_repeat_is_acknowledged_and_not_stored_again(scene: Scene, client: Client) -> None:
    body = body_of()

    answers = [post(client, body).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert StripeEvent.objects.count() == 1


def test_nothing_is_handled_inside_the_request(scene: Scene, client: Client) -> None:
    post(client, body_of())

    assert not PaymentFailure.objects.exists()


@pytest.mark.parametrize("shift", [timedelta(minutes=-6), timedelta(minutes=6), timedelta(days=1)])
def test_a_signature_from_more_than_five_minutes_off_is_refused(scene: Scene, client: Client, shift: timedelta) -> None:
    answer = post(client, body_of(), at=timezone.now() + shift)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert not StripeEvent.objects.exists()
    assert WebhookRefusal.objects.get().count == 1


@pytest.mark.parametrize(
    "signature",
    ["t=1,v1=00", "nonsense", "t=x,v1=y", "v1=abc", "t=99999999999999999999,v1=0", f"t={'9' * 5000},v1=0", "t=1,v1=ä"],
)
def test_a_header_that_signs_nothing_is_refused(scene: Scene, client: Client, signature: str) -> None:
    assert post(client, body_of(), signature=signature).status_code == 400


def test_an_old_delivery_is_not_made_young_by_a_second_timestamp(scene: Scene, client: Client) -> None:
    body, now = body_of(), timezone.now()
    old = sign(body, SECRET, at=now - timedelta(days=1))

    assert post(client, body, signature=f"{old},t={int(now.timestamp())}").status_code == 400
    assert post(client, body, signature=f"t={int(now.timestamp())},{old}").status_code == 400


def test_a_changed_byte_is_refused(scene: Scene, client: Client) -> None:
    body = body_of()
    header = sign(body, SECRET, at=timezone.now())

    assert post(client, body.replace(b"9900", b"9901"), signature=header).status_code == 400


def test_both_secrets_are_good_during_a_rotation(scene: Scene, client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_old"]

    assert [post(client, body_of(), secret=secret).status_code for secret in ("whsec_new", "whsec_old")] == [200, 200]


def test_without_a_secret_it_is_unavailable(scene: Scene, client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []

    assert post(client, body_of()).status_code == 503


def test_more_than_a_megabyte_is_refused(scene: Scene, client: Client) -> None:
    answer = post(client, b" " * 1_000_001)

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b'{"id": 7, "type": "x"}', b"{}"])
def test_a_signed_body_that_is_no_event_is_a_clear_error(scene: Scene, client: Client, body: bytes) -> None:
    answer = post(client, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_signed_bytes_that_are_no_text_are_a_clear_error(scene: Scene, client: Client) -> None:
    signed_at = int(timezone.now().timestamp())
    signature = hmac.new(SECRET.encode(), b"%d.\xff" % signed_at, "sha256").hexdigest()

    answer = post(client, b"\xff", signature=f"t={signed_at},v1={signature}")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    "odd",
    [
        {"data": None},
        {"data": {"object": 3}},
        {"created": "2026-11-01T10:00:00.000Z", "object": "v2.core.event", "data": None},
        {"created": 10**18},
        {"type": "never.heard.of"},
        {"id": "evt_\u0000nul"},
        {"id": "evt_\ud800"},
    ],
)
def test_thin_unknown_and_odd_events_are_stored_and_harm_nobody(
    scene: Scene, client: Client, odd: dict[str, object]
) -> None:
    assert post(client, body_of(**odd)).status_code == 200

    process_due_events(at=timezone.now())

    assert StripeEvent.objects.get().status in {"done", "ignored"}


def test_a_live_event_is_stored_and_ignored_in_test_mode(scene: Scene, client: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_of_no_account"
    post(client, body_of(livemode=True))

    process_due_events(at=timezone.now())

    assert StripeEvent.objects.get().status == "ignored"
    assert not PaymentFailure.objects.exists()


def test_other_methods_are_told_what_works(scene: Scene, client: Client) -> None:
    answer = client.get(PATH)

    assert (answer.status_code, answer.json()["code"], answer.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "POST, OPTIONS",
    )


def test_a_handler_that_fails_is_tried_again_and_shown_in_the_end(
    scene: Scene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> str:
        raise gateway.StripeUnavailableError("down")

    monkeypatch.setattr("billing.inbox.handle", broken)
    post(client, body_of())
    at = datetime.now(UTC)
    for day in range(1, 10):
        process_due_events(at=at + timedelta(days=day))

    event = StripeEvent.objects.get()
    assert (event.status, event.attempts, event.error) == ("failed", 8, "StripeUnavailableError: down")


def test_a_crash_in_the_door_is_a_problem_and_no_200(
    scene: Scene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> bool:
        raise OSError("disk full")

    monkeypatch.setattr("billing.webhooks.store_event", broken)
    client.raise_request_exception = False

    answer = post(client, body_of())

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_a_fault_of_a_handler_is_kept_with_its_event_and_stops_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise ValueError("odd")

    monkeypatch.setattr("billing.inbox.handle", broken)

    scene.fail()

    assert set(StripeEvent.objects.values_list("status", "attempts", "error")) == {("stored", 1, "ValueError: odd")}


def test_an_event_nested_beyond_reading_is_refused(scene: Scene, client: Client) -> None:
    body = b"[" * 100_000
    header = sign(body, SECRET, at=timezone.now())

    answer = client.post(
        "/api/webhooks/stripe", data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("odd", ["\ud800", "cus_\0", "\ud800\0"])
def test_ids_that_no_database_keeps_are_stored_without_what_makes_them_so(
    scene: Scene, client: Client, odd: str
) -> None:
    answer = post(client, body_of(type="invoice.paid", data={"object": {"id": odd, "customer": odd, "invoice": odd}}))

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert "\0" not in StripeEvent.objects.get().customer_id


def test_an_event_whose_data_is_no_object_fails_no_other(scene: Scene, client: Client) -> None:
    post(client, body_of(id="evt_odd", type="invoice.paid", data="x"))
    post(client, body_of(id="evt_nameless", data={"object": {"object": "invoice", "customer": "cus_1"}}))

    process_due_events(at=timezone.now())

    assert not StripeEvent.objects.filter(status="failed").exists()
    assert not StripeEvent.objects.exclude(error="").exists()
    assert not StripeEvent.objects.filter(status__in=["stored", "processing"]).exists()
