"""A claim from beginning to end in a real browser: by the customer without JavaScript, by support and finance with it."""

from urllib.parse import urlsplit

import pytest

from claims.models import Claim
from claims.tests.make import WORDS
from claims.tests.make_money import make_account, make_promise, measure_october
from levqor.cases.tracking import tracking_url
from levqor.desk.roles import ensure_groups
from levqor.desk.tests.make import make_staff
from levqor.lib.forms import FASTEST_SECONDS
from testing.browser import OpenBrowser, Scheme, Window

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _promises(transactional_db: None) -> None:
    make_promise()
    ensure_groups()
    measure_october(major=45)


def fill_in(window: Window) -> None:
    page = window.page
    page.get_by_label("Full name").fill("Ada Fern")
    page.get_by_label("Work email").fill("ada@fern.test")
    page.get_by_label("Account or company").fill("Fernhill Bakery")
    page.get_by_label("Current plan").select_option("growth")
    page.get_by_label("Date", exact=True).fill("2026-10-10")
    page.get_by_label("Time", exact=True).fill("01:10")
    page.get_by_label("What you noticed").fill(WORDS)
    page.wait_for_timeout(FASTEST_SECONDS * 1000)


@pytest.mark.parametrize(("width", "scheme", "script"), [(390, "light", False), (1280, "dark", True)])
def test_a_customer_claims_writes_and_withdraws(
    open_browser: OpenBrowser, width: int, scheme: Scheme, script: bool
) -> None:
    window = open_browser(width=width, scheme=scheme, script=script)
    window.go("/sla-credits")
    window.click("Send the claim")
    assert "Enter your full name." in window.text
    assert not script or window.barriers() == []

    fill_in(window)
    window.click("Send the claim")
    assert "Your claim is filed" in window.text
    assert not script or window.barriers() == []

    window.page.get_by_label("Your message").fill("It happened again.")
    window.page.wait_for_timeout(FASTEST_SECONDS * 1000)
    window.click("Send the message")
    assert "Your message is sent." in window.text

    window.click("Withdraw the claim")
    assert "Withdraw this claim?" in window.text
    assert not script or window.barriers() == []
    window.click("Withdraw the claim")
    assert "You withdrew this claim" in window.text
    assert Claim.objects.get().status == "withdrawn"


def test_support_proposes_and_finance_approves_in_three_clicks_each(open_browser: OpenBrowser) -> None:
    make_account(billing_email="ada@fern.test")
    customer = open_browser(width=390)
    customer.go("/sla-credits")
    fill_in(customer)
    customer.click("Send the claim")
    claim = Claim.objects.select_related("case").get()
    support, finance = open_browser(make_staff("Support")), open_browser(make_staff("Finance"), scheme="dark")

    support.go(f"/admin/claims/claim/{claim.pk}/change/")
    assert support.barriers() == []
    support.click("Take it up")
    support.click("Take it up")
    support.click("Propose a credit")
    assert support.barriers() == []
    support.page.get_by_label("Reason").fill("We were down for 45 minutes.")
    support.click("Propose a credit")
    finance.go(f"/admin/claims/claim/{claim.pk}/change/")
    finance.click("Approve")
    assert finance.barriers() == []
    finance.page.get_by_label("Why?").fill("The sum is right.")
    finance.click("Approve")

    claim.refresh_from_db()
    assert (claim.status, support.clicks, finance.clicks) == ("by_hand", 4, 2)
    customer.go(urlsplit(tracking_url(claim.case)).path)
    assert "Your credit is approved." in customer.text
    assert "We were down for 45 minutes." in customer.text
    assert customer.barriers() == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_lists_put_up_no_barrier(open_browser: OpenBrowser, width: int, scheme: Scheme) -> None:
    window = open_browser(make_staff("Support"), width=width, scheme=scheme)

    for path in ("claim/", "claim/propose-drafts/", "claim/figures/", "creditentry/"):
        window.go(f"/admin/claims/{path}")
        assert window.barriers() == [], path
    window.go("/admin/cases/cannedreply/add/")
    assert window.barriers() == []
