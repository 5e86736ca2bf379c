from datetime import timedelta

import pytest
from django.test import Client
from time_machine import TimeMachineFixture

from levqor.accounts.adapter import PER_ADDRESS
from levqor.accounts.tests.make import NOW, PASSWORD, code_sent_to, is_signed_in, make_user, newest_mail, sign_in
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import WIPED, deliver

pytestmark = pytest.mark.django_db


def ask_for_code(client: Client, email: str = "ada@example.com") -> str:
    """Asks for a sign-in code; the address of the page that takes it."""
    return str(client.post("/accounts/login/code/", {"email": email}).headers["Location"])


def test_a_code_from_the_mail_signs_in(client: Client) -> None:
    make_user()
    page = ask_for_code(client)
    assert not is_signed_in(client)

    client.post(page, {"code": code_sent_to()})

    assert is_signed_in(client)


def test_a_wrong_code_does_not_and_three_end_it(client: Client) -> None:
    make_user()
    page = ask_for_code(client)

    answers = [client.post(page, {"code": "WRONGC"}) for _ in range(3)]
    client.post(page, {"code": code_sent_to()})

    assert "This code is not right" in answers[0].content.decode()
    assert not is_signed_in(client)


def test_a_code_is_good_in_the_browser_that_asked_for_it_alone(client: Client) -> None:
    make_user()
    page = ask_for_code(client)
    stranger = Client()
    ask_for_code(stranger, "eve@example.com")

    stranger.post(page, {"code": code_sent_to()})

    assert not is_signed_in(stranger)


def test_an_unknown_address_looks_the_same_and_is_told_by_mail(client: Client) -> None:
    make_user()

    pages = [ask_for_code(client), ask_for_code(Client(), "nobody@example.com")]

    assert pages[0] == pages[1]
    assert newest_mail("nobody@example.com").name == "accounts/unknown_account"


def test_the_mail_with_a_code_is_secret_and_wiped_once_sent(client: Client) -> None:
    make_user()
    ask_for_code(client)
    mail = newest_mail()

    deliver(mail, at=mail.created_at)

    mail.refresh_from_db()
    assert (mail.is_secret, mail.status, mail.text_body, mail.html_body) == (True, "sent", WIPED, WIPED)


def test_the_password_signs_in(client: Client) -> None:
    make_user()

    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


def test_an_unproven_address_must_be_proven_first(client: Client) -> None:
    make_user(is_verified=False)

    answer = sign_in(client)

    assert (answer.status_code, is_signed_in(client)) == (302, False)
    client.post(answer.headers["Location"], {"code": code_sent_to()})
    assert is_signed_in(client)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: Client) -> None:
    make_user()

    pages = [sign_in(client, email, "wrong").content.decode() for email in ("ada@example.com", "nobody@example.com")]

    assert "do not belong together" in pages[0]
    assert "do not belong together" in pages[1]
    assert not is_signed_in(client)


def test_guessing_is_stopped_for_the_address_and_for_nobody_else(client: Client) -> None:
    make_user()
    make_user("bob@example.com")
    for _ in range(5):
        sign_in(client, password="wrong")

    refused = sign_in(client)

    assert "Too many attempts" in refused.content.decode()
    assert not is_signed_in(client)
    sign_in(client, "bob@example.com")
    assert is_signed_in(client)


def test_guessing_from_many_addresses_of_one_ipv6_network_is_one_guesser(client: Client) -> None:
    answers = [
        client.post(
            "/accounts/login/", {"login": f"u{n}@example.com", "password": "x"}, REMOTE_ADDR=f"2001:db8:1:2::{n:x}"
        )
        for n in range(1, 40)
    ]

    assert answers[-1].status_code == 429 or "Too many attempts" in answers[-1].content.decode()


def test_nobodys_mailbox_can_be_filled_from_here(time_machine: TimeMachineFixture) -> None:
    """Whatever the network and the door: allauth's own limits are per minute, ours is for the hour."""
    make_user()
    statuses = []
    for minute in range(PER_ADDRESS.per_hour + 4):
        time_machine.move_to(NOW + timedelta(minutes=minute))
        door = ("/accounts/login/code/", "/accounts/password/reset/")[minute % 2]
        answer = Client().post(door, {"email": "ada@example.com"}, REMOTE_ADDR=f"203.0.113.{minute}")
        statuses.append(answer.status_code)

    assert statuses == [302] * PER_ADDRESS.per_hour + [429] * 4
    assert OutgoingMail.objects.filter(to_email="ada@example.com").count() == PER_ADDRESS.per_hour


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(client: Client, target: str) -> None:
    make_user()

    answer = sign_in(client, next=target)

    assert "evil" not in answer.headers["Location"]
    assert answer.headers["Location"].startswith("/")


def test_a_person_who_was_switched_off_is_out_at_once(client: Client) -> None:
    user = make_user()
    sign_in(client)
    assert client.get("/accounts/email/").status_code == 200

    user.is_active = False
    user.save(update_fields=["is_active"])

    assert client.get("/accounts/email/").status_code == 302
    assert not is_signed_in_after(sign_in(Client()))


def is_signed_in_after(answer: object) -> bool:
    return "_auth_user_id" in answer.client.session  # type: ignore[attr-defined]


def test_changing_the_password_ends_the_other_sessions(client: Client) -> None:
    make_user()
    elsewhere = Client()
    sign_in(elsewhere)
    sign_in(client)
    new = "another long pass phrase"

    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert client.get("/accounts/email/").status_code == 200
    assert elsewhere.get("/accounts/email/").status_code == 302


def test_a_forgotten_password_is_set_anew_with_a_code(client: Client) -> None:
    make_user()
    page = client.post("/accounts/password/reset/", {"email": "ada@example.com"}).headers["Location"]
    new = "another long pass phrase"

    form = client.post(page, {"code": code_sent_to()}).headers["Location"]
    client.post(form, {"password1": new, "password2": new})

    assert sign_in(Client(), password=new).status_code == 302
    assert sign_in(Client()).status_code == 200


def test_a_forgotten_password_of_nobody_looks_the_same(client: Client) -> None:
    make_user()

    pages = [
        Client().post("/accounts/password/reset/", {"email": email}).headers["Location"]
        for email in ("ada@example.com", "nobody@example.com")
    ]

    assert pages[0] == pages[1]


def test_signing_out_asks_first(client: Client) -> None:
    make_user()
    sign_in(client)

    client.get("/accounts/logout/")
    assert is_signed_in(client)
    client.post("/accounts/logout/")

    assert not is_signed_in(client)
