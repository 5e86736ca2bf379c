"""The same order pressed again, and an order whose page is older than what it is about."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from legal.models import Acceptance, DfyPackage, ReceiptLink
from legal.tests.make import renew
from legal.tests.test_order_pages import fill_in
from levqor.mail.models import OutgoingMail
from testing.html import Document

pytestmark = pytest.mark.django_db


def last_look(client: Client, **changes: Any) -> str:
    """The order as it stands in the page with the button."""
    return Document(fill_in(client, **changes).content.decode()).one("input", name="order").get("value")


def press(client: Client, order: str) -> Any:
    return client.post("/dfy-agreement", {"order": order})


def test_pressing_twice_leads_to_one_receipt_by_one_mail(client: Client) -> None:
    order = last_look(client)

    first, second = press(client, order), press(client, order)
    assert first.headers["Location"] == second.headers["Location"]
    assert Acceptance.objects.count() == ReceiptLink.objects.count() == 1
    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 1


def test_the_receipt_is_that_of_the_link_in_the_mail(client: Client) -> None:
    receipt = press(client, last_look(client)).headers["Location"]

    assert receipt in OutgoingMail.objects.get(name="legal/accepted").text_body


@pytest.mark.parametrize("slug", ["terms", "dfy-agreement"])
def test_an_order_stays_ordered_when_a_new_version_comes(client: Client, slug: str) -> None:
    order = last_look(client)
    receipt = press(client, order).headers["Location"]
    renew(slug)

    assert press(client, order).headers["Location"] == receipt
    assert Acceptance.objects.count() == 1


@pytest.mark.parametrize("changes", [{"is_active": False}, {"price_cents": 26900}], ids=str)
def test_an_order_stays_ordered_when_its_package_changes(client: Client, changes: dict[str, Any]) -> None:
    order = last_look(client)
    receipt = press(client, order).headers["Location"]
    DfyPackage.objects.filter(slug="growth").update(**changes)

    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False):
        assert press(client, order).headers["Location"] == receipt


def test_an_order_shown_before_a_new_version_says_what_changed_and_keeps_the_words(client: Client) -> None:
    order = last_look(client)
    renew("refunds")

    answer = press(client, order)
    page = Document(answer.content.decode())
    notice = page.one("div", role="alert").text
    assert answer.status_code == 409
    assert "Nothing was ordered" in notice
    assert "Refund policy, version 2: The law changed." in notice
    assert "/legal/refunds/diff/1/2" in [link.get("href") for link in page.all("a")]
    assert page.one("input", name="full_name").get("value") == "Jo Fern"
    assert not Acceptance.objects.exists()


def test_a_form_opened_before_a_new_version_says_so_at_the_last_look(client: Client) -> None:
    opened = Document(client.get("/dfy-agreement").content.decode()).one("input", name="opened").get("value")
    renew("dfy-agreement")

    page = fill_in(client, opened=opened).content.decode()
    assert "The documents changed since you opened the form" in page
    assert "/legal/dfy-agreement/diff/1/2" in page
    assert "Done-for-you agreement (version 2)" in page


def test_nothing_is_said_of_changes_where_there_were_none(client: Client) -> None:
    assert "changed since you opened" not in fill_in(client).content.decode()


def test_an_order_that_was_open_for_days_is_shown_again(client: Client) -> None:
    order = last_look(client)

    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        answer = press(client, order)
    assert answer.status_code == 409
    assert "open for more than a day" in answer.content.decode()
    assert 'value="Jo Fern"' in answer.content.decode()


def test_a_package_no_longer_sold_is_said(client: Client) -> None:
    order = last_look(client)
    DfyPackage.objects.filter(slug="growth").update(is_active=False)

    assert "The Growth Build is no longer sold." in press(client, order).content.decode()
