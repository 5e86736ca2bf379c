"""The journey from the landing page to the first 200 in a real browser, and what a browser measures of each page."""

import subprocess
from contextlib import suppress

import pytest
from playwright.sync_api import Error
from pytest_django import Settings

from developer.models import ApiKey
from developer.tests.make import make_account, make_key
from levqor.accounts.models import Membership, User
from levqor.accounts.tests.make import code_sent_to, make_user
from testing.browser import OpenBrowser

pytestmark = pytest.mark.proof

ADDRESS = "new@example.com"


@pytest.fixture
def ada(transactional_db: None) -> User:
    user = make_user()
    account = make_account()
    Membership.objects.create(account=account, user=user)
    make_key(account)
    return user


def test_from_the_landing_page_to_the_first_200_in_three_clicks(open_browser: OpenBrowser, settings: Settings) -> None:
    window = open_browser()
    settings.API_URL = window.base
    window.go("/developer")
    window.click("Get a key")
    window.page.locator("input[name=email]").fill(ADDRESS)
    window.page.locator("input[name=password1]").fill("correct horse battery staple")
    window.page.locator("input[name=password1]").press("Enter")
    window.page.wait_for_url("**/confirm-email/**")
    window.page.locator("input[name=code]").fill(code_sent_to(ADDRESS))
    window.page.locator("input[name=code]").press("Enter")
    window.page.wait_for_url("**/developer/start")
    line = window.page.locator("button.copy").nth(1).get_attribute("data-copy")

    done = subprocess.run(["sh", "-c", f"{line} -s -w ' %{{http_code}}'"], capture_output=True, text=True, check=True)

    assert done.stdout.endswith(" 200")
    # Get a key, sign up, confirm.
    assert window.clicks + 2 == 3
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_puts_up_a_barrier(open_browser: OpenBrowser, ada: User, width: int, scheme: str) -> None:
    window = open_browser(ada, width=width, scheme=scheme)  # type: ignore[arg-type]  # of the two that there are
    key = ApiKey.objects.get()
    found = {}

    for path in (
        "",
        "/docs",
        "/docs/errors/quota_exceeded",
        "/keys",
        f"/keys/{key.pk}/rotate",
        f"/keys/{key.pk}/revoke",
    ):
        page = window.go(f"/developer{path}")
        width_needed = page.evaluate("document.documentElement.scrollWidth")
        found[path] = (window.barriers(), width_needed > width)

    assert found == dict.fromkeys(found, ([], False))


def test_back_after_signing_out_shows_no_key(open_browser: OpenBrowser, ada: User) -> None:
    window = open_browser(ada)
    window.go("/developer/keys")
    window.page.get_by_label("Name").fill("laptop")
    window.click("Make the key")
    secret = window.page.locator("button.copy").first.get_attribute("data-copy") or ""
    assert secret in window.text

    window.page.context.clear_cookies()
    window.go("/developer")
    with suppress(Error):
        # Chromium refuses to send the form again by itself, which is an error of navigation.
        window.page.go_back()
    shown = ""
    while not shown:
        # Until whatever comes in place of the page has come.
        with suppress(Error):
            window.page.wait_for_load_state()
            shown = window.page.content()

    assert len(secret) == 47
    assert secret not in shown


def test_the_copy_button_takes_the_source_and_not_what_is_displayed(open_browser: OpenBrowser) -> None:
    window = open_browser()
    window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = window.go("/developer/docs")
    wanted = page.locator("button.copy").first.get_attribute("data-copy")
    page.evaluate("document.querySelector('.code-block code').textContent = 'übersetzt'")

    page.locator("button.copy").first.click()
    page.get_by_text("Copied").wait_for()

    assert page.evaluate("navigator.clipboard.readText()") == wanted


def test_every_sample_can_be_read_without_a_script(open_browser: OpenBrowser) -> None:
    page = open_browser(script=False).go("/developer/docs")

    page.get_by_text("Python", exact=True).first.click()

    assert page.get_by_text("from urllib.request import").first.is_visible()
    assert not page.locator("button.copy").first.is_visible()
