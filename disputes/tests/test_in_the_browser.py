"""A dispute from beginning to end in a real browser: by the customer without JavaScript, by support with it."""

from urllib.parse import urlsplit

import pytest

from disputes.models import Dispute
from levqor.cases.tracking import tracking_url
from levqor.desk.roles import ensure_groups
from levqor.desk.tests.make import make_staff
from levqor.lib.forms import FASTEST_SECONDS
from testing.browser import OpenBrowser, Scheme, Window

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
QUEUE = "/admin/disputes/dispute/"


@pytest.fixture(autouse=True)
def _groups(transactional_db: None) -> None:
    ensure_groups()


def fill_in(window: Window) -> None:
    page = window.page
    page.get_by_label("What is it about?").select_option("billing")
    page.get_by_label("Subject").fill("Charged twice in November")
    page.get_by_label("What happened").fill("Invoice 42 was taken from our card twice.")
    page.get_by_label("Full name").fill("Ada Fern")
    page.get_by_label("Email address").fill("ada@fern.test")
    page.wait_for_timeout(FASTEST_SECONDS * 1000)


def the_dispute() -> Dispute:
    return Dispute.objects.select_related("case").get()


@pytest.mark.parametrize(("width", "scheme", "script"), [(390, "light", False), (1280, "dark", True)])
def test_the_whole_journey(open_browser: OpenBrowser, width: int, scheme: Scheme, script: bool) -> None:
    customer = open_browser(width=width, scheme=scheme, script=script)
    support = open_browser(make_staff("Support"), scheme=scheme, width=width, script=script)
    windows = [customer, support] if script else []

    def nobody_is_kept_out() -> None:
        assert [window.barriers() for window in windows] == [[] for _ in windows]

    customer.go("/disputes")
    support.go(QUEUE)
    nobody_is_kept_out()
    customer.click("Send the dispute")
    assert "Enter a subject." in customer.text
    nobody_is_kept_out()
    fill_in(customer)
    customer.click("Send the dispute")
    assert "Your dispute is filed" in customer.text
    nobody_is_kept_out()

    support.go(f"{QUEUE}{the_dispute().pk}/change/")
    support.click("Answer")
    nobody_is_kept_out()
    support.page.get_by_label("Message to the customer").fill("The second charge is on its way back.")
    support.click("Answer")
    nobody_is_kept_out()

    customer.go(urlsplit(tracking_url(the_dispute().case)).path)
    assert "The second charge is on its way back." in customer.text
    nobody_is_kept_out()
    customer.click("Take it to the next stage: Escalation")
    nobody_is_kept_out()
    customer.page.get_by_label("What should we look at again?").fill("It has not come.")
    customer.page.wait_for_timeout(FASTEST_SECONDS * 1000)
    customer.click("Take it there")
    assert "Your dispute is at the next stage." in customer.text
    nobody_is_kept_out()

    support.go(f"{QUEUE}{the_dispute().pk}/change/")
    support.click("Resolve")
    support.page.get_by_label("How it ends").select_option("agreed")
    support.page.get_by_label("Message to the customer").or_(support.page.get_by_label("What we decided")).fill(
        "Your bank has it since today."
    )
    support.click("Resolve")
    customer.page.reload()
    assert "Closed: we agreed with you" in customer.text
    nobody_is_kept_out()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_withdrawing_and_the_small_pages_put_up_no_barrier(
    open_browser: OpenBrowser, width: int, scheme: Scheme
) -> None:
    window = open_browser(width=width, scheme=scheme)
    window.go("/disputes/lost-link")
    assert window.barriers() == []
    window.go("/disputes")
    fill_in(window)
    window.click("Send the dispute")
    window.click("Withdraw the dispute")
    assert window.barriers() == []
    window.click("Withdraw the dispute")

    assert "You withdrew this dispute" in window.text
    assert the_dispute().status == "withdrawn"
