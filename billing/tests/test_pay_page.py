"""The page behind a reminder's button: what is owed, until when, and a way to pay; a look at it changes nothing."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import PaymentFailure
from billing.pay_links import pay_url
from billing.tests.make import START, Scene
from levqor.accounts.models import Suspension
from levqor.lib.actors import SYSTEM
from testing.html import Document


def address(case: PaymentFailure) -> str:
    return reverse("billing:pay", args=[pay_url(case).rsplit("/", 1)[-1]])


def page(client: Client, case: PaymentFailure) -> Document:
    return Document(client.get(address(case)).content.decode())


def text(client: Client, case: PaymentFailure) -> str:
    return page(client, case).one("main").text


def test_it_says_how_much_for_what_and_from_when_the_account_may_be_paused(scene: Scene, client: Client) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    with time_machine.travel(scene.now, tick=False):
        shown = text(client, case)

    assert page(client, case).one("h1").text == f"{case.amount} to pay"
    assert "2 November 2026" in shown
    assert "may be paused from 16 November 2026" in shown


def test_several_invoices_are_added_up(scene: Scene, client: Client) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    first, second = (scene.case(scene.fail(subscription=subscription, amount=2900)) for _ in range(2))

    shown = text(client, first)

    assert page(client, first).one("h1").text == "£58.00 to pay"
    assert str(first) in shown
    assert str(second) in shown


def test_a_stranger_with_a_made_up_link_learns_nothing(scene: Scene, client: Client) -> None:
    case = scene.case(scene.fail())

    answer = client.get(address(case)[:-1] + "!")

    assert (answer.status_code, answer.headers["X-Robots-Tag"]) == (404, "noindex")
    assert case.amount not in answer.content.decode()


def test_it_is_kept_out_of_caches_search_engines_and_referrers(scene: Scene, client: Client) -> None:
    headers = client.get(address(scene.case(scene.fail()))).headers

    assert "no-store" in headers["Cache-Control"]
    assert (headers["X-Robots-Tag"], headers["Referrer-Policy"]) == ("noindex", "same-origin")


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(scene: Scene, client: Client, method: str) -> None:
    case = scene.case(scene.fail())
    before = PaymentFailure.objects.values().get()

    assert getattr(client, method)(address(case)).status_code == 200

    assert PaymentFailure.objects.values().get() == before


def test_without_a_stripe_key_the_button_leads_to_the_fall_back(
    scene: Scene, client: Client, settings: Settings
) -> None:
    settings.BILLING_PORTAL_URL = "https://billing.levqor.example"

    answer = client.post(address(scene.case(scene.fail())))

    assert (answer.status_code, answer.headers["Location"]) == (302, "https://billing.levqor.example")


def test_a_paid_invoice_says_so_and_has_no_button(scene: Scene, client: Client) -> None:
    invoice = scene.fail()
    scene.fake.pay_invoice(invoice)
    scene.hear()
    case = scene.case(invoice)

    shown = page(client, case)

    assert shown.one("h1").text == "Already paid"
    assert shown.all("form") == []
    assert client.post(address(case)).status_code == 200


def test_a_paid_invoice_leads_to_one_that_is_still_open(scene: Scene, client: Client) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    first, second = (scene.fail(subscription=subscription) for _ in range(2))
    scene.fake.pay_invoice(first)
    scene.hear()

    links = [link.get("href") for link in page(client, scene.case(first)).all("a")]

    assert pay_url(scene.case(second)) in links


def test_a_voided_invoice_asks_for_nothing(scene: Scene, client: Client) -> None:
    invoice = scene.fail()
    scene.fake.void_invoice(invoice)
    scene.hear()

    assert "is closed: it was cancelled" in text(client, scene.case(invoice))


def test_a_paused_account_is_promised_back_when_only_the_invoice_paused_it(scene: Scene, client: Client) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    case.account.suspend(Suspension.Reason.BILLING, by=SYSTEM, at=scene.now)
    assert "comes back by itself" in text(client, case)

    case.account.suspend(Suspension.Reason.ABUSE, by=SYSTEM, at=scene.now)
    assert "comes back by itself" not in text(client, case)


def test_no_pause_is_threatened_while_a_person_holds_the_case(scene: Scene, client: Client) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    PaymentFailure.objects.filter(pk=case.pk).update(flag="bounced")

    assert "may be paused" not in text(client, case)


def test_the_day_of_the_pause_is_one_that_can_still_come(scene: Scene, client: Client) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=20)

    with time_machine.travel(scene.now, tick=False):
        text = page(client, case).one("main").text

    assert f"may be paused from {case.account.day_of(START + timedelta(days=24))}" in text


def test_ten_invoices_cost_no_more_queries_than_one(
    scene: Scene, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="ten@example.com"))
    cases = [scene.case(scene.fail(subscription=subscription)) for _ in range(10)]

    with django_assert_num_queries(6):
        client.get(address(cases[0]))


def test_the_button_works_for_a_browser_that_keeps_no_cookie(scene: Scene) -> None:
    path = urlsplit(pay_url(scene.case(scene.fail()))).path

    answer = Client(enforce_csrf_checks=True).post(path)

    assert answer.status_code == 302
    assert not Client().get(path).cookies


@pytest.mark.parametrize("stray", [".", ")", ">", "%20", "”"])
def test_a_sign_that_a_mail_program_took_into_the_link_does_no_harm(scene: Scene, stray: str) -> None:
    path = urlsplit(pay_url(scene.case(scene.fail()))).path

    assert Client().get(path + stray).status_code == 200
