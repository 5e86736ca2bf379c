import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from time_machine import TimeMachineFixture

from levqor.accounts.tests.make import NOW, is_signed_in, make_user, prove_it_is_you, sign_in
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_moment(time_machine: TimeMachineFixture) -> None:
    """A code holds for half a minute: none ends in the middle of a test."""
    time_machine.move_to(NOW, tick=False)


def code_for(secret: str) -> str:
    """The code that the person's app shows now."""
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def enrol(client: Client) -> str:
    """Switches the authenticator app on for whoever is signed in; its secret."""
    prove_it_is_you(client)
    client.get("/accounts/2fa/totp/activate/")
    secret = str(client.session["mfa.totp.secret"])
    client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})
    return secret


def names_of_mails(to: str = "ada@example.com") -> set[str]:
    return set(OutgoingMail.objects.filter(to_email=to).values_list("name", flat=True))


def test_an_authenticator_app_is_switched_on_with_its_first_code(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    user = make_user()
    sign_in(client)

    prove_it_is_you(client)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = str(client.session["mfa.totp.secret"])
    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert not Authenticator.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})

    assert secret in page
    assert "This code is not right" in wrong.content.decode()
    assert set(Authenticator.objects.filter(user=user).values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert "accounts/totp_activated" in names_of_mails()


def test_after_that_the_password_alone_does_not_sign_in(client: Client) -> None:
    make_user()
    sign_in(client)
    secret = enrol(client)
    other = Client()

    page = sign_in(other).headers["Location"]
    wrong = other.post(page, {"code": "000000"})

    assert (page, is_signed_in(other)) == ("/accounts/2fa/authenticate/", False)
    assert "This code is not right" in wrong.content.decode()
    other.post(page, {"code": code_for(secret)})
    assert is_signed_in(other)


def test_a_code_signs_in_once(client: Client) -> None:
    make_user()
    sign_in(client)
    code = code_for(enrol(client))
    first, second = Client(), Client()

    for browser in (first, second):
        browser.post(sign_in(browser).headers["Location"], {"code": code})

    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


def test_a_recovery_code_stands_in_for_a_lost_telephone(client: Client) -> None:
    make_user()
    sign_in(client)
    enrol(client)
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    other = Client()

    other.post(sign_in(other).headers["Location"], {"code": code})

    assert is_signed_in(other)


def test_a_session_proves_itself_before_it_changes_how_one_signs_in(client: Client) -> None:
    make_user()
    sign_in(client)

    answer = client.get("/accounts/2fa/totp/activate/")

    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    prove_it_is_you(client)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
