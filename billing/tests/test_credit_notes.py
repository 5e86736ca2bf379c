"""Part payments and credit notes in any number, order and selection of their events: each cent is counted once."""

import random

import pytest

from billing import reports
from billing.reconcile import reconcile_stripe
from billing.tests.make import Scene

WITH_AND_WITHOUT_KEY = pytest.mark.parametrize("any_scene", ["scene", "keyed_scene"], indirect=True)


@pytest.fixture
def any_scene(request: pytest.FixtureRequest) -> Scene:
    chosen: Scene = request.getfixturevalue(request.param)
    return chosen


def recovered() -> int:
    return sum(row.recovered for row in reports.by_step())


@WITH_AND_WITHOUT_KEY
def test_each_of_several_notes_of_one_second_is_taken_off_once(any_scene: Scene) -> None:
    invoice = any_scene.fail(amount=5000)

    any_scene.fake.credit_invoice(invoice, 1000)
    any_scene.fake.credit_invoice(invoice, 501)
    any_scene.hear()
    any_scene.fake.advance(60)
    any_scene.fake.credit_invoice(invoice, 1)
    any_scene.hear()

    assert any_scene.case(invoice).amount_cents == 3498


@WITH_AND_WITHOUT_KEY
def test_what_is_paid_beside_notes_is_what_was_recovered(any_scene: Scene) -> None:
    fake = any_scene.fake
    invoice = fake.add_invoice(amount=5000)
    fake.pay_invoice(invoice, amount=700)
    fake.fail_invoice(invoice)
    for step in (
        lambda: fake.credit_invoice(invoice, 999),
        lambda: fake.pay_invoice(invoice, amount=1300),
        lambda: fake.credit_invoice(invoice, 2),
        lambda: fake.pay_invoice(invoice),
    ):
        any_scene.hear()
        step()
    any_scene.hear()

    case = any_scene.case(invoice)
    assert (case.status, case.recovered_cents) == ("recovered", 5000 - 700 - 999 - 2)
    assert recovered() == 3299


@WITH_AND_WITHOUT_KEY
def test_notes_that_settle_what_a_part_payment_left_bring_in_that_part_alone(any_scene: Scene) -> None:
    invoice = any_scene.fail(amount=5000)
    any_scene.fake.pay_invoice(invoice, amount=1500)
    any_scene.fake.credit_invoice(invoice, 3000)
    any_scene.fake.credit_invoice(invoice, 500)
    any_scene.hear()

    case = any_scene.case(invoice)
    assert (case.status, case.recovered_cents, case.paid_cents) == ("recovered", 1500, 1500)


def test_any_order_of_the_events_of_one_second_ends_with_the_same_debt(scene: Scene) -> None:
    owed = []
    for seed in range(40):
        invoice = scene.fail(amount=5000)
        scene.fake.credit_invoice(invoice, 1000)
        scene.fake.pay_invoice(invoice, amount=250)
        scene.fake.credit_invoice(invoice, 30)
        scene.fake.deliver_all(shuffle=random.Random(seed), duplicate=0.5)
        scene.hear_stored()
        owed.append(scene.case(invoice).amount_cents)

    assert owed == [3720] * 40


@pytest.mark.parametrize("lost", ["credit_note.created", "invoice.updated"])
def test_either_of_the_two_events_that_tell_of_a_note_is_enough(scene: Scene, lost: str) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.advance(60)
    scene.fake.credit_invoice(invoice, 1000)
    scene.fake.advance(60)
    scene.fake.credit_invoice(invoice, 1)
    for event in scene.fake.event_ids(lost):
        scene.fake.mark_delivered(event)
    scene.hear()

    assert scene.case(invoice).amount_cents == 3999


@WITH_AND_WITHOUT_KEY
def test_a_note_that_was_voided_is_owed_again(any_scene: Scene) -> None:
    invoice = any_scene.fail(amount=5000)
    any_scene.fake.advance(60)
    note = any_scene.fake.credit_invoice(invoice, 1000)
    any_scene.hear()
    any_scene.fake.advance(60)
    any_scene.fake.void_credit_note(note)
    any_scene.hear()

    assert any_scene.case(invoice).amount_cents == 5000


def test_a_part_that_came_after_the_failure_counts_although_the_failure_is_heard_of_later(scene: Scene) -> None:
    invoice = scene.fake.fail_invoice(amount=5000)
    (failure,) = scene.fake.event_ids("invoice.payment_failed")
    scene.fake.mark_delivered(failure)
    scene.fake.advance(60)
    scene.fake.pay_invoice(invoice, amount=1200)
    scene.hear()
    scene.fake.deliver(failure)
    scene.hear_stored()

    scene.fake.mark_uncollectible(invoice)
    scene.hear()

    assert scene.case(invoice).recovered_cents == 1200


def test_a_part_heard_of_only_with_the_end_of_the_invoice_was_recovered(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.pay_invoice(invoice, amount=1200)
    for event in scene.fake.pending_events():
        scene.fake.mark_delivered(event)
    scene.fake.mark_uncollectible(invoice)
    scene.hear()

    assert scene.case(invoice).recovered_cents == 1200


def test_hearing_of_a_settled_invoice_again_and_again_adds_nothing(keyed_scene: Scene) -> None:
    fake = keyed_scene.fake
    invoice = keyed_scene.fail(amount=5000)
    fake.credit_invoice(invoice, 1999)
    fake.pay_invoice(invoice)
    for event in fake.event_ids("credit_note.created", "invoice.updated", "invoice.paid", "invoice_payment.paid"):
        fake.deliver(event, times=2)
        keyed_scene.hear_stored()
    reconcile_stripe(at=keyed_scene.now)
    fake.credit_invoice(invoice, 500)
    keyed_scene.hear()

    assert keyed_scene.case(invoice).recovered_cents == recovered() == 3001
