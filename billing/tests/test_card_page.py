"""Back from Stripe's page with a new card: the payment page says how it fares, and a button tries it at once."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import NewCardAttempt
from billing.new_cards import charge_new_cards
from billing.pay_links import pay_url
from billing.tests.make import Scene


@pytest.fixture
def path(keyed_scene: Scene) -> str:
    return urlsplit(pay_url(keyed_scene.case(keyed_scene.fail(next_attempt=None)))).path


def give_card(scene: Scene) -> None:
    scene.fake.advance(60)
    scene.fake.add_payment_method(scene.account().stripe_customer_id or "", default=True)


def text(path: str) -> str:
    return Client().get(path).content.decode()


def test_stripes_page_leads_back_to_ours(keyed_scene: Scene, path: str) -> None:
    Client().post(path)

    (request,) = [request for request in keyed_scene.fake.requests if request.path.endswith("/sessions")]
    assert urlsplit(request.params["return_url"]).path == path
    assert "Yes, try it now" in text(f"{path}?returned")
    assert "Yes, try it now" not in text(path)


def test_the_button_tries_the_card_without_waiting_for_stripes_word(keyed_scene: Scene, path: str) -> None:
    give_card(keyed_scene)

    answer = Client().post(f"{path}/try-card", follow=True)
    assert "We are trying your new card now" in answer.content.decode()
    charge_new_cards(at=timezone.now())

    assert "Already paid" in text(path)


def test_the_button_and_the_webhook_make_one_attempt(keyed_scene: Scene, path: str) -> None:
    give_card(keyed_scene)
    for _ in range(3):
        Client().post(f"{path}/try-card")
    keyed_scene.hear()

    charge_new_cards(at=timezone.now())

    assert NewCardAttempt.objects.count() == 1
    assert len([request for request in keyed_scene.fake.requests if request.path.endswith("/pay")]) == 1


def test_a_declined_card_is_told_on_the_page(keyed_scene: Scene, path: str) -> None:
    keyed_scene.fake.declines["*"] = "insufficient_funds"
    give_card(keyed_scene)
    Client().post(f"{path}/try-card")
    charge_new_cards(at=timezone.now())

    assert "Your bank declined your Visa ending in 4242" in text(path)


def test_the_old_card_is_not_tried_by_hand(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="payer@example.com")
    keyed_scene.fake.add_payment_method(customer, default=True)
    keyed_scene.fake.advance(60)
    link = urlsplit(pay_url(keyed_scene.case(keyed_scene.fail(customer=customer, next_attempt=None)))).path

    answer = Client().post(f"{link}/try-card", follow=True)

    assert "We do not see a new card yet" in answer.content.decode()
    assert not NewCardAttempt.objects.exists()


def test_while_stripe_is_down_the_page_says_so(keyed_scene: Scene, path: str) -> None:
    keyed_scene.fake.down = True

    assert "does not answer at the moment" in Client().post(f"{path}/try-card", follow=True).content.decode()


@pytest.mark.parametrize("query", ["", "?returned"])
def test_looking_tries_nothing(keyed_scene: Scene, path: str, query: str) -> None:
    give_card(keyed_scene)

    assert Client().get(path + query).status_code == 200
    assert Client().get(f"{path}/try-card").status_code == 405
    assert not NewCardAttempt.objects.exists()


def test_a_link_that_we_did_not_sign_tries_nothing(keyed_scene: Scene, path: str) -> None:
    assert Client().post("/billing/pay/1.forged/try-card").status_code == 404
