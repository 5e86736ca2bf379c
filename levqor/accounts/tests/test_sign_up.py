import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from levqor.accounts.models import User
from levqor.accounts.tests.make import PASSWORD, code_sent_to, is_signed_in, make_user, newest_mail
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db

NEW = {"email": "ada@example.com", "password1": PASSWORD}


def test_signing_up_proves_the_address_by_a_code(client: Client) -> None:
    answer = client.post("/accounts/signup/", NEW)

    assert (answer.status_code, is_signed_in(client)) == (302, False)
    assert newest_mail().name == "accounts/email_confirmation_signup"
    assert not EmailAddress.objects.get().verified

    client.post(answer.headers["Location"], {"code": code_sent_to()})

    assert is_signed_in(client)
    assert EmailAddress.objects.get().verified


def test_a_wrong_code_proves_nothing_and_three_end_it(client: Client) -> None:
    page = client.post("/accounts/signup/", NEW).headers["Location"]

    first = client.post(page, {"code": "WRONGC"})
    client.post(page, {"code": "WRONGC"})
    client.post(page, {"code": "WRONGC"})
    client.post(page, {"code": code_sent_to()})

    assert "This code is not right" in first.content.decode()
    assert not is_signed_in(client)
    assert not EmailAddress.objects.get().verified


def test_an_address_that_is_taken_looks_the_same_from_outside() -> None:
    make_user("taken@example.com")
    browsers = {"new@example.com": Client(), "taken@example.com": Client()}

    answers = [browser.post("/accounts/signup/", NEW | {"email": email}) for email, browser in browsers.items()]
    pages = [browser.get("/accounts/confirm-email/").content.decode() for browser in browsers.values()]

    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {
        (302, "/accounts/confirm-email/")
    }
    assert "already" not in pages[1]
    assert newest_mail("taken@example.com").name == "accounts/account_already_exists"
    assert User.objects.count() == 2


@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.com"])
def test_a_poor_password_is_refused_and_the_address_is_kept(client: Client, password: str) -> None:
    answer = client.post("/accounts/signup/", NEW | {"password1": password})

    assert answer.status_code == 200
    assert 'value="ada@example.com"' in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "ada@example.com\r\nBcc: eve@example.com", "a" * 300 + "@example.com", "a\0da@example.com"],
)
def test_what_is_no_address_is_refused(client: Client, email: str) -> None:
    answer = client.post("/accounts/signup/", NEW | {"email": email})

    assert answer.status_code == 200
    assert not User.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_an_address_in_another_case_is_the_same_person(client: Client) -> None:
    make_user("ada@example.com")

    client.post("/accounts/signup/", NEW | {"email": "ADA@Example.com"})

    assert User.objects.count() == 1
