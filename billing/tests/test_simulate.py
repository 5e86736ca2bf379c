"""`manage.py simulate_stripe`, with Django's client in the place of the network."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from billing.models import PaymentFailure
from billing.tests.make import Scene
from levqor.accounts.models import Account

DEMO = ("cus_demo", "customer@levqor.test")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def post(address: str, *, data: bytes, headers: dict[str, str], timeout: float) -> Any:
        answer = Client().post(
            address,
            data=data,
            content_type=headers["Content-Type"],
            headers={"Stripe-Signature": headers["Stripe-Signature"]},
        )
        answer.text = answer.content.decode()
        return answer

    monkeypatch.setattr("billing.management.commands.simulate_stripe.requests.post", post)


def simulate(scene: Scene, event: str, **options: object) -> None:
    call_command("simulate_stripe", event, **options)
    scene.hear_stored()


def addresses() -> list[str]:
    """Where the reminders of each case go, oldest case first."""
    return [case.account.billing_addresses()[0] for case in PaymentFailure.objects.order_by("pk")]


def test_an_unknown_address_makes_a_customer_who_has_it(scene: Scene) -> None:
    simulate(scene, "invoice.payment_failed")
    simulate(scene, "invoice.payment_failed", email="Jane@Example.com")

    assert addresses() == [DEMO[1], "Jane@Example.com"]


def test_the_same_address_is_the_same_customer(scene: Scene) -> None:
    for email in ("jane@example.com", "JANE@example.com"):
        simulate(scene, "invoice.payment_failed", email=email)

    assert PaymentFailure.objects.count() == 2
    assert Account.objects.count() == 1


def test_a_known_address_is_the_customer_who_has_it(scene: Scene) -> None:
    account = Account.objects.create(name="Jane", billing_email="Jane@Example.com", stripe_customer_id="cus_jane")

    simulate(scene, "invoice.payment_failed", email="jane@example.com")

    assert PaymentFailure.objects.get().account == account


def test_a_payment_settles_the_invoice_of_this_address_alone(scene: Scene) -> None:
    simulate(scene, "invoice.payment_failed")
    simulate(scene, "invoice.payment_failed", email="jane@example.com")

    simulate(scene, "invoice.paid", email="jane@example.com")

    settled = PaymentFailure.objects.order_by("pk").values_list("account__billing_email", "status")
    assert list(settled) == [(DEMO[1], "open"), ("jane@example.com", "recovered")]


def test_the_end_of_one_subscription_leaves_the_others(scene: Scene) -> None:
    simulate(scene, "invoice.payment_failed")
    simulate(scene, "invoice.payment_failed", email="jane@example.com")

    simulate(scene, "customer.subscription.deleted", email="jane@example.com")

    assert list(PaymentFailure.objects.order_by("pk").values_list("status", flat=True)) == ["open", "closed"]


def test_a_named_customer_keeps_the_address_that_is_known(scene: Scene) -> None:
    simulate(scene, "invoice.payment_failed", email="jane@example.com", customer="cus_jane")
    simulate(scene, "invoice.payment_failed", customer="cus_jane")
    simulate(scene, "customer.updated", email="new@example.com", customer="cus_jane")

    assert addresses() == ["new@example.com", "new@example.com"]


def test_without_either_it_is_the_demo_customer(scene: Scene) -> None:
    simulate(scene, "invoice.payment_failed")

    account = PaymentFailure.objects.get().account
    assert (account.stripe_customer_id, account.billing_email) == DEMO
