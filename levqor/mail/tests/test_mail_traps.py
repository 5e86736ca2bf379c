"""The traps of Resend and Anymail: what is signed, what is told twice, what arrived, and what only looks as if it did."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from levqor.mail.models import OutgoingMail, Suppression, TrackingEvent
from levqor.mail.outbox import deliver, send
from levqor.mail.tracking import apply_left_over
from testing.fake_resend import FakeResend
from testing.resend_webhooks import SUPPRESSED, sign

PATH = "/anymail/resend/tracking/"
AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
SECONDS = int(AT.timestamp())


@pytest.fixture
def resend(db: None, settings: Settings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.RESEND_API_KEY = fake.api_key
        settings.RESEND_SIGNING_SECRET = fake.secret
        settings.MAILERS = {
            "default": {
                "BACKEND": "levqor.mail.backends.ResendBackend",
                "OPTIONS": {"api_key": fake.api_key, "api_url": fake.url},
            }
        }
        yield fake


def send_mail(to: str = "payer@example.com", key: str = "one") -> OutgoingMail:
    context = {"account_name": "Payer Ltd", "invoice": {"number": "A-1", "amount": "£9.00"}, "others": []}
    mail = send("billing/recovered", to, context, key=key, at=AT)
    deliver(mail, at=AT)
    mail.refresh_from_db()
    return mail


def report(fake: FakeResend, kind: str, mail: OutgoingMail, at: int = SECONDS, **details: Any) -> int:
    """Resend tells us of the mail; the status of our answer."""
    body, headers = fake.webhook(f"email.{kind}", mail.provider_id, at=at, **details)
    answer = Client().post(PATH, data=body, content_type="application/json", headers=headers)
    mail.refresh_from_db()
    return answer.status_code


# The door


def test_without_a_signing_secret_the_door_is_shut(resend: FakeResend, settings: Settings) -> None:
    mail = send_mail()
    settings.RESEND_SIGNING_SECRET = ""

    assert report(resend, "bounced", mail) == 403
    assert mail.bounced_at is None


def test_what_resend_did_not_sign_is_refused(resend: FakeResend) -> None:
    mail = send_mail()
    body, headers = resend.webhook("email.bounced", mail.provider_id, secret="whsec_c3RyYW5nZXI=")

    assert Client().post(PATH, data=body, content_type="application/json", headers=headers).status_code == 400
    assert not TrackingEvent.objects.exists()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b'{"type": 3, "data": null}', b"\xff", b'"email.bounced"'])
def test_a_signed_body_that_is_no_event_is_a_clear_error_or_nothing(resend: FakeResend, body: bytes) -> None:
    headers = sign(body, "msg_odd", int(timezone.now().timestamp()), resend.secret)

    answer = Client().post(PATH, data=body, content_type="application/json", headers=headers)

    assert answer.status_code in {200, 400}
    assert not TrackingEvent.objects.exists()


def test_a_secret_that_is_no_secret_keeps_the_door_shut(resend: FakeResend, settings: Settings) -> None:
    mail = send_mail()
    settings.RESEND_SIGNING_SECRET = "whsec_!"

    assert report(resend, "bounced", mail) in {400, 403}


@pytest.mark.parametrize(
    "path", ["/anymail/postmark/tracking/", "/anymail/resend/inbound/", "/anymail/sendgrid/tracking/"]
)
def test_doors_for_other_providers_do_not_exist(resend: FakeResend, client: Client, path: str) -> None:
    assert client.post(path, data="[]", content_type="application/json").status_code == 404


# Told twice, told early


def test_a_repost_counts_once(resend: FakeResend) -> None:
    mail = send_mail()

    assert [report(resend, "opened", mail) for _ in range(3)] == [200, 200, 200]

    assert (mail.open_count, TrackingEvent.objects.count()) == (1, 1)


def test_an_event_that_came_before_the_mail_knew_its_id_is_applied_when_it_does(resend: FakeResend) -> None:
    mail = send_mail()
    known = mail.provider_id
    OutgoingMail.objects.update(provider_id="")
    report(resend, "delivered", OutgoingMail(pk=mail.pk, provider_id=known))
    OutgoingMail.objects.update(provider_id=known)

    apply_left_over(at=AT)

    mail.refresh_from_db()
    assert mail.delivered_at == AT


@pytest.mark.parametrize("fault", [ValueError("of a listener"), OperationalError("deadlock detected")])
def test_what_could_not_be_applied_at_first_is_applied_once_by_a_later_pass(
    resend: FakeResend, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    mail = send_mail()

    def fail(*args: object, **kwargs: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr("levqor.mail.tracking.emit", fail)
        assert report(resend, "opened", mail) == 200
    assert mail.open_count == 0

    for _ in range(2):
        apply_left_over(at=AT)

    mail.refresh_from_db()
    assert (mail.open_count, mail.opened_at) == (1, AT)


def test_a_repost_repairs_what_its_first_delivery_left_unapplied(
    resend: FakeResend, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = send_mail()
    with monkeypatch.context() as broken:
        broken.setattr("levqor.mail.tracking.apply_event", lambda row: None)
        report(resend, "bounced", mail)

    report(resend, "bounced", mail)

    assert mail.bounced_at == AT


def test_first_and_last_open_are_kept_in_whatever_order_they_are_told(resend: FakeResend) -> None:
    mail = send_mail()

    for minutes in (5, 1, 9):
        report(resend, "opened", mail, at=SECONDS + minutes * 60)

    first, last = AT + timedelta(minutes=1), AT + timedelta(minutes=9)
    assert (mail.opened_at, mail.last_opened_at, mail.open_count) == (first, last, 3)


# Bounces


@pytest.mark.parametrize(
    ("bounce", "kind"),
    [
        ({"type": "Permanent", "subType": "General", "message": "A hard bounce message."}, "permanent"),
        ({"type": "Transient", "subType": "MailboxFull", "message": "The inbox was full."}, "transient"),
        ({"type": "Undetermined", "message": "Nobody knows."}, "unknown"),
        ({"message": "Le serveur a refusé le message."}, "unknown"),
        ({}, "unknown"),
        (SUPPRESSED, "blocked"),
    ],
)
def test_the_kind_of_a_bounce_is_read_from_the_raw_text(resend: FakeResend, bounce: dict[str, str], kind: str) -> None:
    mail = send_mail()

    assert report(resend, "bounced", mail, bounce=bounce) == 200

    assert (mail.bounced_at, mail.bounce_kind) == (AT, kind)
    assert bounce.get("message", "") in mail.bounce_detail


@pytest.mark.parametrize(("kind", "is_dead"), [("Permanent", True), ("Undetermined", False), ("Transient", False)])
def test_only_a_bounce_for_good_makes_a_dead_address(resend: FakeResend, kind: str, is_dead: bool) -> None:
    mail = send_mail()

    report(resend, "bounced", mail, bounce={"type": kind, "message": "No."})

    assert bool(Suppression.objects.among(["Payer@Example.com"])) is is_dead


@pytest.mark.parametrize("order", [["suppressed", "delivered"], ["delivered", "suppressed"]])
def test_a_blocked_mail_is_never_delivered(resend: FakeResend, order: list[str]) -> None:
    mail = send_mail()

    for kind in order:
        report(resend, kind, mail)

    assert (mail.delivered_at, mail.bounce_kind) == (None, "blocked")
    assert Suppression.objects.get().reason == "blocked"


def test_a_failure_that_anymail_does_not_map_is_read_from_the_raw_event(resend: FakeResend) -> None:
    mail = send_mail()

    report(resend, "failed", mail)

    assert (mail.bounced_at, mail.bounce_detail) == (AT, "reached_daily_quota")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("kind", ["sent", "scheduled", "delivery_delayed", "received", "never_heard_of"])
def test_other_events_change_nothing(resend: FakeResend, kind: str) -> None:
    mail = send_mail()

    assert report(resend, kind, mail) == 200
    assert (mail.delivered_at, mail.bounced_at, mail.opened_at) == (None, None, None)


# What leaves


def test_no_mail_goes_to_a_dead_address_again(resend: FakeResend) -> None:
    report(resend, "complained", send_mail())

    assert send_mail(key="two").status == "failed"
    assert len(resend.mails) == 1


def test_a_mailbox_name_beyond_ascii_ends_in_a_failure_that_says_so(resend: FakeResend) -> None:
    mail = send_mail(to="jörg@example.com")

    assert mail.status == "failed"
    assert "422" in mail.error
    assert deliver(mail, at=AT + timedelta(hours=1)) == "failed"


def test_each_mail_has_one_recipient_and_tells_nothing_in_its_headers(resend: FakeResend) -> None:
    send_mail()

    body = resend.mails[0].body
    assert body["to"] == ["payer@example.com"]
    assert not {"cc", "bcc", "tags"} & body.keys()
    assert "x-metadata" not in json.dumps(body).lower()


def test_a_provider_that_asks_for_patience_gets_it(resend: FakeResend) -> None:
    resend.fail_next(status=429, retry_after=900)

    mail = send_mail()

    assert (mail.status, mail.next_attempt_at) == ("pending", AT + timedelta(minutes=15))
