"""Changing the address one signs in with."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from levqor.accounts.tests.make import code_sent_to, make_user, newest_mail, sign_in
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db

PAGE = "/accounts/email/"


def add(client: Client, email: str) -> str:
    return str(client.post(PAGE, {"email": email, "action_add": ""}).headers["Location"])


def test_a_new_address_counts_once_its_code_was_entered(client: Client) -> None:
    user = make_user()
    sign_in(client)
    page = add(client, "new@example.com")
    assert not EmailAddress.objects.filter(email="new@example.com", verified=True).exists()

    client.post(page, {"code": code_sent_to("new@example.com")})
    client.post(PAGE, {"email": "new@example.com", "action_primary": ""})

    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert newest_mail("ada@example.com").name == "accounts/email_changed"


def test_an_unproven_address_cannot_be_the_one_to_sign_in_with(client: Client) -> None:
    user = make_user()
    sign_in(client)
    add(client, "new@example.com")

    client.post(PAGE, {"email": "new@example.com", "action_primary": ""})

    user.refresh_from_db()
    assert user.email == "ada@example.com"


def test_somebody_elses_address_is_not_given_away(client: Client) -> None:
    make_user("bob@example.com")
    make_user()
    sign_in(client)

    known, unknown = add(client, "bob@example.com"), add(client, "nobody@example.com")

    assert known == unknown
    assert not EmailAddress.objects.filter(user__email="ada@example.com", email="bob@example.com").exists()
    assert "email_confirmation" not in set(
        OutgoingMail.objects.filter(to_email="bob@example.com").values_list("name", flat=True)
    )


def test_the_last_address_cannot_be_removed(client: Client) -> None:
    make_user()
    sign_in(client)

    client.post(PAGE, {"email": "ada@example.com", "action_remove": ""})

    assert EmailAddress.objects.filter(email="ada@example.com").exists()
