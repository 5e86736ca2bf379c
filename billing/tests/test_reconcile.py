"""After a blackout one pass finds every failure and every recovery by asking for objects, events or not."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import reconcile
from billing.failures import judge_invoice
from billing.gateway import read_invoice
from billing.models import PaymentFailure
from billing.new_cards import charge_new_cards
from billing.reconcile import reconcile_stripe
from billing.stripe_objects import InvoiceFacts
from billing.tests.make import START, Scene
from testing.stripe_facts import ChargeFacts, PaymentIntentFacts


def lose_events(scene: Scene) -> None:
    """Nothing of what happened so far is ever delivered, nor listed: Stripe made no events of it."""
    for event in scene.fake.events:
        scene.fake.objects.pop(event.id)


def lose_charges(scene: Scene) -> None:
    """No attempt ever reached a bank: the customer has no card at all."""
    for intent in scene.fake.rows(PaymentIntentFacts):
        scene.fake.set(intent, latest_charge=None)
    for charge in scene.fake.rows(ChargeFacts):
        scene.fake.objects.pop(charge.id)


def test_after_72_hours_without_a_webhook_one_pass_finds_everything(keyed_scene: Scene) -> None:
    known = [keyed_scene.fail(next_attempt=None) for _ in range(3)]
    paid, voided, ended = known
    fake = keyed_scene.fake
    failed = [fake.fail_invoice(next_attempt=None) for _ in range(4)]
    fake.pay_invoice(paid)
    fake.void_invoice(voided)
    fake.cancel_subscription(keyed_scene.case(ended).subscription_id)
    healed = fake.fail_invoice(next_attempt=None)
    fake.pay_invoice(healed)

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert report.stripe == "ok"
    assert {keyed_scene.case(invoice).status for invoice in failed} == {"open"}
    assert [keyed_scene.case(invoice).status for invoice in known] == ["recovered", "closed", "closed"]
    assert not PaymentFailure.objects.filter(invoice_id=healed).exists()


def test_the_same_is_found_where_stripe_never_made_an_event(keyed_scene: Scene) -> None:
    paid = keyed_scene.fail(next_attempt=None)
    failed = keyed_scene.fake.fail_invoice(next_attempt=None)
    keyed_scene.fake.pay_invoice(paid)
    lose_events(keyed_scene)

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert (report.events_seen, report.cases_opened, report.cases_ended) == (0, 1, 1)
    assert (keyed_scene.case(failed).status, keyed_scene.case(paid).status) == ("open", "recovered")


def test_a_second_pass_finds_nothing_to_repair(keyed_scene: Scene) -> None:
    keyed_scene.fake.fail_invoice(next_attempt=None)
    reconcile_stripe(at=keyed_scene.move_to(day=3))

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert (report.events_missed, report.cases_opened, report.cases_ended) == (0, 0, 0)


def test_without_a_key_it_asks_nobody_and_says_so(scene: Scene) -> None:
    assert reconcile_stripe(at=START).as_dict()["stripe"] == "off"
    assert scene.fake.requests == []


def test_what_was_done_until_stripe_fell_silent_stays_done(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="one@example.com")
    invoice = keyed_scene.fake.fail_invoice(customer=customer, next_attempt=None)
    keyed_scene.fake.fail_next(status=500, count=99, path_prefix="/v1/subscriptions")

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert report.stripe == "unreachable"
    assert keyed_scene.case(invoice).status == "open"


def test_an_invoice_that_stripe_does_not_know_holds_up_no_other(keyed_scene: Scene) -> None:
    gone, paid = (keyed_scene.fail(next_attempt=None) for _ in range(2))
    keyed_scene.fake.pay_invoice(paid)
    keyed_scene.fake.objects.pop(gone)
    PaymentFailure.objects.filter(invoice_id=gone).delete()
    lose_events(keyed_scene)

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert (report.stripe, keyed_scene.case(paid).status) == ("ok", "recovered")


def test_what_nobody_foresaw_about_one_invoice_holds_up_no_other_and_is_counted(
    keyed_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, paid = (keyed_scene.fail(next_attempt=None) for _ in range(2))
    keyed_scene.fake.pay_invoice(paid)
    lose_events(keyed_scene)
    judge = judge_invoice

    def break_down(facts: InvoiceFacts, *args: Any, **options: Any) -> str:
        if facts.id == broken:
            raise KeyError("what Stripe never left out before")
        return judge(facts, *args, **options)

    monkeypatch.setattr(reconcile, "judge_invoice", break_down)

    report = reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert (report.stripe, report.crashed, keyed_scene.case(paid).status) == ("ok", 1, "recovered")
    with pytest.raises(CommandError, match="could not be dealt with"):
        call_command("reconcile_stripe")


def test_a_pass_without_time_for_all_leaves_the_rest_to_the_next(
    keyed_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = [keyed_scene.fail(next_attempt=None) for _ in range(3)]
    clock, read = [0.0], list[str]()

    def read_slowly(invoice_id: str) -> InvoiceFacts:
        clock[0] += 60
        read.append(invoice_id)
        return read_invoice(invoice_id)

    monkeypatch.setattr("billing.reconcile.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr("billing.gateway.read_invoice", read_slowly)
    for day in (1, 2, 3):
        reconcile_stripe(at=keyed_scene.move_to(day=day), seconds=50)

    assert read == invoices


# The anchor of a case whose failure event never came


def test_the_anchor_is_the_first_failed_charge(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.fail_invoice()
    keyed_scene.fake.advance(86400)
    keyed_scene.fake.fail_invoice(invoice)
    lose_events(keyed_scene)

    reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert keyed_scene.case(invoice).failure_date == START


def test_the_anchor_is_never_the_invoices_own_date(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.add_invoice()
    keyed_scene.move_to(day=2)
    keyed_scene.fake.fail_invoice(invoice)
    lose_events(keyed_scene)

    reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert keyed_scene.case(invoice).failure_date == START + timedelta(days=2)


def test_without_any_proof_the_anchor_is_the_moment_of_finding(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.fail_invoice(next_attempt=None)
    lose_events(keyed_scene)
    lose_charges(keyed_scene)

    found_at = keyed_scene.move_to(day=20)
    reconcile_stripe(at=found_at)

    assert keyed_scene.case(invoice).failure_date == found_at


def test_the_anchor_of_a_sent_invoice_is_its_due_date(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="sent@example.com")
    due = int((START + timedelta(days=1)).timestamp())
    invoice = keyed_scene.fake.add_invoice(customer=customer, collection_method="send_invoice", due_date=due)
    lose_events(keyed_scene)

    reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert keyed_scene.case(invoice).failure_date == START + timedelta(days=1)


def test_a_failure_event_that_comes_later_after_all_moves_the_anchor_back(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.fail_invoice(next_attempt=None)
    events = {event.id: event for event in keyed_scene.fake.events}
    lose_events(keyed_scene)
    lose_charges(keyed_scene)
    reconcile_stripe(at=keyed_scene.move_to(day=1))

    for event in events.values():
        keyed_scene.fake.put(event)
    keyed_scene.hear()

    assert keyed_scene.case(invoice).failure_date == START


def test_a_case_found_weeks_late_warns_three_times_before_it_suspends(keyed_scene: Scene) -> None:
    keyed_scene.fake.fail_invoice(next_attempt=None)
    lose_events(keyed_scene)
    reconcile_stripe(at=keyed_scene.move_to(day=20))

    outcomes = [keyed_scene.run(day=day) for day in (20, 21, 22, 23, 24)]

    assert [report.sent for report in outcomes] == [1, 0, 1, 0, 1]
    assert [report.suspended for report in outcomes] == [0, 0, 0, 0, 1]


def test_a_first_invoice_and_a_closing_one_are_left_alone(keyed_scene: Scene) -> None:
    keyed_scene.fake.fail_invoice(billing_reason="subscription_create")
    closing = keyed_scene.fake.fail_invoice(next_attempt=None)
    keyed_scene.fake.cancel_subscription(keyed_scene.fake.invoice(closing).subscription or "")
    lose_events(keyed_scene)

    assert reconcile_stripe(at=keyed_scene.move_to(day=3)).cases_opened == 0


def test_an_invoice_that_is_no_longer_open_is_found_through_its_subscription(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.fail_invoice(next_attempt=None)
    keyed_scene.fake.mark_uncollectible(invoice, reason="max_payment_attempts")
    lose_events(keyed_scene)

    reconcile_stripe(at=keyed_scene.move_to(day=3))

    assert keyed_scene.case(invoice).status == "open"


def test_a_new_card_that_no_webhook_told_of_is_charged(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.add_payment_method(keyed_scene.account().stripe_customer_id or "", default=True)

    reconcile_stripe(at=keyed_scene.move_to(day=1))
    charge_new_cards(at=keyed_scene.now)

    assert keyed_scene.case(invoice).status == "recovered"
