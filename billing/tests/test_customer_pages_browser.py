"""The pages behind the links in our mails, in a real browser: their buttons work, and nothing bars anybody."""

from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from billing.models import NewCardAttempt, ReminderPreference
from billing.pay_links import pay_url, reminders_url
from billing.tests.make import Scene
from testing.browser import OpenBrowser

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("script", [True, False])
def test_the_payment_button_leads_on(scene: Scene, open_browser: OpenBrowser, settings: Settings, script: bool) -> None:
    link = urlsplit(pay_url(scene.case(scene.fail(next_attempt=None)))).path
    window = open_browser(width=390, script=script)
    settings.BILLING_PORTAL_URL = f"{window.base}/status"

    window.go(link)
    window.click("Update your card and pay")

    assert window.page.url == settings.BILLING_PORTAL_URL


def test_a_customer_chooses_who_gets_the_reminders(scene: Scene, open_browser: OpenBrowser) -> None:
    scene.fail(next_attempt=None)
    window = open_browser(width=390)
    window.go(urlsplit(reminders_url(scene.account())).path)
    assert window.barriers() == []

    window.page.get_by_label("another address", exact=True).check()
    window.click("Save")
    assert "There is a problem" in window.text
    assert window.barriers() == []
    window.page.get_by_role("textbox").fill("accounts@example.com")
    window.click("Save")

    assert "Reminders go to the address that you chose" in window.text
    assert ReminderPreference.objects.get().email == "accounts@example.com"


def test_a_customer_comes_back_and_tries_the_new_card(keyed_scene: Scene, open_browser: OpenBrowser) -> None:
    link = urlsplit(pay_url(keyed_scene.case(keyed_scene.fail(next_attempt=None)))).path
    keyed_scene.fake.advance(60)
    keyed_scene.fake.add_payment_method(keyed_scene.account().stripe_customer_id or "", default=True)
    window = open_browser(width=390)

    window.go(f"{link}?returned")
    assert window.barriers() == []
    window.click("Yes, try it now")

    assert "We are trying your new card now" in window.text
    assert NewCardAttempt.objects.get().status == "pending"
