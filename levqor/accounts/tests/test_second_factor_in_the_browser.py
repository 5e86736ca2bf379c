"""Passkeys and authenticator apps as people use them: Chromium with an authenticator of its own, and codes by the clock."""

import time
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import expect

from levqor.accounts.tests.make import PASSWORD, make_user
from testing.browser import OpenBrowser, Window

pytestmark = pytest.mark.proof

# A device with a fingerprint reader that says yes each time: https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
PERIOD_SECONDS = 30
WRONG_CODE = "This code is not right. Check it, or use a newer one."


@pytest.fixture
def window(open_browser: OpenBrowser) -> Window:
    """Ada's browser, on a device that keeps passkeys, signed in by her password."""
    make_user()
    window = open_browser()
    session = window.page.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    type_password(window)
    return window


def type_password(window: Window) -> None:
    window.go("/accounts/login/")
    window.page.get_by_label("Email address", exact=True).fill("ada@example.com")
    window.submit("Password", PASSWORD)


def sign_out(window: Window) -> None:
    window.go("/accounts/logout/")
    window.page.get_by_role("main").get_by_role("button", name="Sign out").click()
    assert not is_signed_in(window)


def is_signed_in(window: Window) -> bool:
    return urlsplit(window.go("/accounts/email/").url).path == "/accounts/email/"


def set_up(window: Window, button: str) -> None:
    """From the page of second factors to the form behind this button; the password is asked for on the way."""
    window.go("/accounts/2fa/")
    window.click(button)
    window.submit("Password", PASSWORD)


def add_key(window: Window, *, is_passkey: bool) -> None:
    set_up(window, "Add a key")
    window.page.get_by_label("Use it as a passkey").set_checked(is_passkey)
    window.click("Add a key")
    expect(window.page.get_by_text("Your key is added.")).to_be_visible()


def code_for(secret: str) -> str:
    """The code that the person's app shows: a fresh one where the old is about to run out."""
    left = PERIOD_SECONDS - time.time() % PERIOD_SECONDS
    if left < 10:
        time.sleep(left)
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // PERIOD_SECONDS)))


def set_up_app(window: Window) -> tuple[str, list[str]]:
    """The secret and the recovery codes, both as the pages show them."""
    set_up(window, "Set up")
    secret = window.page.get_by_label("Secret for typing in by hand").input_value()
    window.submit("Code from the app", code_for(secret))
    codes = window.page.get_by_label("Keep these codes in a safe place").input_value()
    return secret, codes.split()


def test_a_passkey_signs_in_without_a_password(window: Window) -> None:
    add_key(window, is_passkey=True)
    sign_out(window)

    window.go("/accounts/login/")
    window.click("Sign in with a passkey")
    expect(window.page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()

    assert is_signed_in(window)


def test_a_key_is_the_second_step_after_a_password(window: Window) -> None:
    add_key(window, is_passkey=False)
    sign_out(window)

    type_password(window)
    assert not is_signed_in(window)
    window.click("Use a passkey or security key")
    expect(window.page.get_by_text("You are signed in as ada@example.com.")).to_be_visible()

    assert is_signed_in(window)


def test_a_passkey_that_was_removed_signs_nobody_in(window: Window) -> None:
    add_key(window, is_passkey=True)
    window.go("/accounts/2fa/webauthn/")
    window.click("Remove")
    window.click("Remove")
    sign_out(window)

    window.go("/accounts/login/")
    window.click("Sign in with a passkey")

    expect(window.page.get_by_text("This passkey or security key was not accepted.")).to_be_visible()
    assert not is_signed_in(window)


def test_a_code_of_the_app_is_the_second_step_and_a_wrong_one_says_so(window: Window) -> None:
    secret, _ = set_up_app(window)
    sign_out(window)

    type_password(window)
    window.submit("Code", "000000")
    assert WRONG_CODE in window.text
    assert window.barriers() == []
    window.submit("Code", code_for(secret))

    assert is_signed_in(window)


def test_a_recovery_code_signs_in_once(window: Window) -> None:
    _, codes = set_up_app(window)

    sign_out(window)
    type_password(window)
    window.submit("Code", codes[0])
    assert is_signed_in(window)
    sign_out(window)
    type_password(window)
    window.submit("Code", codes[0])

    assert WRONG_CODE in window.text
    window.submit("Code", codes[1])
    assert is_signed_in(window)
