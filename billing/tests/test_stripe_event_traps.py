"""The traps of Stripe's events: versions, repeats, order, modes, thin ones; docs/stripe-traps.md says which holds which."""

from dataclasses import replace

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing.failures import FailureEvidence, keep_case, open_case
from billing.models import Alarm, PaymentFailure, StripeEvent
from billing.present_state import current_invoice
from billing.sample_events import Sample, invoice_object
from billing.tests.make import Scene, hand_in
from testing.stripe_facts import ENDIVE

# 3: a version that was never tried


@pytest.mark.parametrize(
    ("version", "is_tested"),
    [(ENDIVE, True), ("2026-11-25.endive", True), ("2022-11-15", True), ("2027-03-31.fennel", False),
     ("2019-12-03", False), (None, False)],
)  # fmt: skip
def test_an_untested_api_version_raises_an_alarm_and_is_processed_all_the_same(
    scene: Scene, version: str | None, is_tested: bool
) -> None:
    hand_in(scene, "invoice.payment_failed", api_version=version)

    alarms = list(Alarm.objects.values_list("kind", "subject"))
    assert alarms == ([] if is_tested else [("api_version", version or "none named")])
    assert PaymentFailure.objects.filter(invoice_id="in_hand").exists()


def test_a_thousand_events_of_one_version_raise_one_alarm(scene: Scene) -> None:
    for _ in range(3):
        hand_in(scene, "invoice.updated", api_version="2027-03-31.fennel")

    assert Alarm.objects.get().count == 1


# 8, 9, 10: twice, out of order, again


def test_two_events_for_one_change_are_one_change(scene: Scene) -> None:
    for _ in range(2):
        hand_in(scene, "invoice.payment_failed")
    for _ in range(2):
        hand_in(scene, "invoice.paid")

    case = PaymentFailure.objects.get()
    assert (case.status, case.recovered_cents, StripeEvent.objects.count()) == ("recovered", 9900, 4)


def test_a_late_failure_never_opens_a_settled_invoice_again(scene: Scene) -> None:
    hand_in(scene, "invoice.payment_failed")
    hand_in(scene, "invoice.paid")

    hand_in(scene, "invoice.payment_failed")

    assert PaymentFailure.objects.get().status == "recovered"


def test_a_failure_read_just_before_its_payment_was_heard_of_opens_nothing(scene: Scene) -> None:
    invoice = scene.fake.fail_invoice()
    scene.fake.deliver_all()
    owed = current_invoice(invoice)
    scene.fake.pay_invoice(invoice)
    scene.fake.deliver_all()

    assert owed
    open_case(owed, FailureEvidence(scene.now), at=scene.now)

    assert not PaymentFailure.objects.exists()


def test_what_was_read_before_a_payment_changes_nothing_after_it(scene: Scene) -> None:
    invoice = scene.fail(amount=9900)
    read, owed = scene.case(invoice), current_invoice(invoice)
    scene.fake.pay_invoice(invoice)
    scene.hear()

    assert owed
    older = replace(owed, attempt_count=owed.attempt_count + 1)
    assert keep_case(read, older, None, at=scene.now) == f"case {read.pk} is recovered already"

    assert scene.case(invoice).paid_cents == 9900


def test_the_last_refusal_counts_whichever_is_heard_of_last(scene: Scene) -> None:
    scene.fake.api_version = "2024-06-20"
    invoice = scene.fail(decline_code="insufficient_funds")
    late = [event for event in scene.fake.events if event.type == "charge.failed"]
    scene.forget([event.id for event in late])
    scene.move_to(day=3)
    scene.fake.require_action(invoice)
    scene.hear()

    scene.fake.deliver(late[0].id)
    scene.hear_stored()

    case = scene.case(invoice)
    assert (case.decline_code, case.needs_authentication) == ("authentication_required", True)


def test_retries_count_up_stripes_attempts_and_none_of_ours(scene: Scene) -> None:
    invoice = scene.fail()
    for day in (3, 5, 8):
        scene.move_to(day=day)
        scene.fake.fail_invoice(invoice)
        scene.hear()

    assert scene.case(invoice).attempt_count == 4
    assert scene.case(invoice).steps.filter(status="pending").count() == 3


# 23: modes, clocks and accounts


def test_test_events_never_act_in_live_mode(scene: Scene, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = "sk_live_of_no_account", True

    scene.fail()

    assert set(StripeEvent.objects.values_list("status", flat=True)) == {"ignored"}
    assert not PaymentFailure.objects.exists()


@pytest.mark.parametrize("livemode", [False, True])
def test_without_a_key_events_of_either_mode_act(scene: Scene, livemode: bool) -> None:
    failed = invoice_object(Sample(created=timezone.now(), invoice="in_hand", livemode=livemode))

    stored = hand_in(scene, "invoice.payment_failed", livemode=livemode, data={"object": failed})

    assert stored.status == "done"
    assert scene.case("in_hand").livemode is livemode


def test_what_a_test_clock_runs_is_marked_as_such(scene: Scene) -> None:
    invoice = scene.fail(test_clock="clock_1")

    assert scene.case(invoice).test_clock_id == "clock_1"


def test_events_of_a_connected_account_are_stored_refused_and_reported(scene: Scene) -> None:
    stored = hand_in(scene, "invoice.payment_failed", account="acct_stranger")

    assert (stored.status, stored.outcome) == ("ignored", "of a connected account")
    assert not PaymentFailure.objects.exists()
    assert Alarm.objects.get(kind="connected_account").subject == "acct_stranger"


# 24: a fast answer to what nobody handles


def test_a_draft_invoice_is_acknowledged_and_nobody_is_asked(keyed_scene: Scene) -> None:
    keyed_scene.fake.add_invoice()
    before = len(keyed_scene.fake.requests)

    answers = keyed_scene.fake.deliver_all()

    assert {delivery.status for delivery in answers} == {200}
    assert len(keyed_scene.fake.requests) == before


# 7: thin events


def thin(kind: str, invoice: str) -> dict[str, object]:
    related = {"id": invoice, "type": "invoice", "url": f"/v1/invoices/{invoice}"}
    return {
        "object": "v2.core.event",
        "type": f"v1.{kind}",
        "data": None,
        "related_object": related,
        "api_version": None,
    }


def test_a_thin_event_is_a_hint_with_a_key_and_stored_without_one(keyed_scene: Scene, settings: Settings) -> None:
    invoice = keyed_scene.fake.fail_invoice(next_attempt=None)
    settings.STRIPE_SECRET_KEY, key = "", settings.STRIPE_SECRET_KEY
    assert hand_in(keyed_scene, "invoice.updated", **thin("invoice.payment_failed", invoice)).status == "ignored"

    settings.STRIPE_SECRET_KEY = key
    assert hand_in(keyed_scene, "invoice.updated", **thin("invoice.payment_failed", invoice)).status == "done"

    assert keyed_scene.case(invoice).status == "open"
    assert not Alarm.objects.exists()


def test_what_stripe_does_not_know_is_stored_and_not_tried_for_days(keyed_scene: Scene) -> None:
    stored = hand_in(keyed_scene, "invoice.payment_failed")

    assert (stored.status, stored.outcome, stored.attempts) == ("ignored", "unknown to Stripe", 1)


@pytest.mark.parametrize(
    ("reason", "cases"), [("max_payment_attempts", 1), ("payment_not_received", 1), ("user_forgiven", 0)]
)
def test_an_invoice_that_is_heard_of_only_once_stripe_gave_it_up_gets_its_case_where_it_is_owed(
    scene: Scene, reason: str, cases: int
) -> None:
    invoice = scene.fake.fail_invoice(next_attempt=None)
    scene.move_to(day=16)
    scene.fake.mark_uncollectible(invoice, reason=reason)
    (alone,) = (event for event in scene.fake.events if event.type == "invoice.marked_uncollectible")

    scene.fake.deliver(alone.id)
    scene.hear_stored()

    assert PaymentFailure.objects.filter(invoice_id=invoice, status="open").count() == cases
