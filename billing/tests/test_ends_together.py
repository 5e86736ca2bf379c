"""Two ends of one invoice heard of together: the order of their events changes neither the outcome nor the cents."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import staff_actions
from billing.tests.make import Scene
from levqor.lib.actors import SYSTEM

SEEDS = pytest.mark.parametrize("seed", range(4))


def hear_shuffled(scene: Scene, seed: int) -> None:
    scene.fake.deliver_all(shuffle=random.Random(seed))
    scene.hear_stored()


@SEEDS
def test_a_part_paid_just_before_the_customer_left_was_recovered(scene: Scene, seed: int) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.pay_invoice(invoice, amount=1200)
    scene.fake.cancel_subscription(scene.case(invoice).subscription_id)

    hear_shuffled(scene, seed)

    case = scene.case(invoice)
    assert (case.close_reason, case.recovered_cents) == ("subscription_ended", 1200)


@SEEDS
def test_an_invoice_voided_as_the_customer_left_was_never_owed(scene: Scene, seed: int) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.void_invoice(invoice)
    scene.fake.cancel_subscription(scene.case(invoice).subscription_id)

    hear_shuffled(scene, seed)

    assert scene.case(invoice).close_reason == "voided"


@SEEDS
def test_what_was_credited_just_before_the_rest_was_paid_was_not_recovered(scene: Scene, seed: int) -> None:
    """The subscription is active again by the payment, which may be heard of before the payment is."""
    invoice = scene.fail(amount=5000)
    scene.fake.advance(60)
    scene.fake.credit_invoice(invoice, 1000)
    scene.fake.pay_invoice(invoice)

    hear_shuffled(scene, seed)

    case = scene.case(invoice)
    assert (case.recovered_cents, case.recovery_method) == (4000, "customer")


def test_a_part_that_came_before_a_person_stopped_the_case_was_recovered(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.pay_invoice(invoice, amount=1200)
    scene.hear()

    staff_actions.stop(scene.case(invoice), by=SYSTEM, at=timezone.now() + timedelta(days=1), reason="goodwill")

    assert scene.case(invoice).recovered_cents == 1200
