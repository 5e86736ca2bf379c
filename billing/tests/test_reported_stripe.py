"""Reported faults of Stripe's side: money under way, one object that cannot be read, a right that our key lacks."""

import pytest
from pytest_django import Settings

from billing.dunning import run_dunning_job
from billing.models import Alarm, PaymentFailure
from billing.reconcile import reconcile_stripe
from billing.tests.make import Scene
from billing.tests.test_reconcile import lose_events
from billing.tests.told import november, tell, tell_failure
from testing.stripe_facts import InvoiceFacts, PaymentIntentFacts


def counts(report: object) -> dict[str, int]:
    names = ("due", "sent", "held", "skipped", "cancelled", "failed", "suspended")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


# 19: one that cannot be read


@pytest.mark.parametrize("status", [400, 500])
def test_one_invoice_that_stripe_will_not_show_holds_up_no_other(keyed_scene: Scene, status: int) -> None:
    a, b = keyed_scene.fail(next_attempt=None), keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.pay_invoice(b)
    lose_events(keyed_scene)
    keyed_scene.fake.fail_next(status=status, count=100, path_prefix=f"/v1/invoices/{a}")

    report = reconcile_stripe(at=keyed_scene.move_to(day=1))

    assert keyed_scene.case(b).status == "recovered"
    assert (report.stripe, report.cases_ended, report.not_checked) == ("ok", 1, 1)


@pytest.mark.parametrize("status", [400, 500])
def test_one_invoice_that_stripe_will_not_show_holds_up_no_others_reminder(keyed_scene: Scene, status: int) -> None:
    a = keyed_scene.fail(next_attempt=None)
    b = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.fail_next(status=status, count=100, path_prefix=f"/v1/invoices/{a}")

    assert counts(keyed_scene.run(day=1)) == {"due": 2, "sent": 1, "held": 1}
    assert keyed_scene.case(b).steps.filter(status="sent").count() == 1


# 20: a right that is missing


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_read_customers_is_named_and_the_reminders_go_on(keyed_scene: Scene, status: int) -> None:
    keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.fail_next(status=status, count=1000, path_prefix="/v1/customers")

    passes = []
    for day in (1, 7, 14):
        dry = counts(keyed_scene.run(day=day, hour=11, dry_run=True))
        passes.append((dry, counts(keyed_scene.run(day=day, hour=11))))

    assert all(dry == real for dry, real in passes)
    assert [real["sent"] for _, real in passes] == [1, 1, 1]
    assert PaymentFailure.objects.get().flag == ""
    assert Alarm.objects.get(cleared_at=None).subject == "read customers"


@pytest.mark.parametrize("path", ["/v1/subscriptions", "/v1/invoices"])
def test_a_key_that_may_not_read_debts_is_named_and_holds_until_it_may(keyed_scene: Scene, path: str) -> None:
    keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.fail_next(status=403, count=1000, path_prefix=path)
    dry = counts(keyed_scene.run(day=1, hour=11, dry_run=True))
    assert not Alarm.objects.exists()

    assert counts(keyed_scene.run(day=1, hour=11)) == dry == {"due": 1, "held": 1}
    assert Alarm.objects.get().kind == "stripe_rights"
    assert PaymentFailure.objects.get().hold_reason == "our key at Stripe may not read it"

    keyed_scene.fake.heal()
    assert counts(keyed_scene.run(day=1, hour=12)) == {"due": 1, "sent": 1}
    assert not Alarm.objects.filter(cleared_at=None).exists()


# 07: money that is on its way


def let_the_bank_debit(scene: Scene, invoice: str, status: str) -> None:
    """The payment of the invoice is with the bank, or has come back from it."""
    intent = scene.fake.get(InvoiceFacts, invoice).payment_intent
    scene.fake.set(scene.fake.get(PaymentIntentFacts, str(intent)), status=status)


def test_nobody_is_reminded_or_suspended_while_their_payment_is_under_way(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    let_the_bank_debit(keyed_scene, invoice, "processing")

    passes = [counts(keyed_scene.run(day=day, hour=11)) for day in (1, 7, 14)]

    assert passes == [{"due": 1, "held": 1}, {"due": 2, "held": 2}, {"due": 3, "held": 3}]
    assert keyed_scene.case(invoice).hold_reason == "a payment is under way"
    assert (keyed_scene.mails(), keyed_scene.account().standing) == ([], "past_due")

    let_the_bank_debit(keyed_scene, invoice, "requires_payment_method")
    assert counts(keyed_scene.run(day=15, hour=11)) == {"due": 3, "sent": 1, "held": 2}


def test_a_payment_that_begins_after_the_last_notice_keeps_the_service_on(
    keyed_scene: Scene, settings: Settings
) -> None:
    settings.DUNNING_SUSPEND_AFTER_HOURS = 24
    invoice = keyed_scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        keyed_scene.run(day=day, hour=11)
    let_the_bank_debit(keyed_scene, invoice, "processing")

    assert keyed_scene.run(day=16, hour=11).suspended == 0
    let_the_bank_debit(keyed_scene, invoice, "requires_payment_method")
    assert keyed_scene.run(day=17, hour=11).suspended == 1


def test_stored_events_tell_of_a_payment_under_way_where_they_name_its_invoice(scene: Scene) -> None:
    tell_failure()
    intent = {"id": "pi_told", "object": "payment_intent", "invoice": "in_told", "status": "processing"}
    tell("payment_intent.processing", intent, at=november(2, 15))
    assert counts(run_dunning_job(at=november(3))) == {"due": 1, "held": 1}

    tell("payment_intent.payment_failed", intent | {"status": "requires_payment_method"}, at=november(4))
    assert counts(run_dunning_job(at=november(5))) == {"due": 1, "sent": 1}
