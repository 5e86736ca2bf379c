"""Mail trap: "who should get these" instead of unsubscribing, behind a signed link, for all notices but the last."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from billing.emails import masked
from billing.models import ReminderPreference
from billing.pay_links import account_of_token, pay_url, reminders_url
from billing.tests.make import Scene
from levqor.accounts.models import AccountContact
from levqor.audit.models import AuditEntry
from levqor.mail.models import OutgoingMail, Suppression

NEW = {"to": "other", "email": "accounts@example.com"}


def link(scene: Scene) -> str:
    """The address in the first reminder of a new case."""
    scene.fail(next_attempt=None)
    return urlsplit(reminders_url(scene.account())).path


def recipients() -> list[str]:
    sent = OutgoingMail.objects.filter(status="sent", name__contains="_notice").order_by("sent_at")
    return list(sent.values_list("to_email", flat=True))


def test_reminders_go_where_the_customer_wants_and_the_final_notice_to_the_billing_address(scene: Scene) -> None:
    assert Client().post(link(scene), NEW).status_code == 302

    for day in (1, 7, 14):
        scene.run(day=day)

    assert recipients() == ["accounts@example.com", "accounts@example.com", "payer@example.com"]
    assert scene.account().standing == "suspended"


def test_every_reminder_carries_the_link_in_both_parts(scene: Scene) -> None:
    path = link(scene)
    scene.run(day=1)

    mail = OutgoingMail.objects.get()
    assert path in mail.text_body
    assert path in mail.html_body


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing_and_tells_no_address(scene: Scene, method: str) -> None:
    answer = getattr(Client(), method)(link(scene))

    assert answer.status_code == 200
    assert not ReminderPreference.objects.exists()
    assert "payer@example.com" not in answer.content.decode()
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("same-origin", "noindex")


def test_a_contact_is_chosen_by_its_place(scene: Scene) -> None:
    path = link(scene)
    AccountContact.objects.create(account=scene.account(), email="second@example.com")

    Client().post(path, {"to": "1"})
    scene.run(day=1)

    assert recipients() == ["second@example.com"]


def test_choosing_the_billing_address_again_is_the_default(scene: Scene) -> None:
    path = link(scene)
    Client().post(path, NEW)

    Client().post(path, {"to": "0"})

    assert not ReminderPreference.objects.exists()


def test_the_billing_address_hears_of_every_change(scene: Scene) -> None:
    path = link(scene)

    for _ in range(2):
        Client().post(path, NEW)

    mail = OutgoingMail.objects.get(name="billing/reminders_changed")
    assert mail.to_email == "payer@example.com"
    assert "a…s@example.com" in mail.text_body
    assert AuditEntry.objects.about(scene.account()).filter(verb="reminders.redirected").count() == 1


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"to": "other"},
        {"to": "other", "email": "nonsense"},
        {"to": "7"},
        {"to": "other", "email": "jörg@example.com"},
    ],
)
def test_what_cannot_be_used_is_said_at_the_field(scene: Scene, answers: dict[str, str]) -> None:
    answer = Client().post(link(scene), answers)

    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not ReminderPreference.objects.exists()


def test_a_dead_choice_falls_back_to_the_billing_address(scene: Scene) -> None:
    Client().post(link(scene), NEW)
    Suppression.objects.create(email="accounts@example.com", reason="bounce", suppressed_at=scene.now)

    scene.run(day=1)

    assert recipients() == ["payer@example.com"]


@pytest.mark.parametrize("token", ["1", "1.x", "nonsense", "é"])
def test_a_link_that_we_did_not_sign_opens_nothing(scene: Scene, token: str) -> None:
    link(scene)

    assert Client().post(f"/billing/reminders/{token}", NEW).status_code == 404


def test_the_link_to_pay_does_not_open_the_choice(scene: Scene) -> None:
    link(scene)
    token = pay_url(scene.case(scene.fail(next_attempt=None))).rsplit("/", 1)[1]

    assert account_of_token(token) is None


@pytest.mark.parametrize(
    ("address", "shown"), [("anna@example.com", "a…a@example.com"), ("ab@example.com", "a…@example.com")]
)
def test_addresses_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown
