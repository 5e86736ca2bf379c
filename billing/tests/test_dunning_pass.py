from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.models import DunningStep, PaymentFailure
from billing.tests.make import START, Scene
from levqor.accounts.models import Account


def counts(report: object) -> dict[str, int]:
    names = ("due", "sent", "held", "skipped", "cancelled", "failed", "suspended")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_it_plans_three_steps_from_the_first_failure(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)

    days = [step.scheduled_for - START for step in scene.case(invoice).steps.all()]
    assert days == [timedelta(days=1), timedelta(days=7), timedelta(days=14)]


def test_it_mails_on_day_1_7_and_14_and_suspends_with_the_last(scene: Scene) -> None:
    scene.fail(next_attempt=None)

    passes = [counts(scene.run(day=day)) for day in (0.9, 1, 7, 14)]

    assert passes == [{}, {"due": 1, "sent": 1}, {"due": 1, "sent": 1}, {"due": 1, "sent": 1, "suspended": 1}]
    assert scene.mails() == ["first_notice", "second_notice", "final_notice"]
    assert scene.account().standing == "suspended"
    assert PaymentFailure.objects.get().status == "exhausted"


def test_a_second_pass_at_the_same_moment_does_nothing(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    scene.run(day=14)

    assert counts(scene.run(day=14)) == {"due": 2, "held": 2}
    assert len(scene.mails()) == 1


def test_a_late_pass_sends_one_step_and_the_next_48_hours_later(scene: Scene) -> None:
    scene.fail(next_attempt=None)

    late = [counts(scene.run(day=day)) for day in (20, 21.9, 22, 24)]

    assert late == [
        {"due": 3, "sent": 1, "held": 2},
        {"due": 2, "held": 2},
        {"due": 2, "sent": 1, "held": 1},
        {"due": 1, "sent": 1, "suspended": 1},
    ]


@pytest.mark.parametrize(("hour", "outcome"), [(7, "held"), (8, "sent"), (17, "sent"), (18, "held")])
def test_mail_leaves_in_the_customers_day(scene: Scene, hour: int, outcome: str) -> None:
    scene.fail(next_attempt=None)

    assert counts(scene.run(day=2, hour=hour)) == {"due": 1, outcome: 1}


def test_the_window_is_that_of_the_customers_zone(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    Account.objects.update(time_zone="America/Los_Angeles")

    assert scene.run(day=2, hour=10).held == 1
    assert scene.run(day=2, hour=17).sent == 1


def test_a_dry_run_counts_what_the_real_run_does_and_writes_nothing(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    for day in (1, 7):
        scene.run(day=day)
    before = list(DunningStep.objects.values_list("status", flat=True))

    dry = counts(scene.run(day=14, dry_run=True))

    assert list(DunningStep.objects.values_list("status", flat=True)) == before
    assert dry == counts(scene.run(day=14))


def test_several_invoices_of_one_customer_make_one_mail(scene: Scene) -> None:
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    for amount in (1000, 2550):
        scene.fail(subscription=subscription, amount=amount, currency="gbp", next_attempt=None)

    report = scene.run(day=1)

    assert counts(report) == {"due": 2, "sent": 2}
    mail = PaymentFailure.objects.earliest("pk").emails.get().mail
    assert mail is not None
    assert scene.mails() == ["first_notice"]
    assert "£35.50" in mail.text_body


def test_nothing_leaves_while_dunning_is_off_and_the_backlog_follows_the_same_rule(
    scene: Scene, settings: Settings
) -> None:
    settings.DUNNING_ENABLED = False
    scene.fail(next_attempt=None)
    assert counts(scene.run(day=15)) == {"due": 3, "held": 3}

    settings.DUNNING_ENABLED = True

    assert counts(scene.run(day=15)) == {"due": 3, "sent": 1, "held": 2}


def test_a_grace_period_suspends_in_a_later_pass(scene: Scene, settings: Settings) -> None:
    settings.DUNNING_SUSPEND_AFTER_HOURS = 24
    scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    assert scene.account().standing == "past_due"

    assert scene.run(day=14.9).suspended == 0
    assert scene.run(day=15).suspended == 1


def test_the_last_notice_waits_for_stripes_own_next_attempt(scene: Scene) -> None:
    scene.fail(next_attempt=int((START + timedelta(days=16)).timestamp()))
    for day in (1, 7):
        scene.run(day=day)

    assert counts(scene.run(day=14)) == {"due": 1, "held": 1}
    assert counts(scene.run(day=16.1, hour=12)) == {"due": 1, "sent": 1, "suspended": 1}


def test_an_exempt_account_is_left_alone(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    Account.objects.update(is_exempt_from_dunning=True)

    assert counts(scene.run(day=14)) == {"due": 3, "held": 3}


def test_it_holds_while_stripe_is_unreachable_and_goes_on_afterwards(keyed_scene: Scene) -> None:
    keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.down = True
    assert counts(keyed_scene.run(day=1)) == {"due": 1, "held": 1}

    keyed_scene.fake.down = False

    assert counts(keyed_scene.run(day=1)) == {"due": 1, "sent": 1}


def test_a_payment_that_no_webhook_told_of_stops_the_mail(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.pay_invoice(invoice)

    assert counts(keyed_scene.run(day=1)) == {"due": 1, "cancelled": 1}
    assert keyed_scene.case(invoice).status == "recovered"
    assert keyed_scene.mails() == []


def test_a_due_step_costs_a_bounded_number_of_statements(scene: Scene) -> None:
    """Each statement is a way to the database and back: what one step takes is what a large pass takes."""
    few, many = statements_of(scene, customers=1, day=1), statements_of(scene, customers=3, day=2)

    assert (many - few) / 2 <= 50


def statements_of(scene: Scene, *, customers: int, day: int) -> int:
    """What a pass takes that sends the first notice to so many new customers."""
    for _ in range(customers):
        scene.fail(next_attempt=None)
    with CaptureQueriesContext(connection) as seen:
        assert scene.run(day=day).sent == customers
    return len(seen)
