"""The traps of Stripe's invoices and subscriptions, one by one; docs/stripe-traps.md says which test holds which."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Alarm, PaymentFailure
from billing.sample_events import Sample, invoice_object
from billing.stripe_objects import invoice_facts
from billing.tests.make import START, Scene, hand_in

# 1: from the invoice to its subscription


@pytest.mark.parametrize(
    "link",
    [
        {"subscription": "sub_1"},
        {"subscription": {"id": "sub_1", "object": "subscription"}},
        {"parent": {"subscription_details": {"subscription": "sub_1"}}},
        {"parent": {"subscription_details": {"subscription": {"id": "sub_1"}}}},
        {"subscription": None, "parent": {"subscription_details": {"subscription": "sub_1"}}},
    ],
)
def test_the_subscription_is_found_by_id_or_object_at_both_places(link: dict[str, object]) -> None:
    assert invoice_facts({"id": "in_1", **link}).subscription_id == "sub_1"


@pytest.mark.parametrize("link", [{}, {"parent": None}, {"subscription": None}, {"parent": {"quote_details": {}}}])
def test_a_one_off_invoice_has_none(link: dict[str, object]) -> None:
    assert invoice_facts({"id": "in_1", **link}).subscription_id == ""


# 2: paid means paid, and nothing left


def test_a_part_payment_keeps_the_case_and_lowers_what_is_owed(scene: Scene) -> None:
    invoice = scene.fail(amount=5000, next_attempt=None)

    scene.fake.pay_invoice(invoice, amount=2000)
    scene.hear()

    assert (scene.case(invoice).status, scene.case(invoice).amount_cents) == ("open", 3000)


def test_an_invoice_that_says_paid_and_owes_money_is_for_a_person(scene: Scene) -> None:
    hand_in(scene, "invoice.payment_failed")
    contradiction = invoice_object(Sample(created=timezone.now(), invoice="in_hand"), status="paid")
    contradiction |= {"amount_due": 9900, "amount_paid": 4000, "amount_remaining": 5900}

    hand_in(scene, "invoice.paid", data={"object": contradiction})

    case = PaymentFailure.objects.get()
    assert (case.status, case.flag) == ("open", "odd_state")
    assert Alarm.objects.get().kind == "invoice_state"


# 4 and 17: what a subscription's state means


@pytest.mark.parametrize("kind", ["first_payment_failure", "final_payment_failure", "pause_requested", "system"])
def test_a_paused_subscription_still_owes_its_invoice(keyed_scene: Scene, kind: str) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.pause_subscription(keyed_scene.case(invoice).subscription_id, kind=kind)
    keyed_scene.hear()

    assert keyed_scene.run(day=1).sent == 1


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused", "trialing", "incomplete"])
def test_states_that_prove_nothing_change_nothing(scene: Scene, status: str) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.fake.advance(60)
    scene.fake.update_subscription(scene.case(invoice).subscription_id, status=status, cancel_at_period_end=True)
    scene.hear()

    assert (scene.case(invoice).status, scene.case(invoice).flag) == ("open", "")


@pytest.mark.parametrize("name", ["scene", "keyed_scene"])
def test_a_state_that_nobody_knows_stops_the_machine_and_asks_a_person(
    request: pytest.FixtureRequest, name: str
) -> None:
    scene: Scene = request.getfixturevalue(name)
    invoice = scene.fail(next_attempt=None)
    scene.fake.update_subscription(scene.case(invoice).subscription_id, status="hibernating")
    scene.hear()

    report = scene.run(day=14)

    assert (scene.case(invoice).flag, report.suspended) == ("odd_state", 0)
    assert Alarm.objects.get(kind="subscription_state").subject == "hibernating"
    assert name == "scene" or report.held == 3


def test_an_invoice_in_a_state_that_nobody_knows_is_held(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.update_invoice(invoice, status="quarantined")
    keyed_scene.hear()

    report = keyed_scene.run(day=1)

    assert (report.sent, report.held, keyed_scene.case(invoice).status) == (0, 1, "open")
    assert keyed_scene.case(invoice).flag == "odd_state"
    assert Alarm.objects.get().subject == "quarantined"


def test_active_again_settles_the_invoice_that_decides_the_state(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.fake.advance(60)
    scene.fake.update_subscription(scene.case(invoice).subscription_id, status="active")
    scene.hear()

    assert (scene.case(invoice).status, scene.case(invoice).recovery_method) == ("recovered", "unknown")


def test_an_older_invoice_is_not_settled_by_a_subscription_that_is_active_for_a_later_one(scene: Scene) -> None:
    older = scene.fail(next_attempt=None)
    subscription = scene.case(older).subscription_id
    scene.fake.advance(60)
    scene.fake.pay_invoice(scene.fake.add_invoice(subscription=subscription))
    scene.hear()

    assert scene.fake.subscription(subscription).status == "active"
    assert scene.case(older).status == "open"


def test_a_customer_who_left_before_the_failure_was_heard_of_is_not_dunned(scene: Scene) -> None:
    invoice = scene.fake.fail_invoice(next_attempt=None)
    scene.fake.cancel_subscription(scene.fake.invoice(invoice).subscription or "")

    for told in reversed(scene.fake.pending_events()):
        scene.fake.deliver(told)
        scene.hear_stored()

    assert not PaymentFailure.objects.exists()


def test_another_subscription_of_the_customer_decides_nothing(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="two@example.com")
    failing, other = (keyed_scene.fake.add_subscription(customer) for _ in range(2))
    invoice = keyed_scene.fail(subscription=failing, next_attempt=None)
    keyed_scene.fake.cancel_subscription(other)
    keyed_scene.hear()

    assert keyed_scene.case(invoice).status == "open"
    assert keyed_scene.run(day=1).sent == 1


# 11: no further automatic try


def test_suspension_waits_for_a_retry_that_lies_past_day_14(scene: Scene) -> None:
    scene.fail(next_attempt=int((START + timedelta(days=20)).timestamp()))
    for day in (1, 7):
        scene.run(day=day)

    assert [scene.run(day=day).suspended for day in (14, 19, 20.1)] == [0, 0, 1]


# 15: why the invoice was made


@pytest.mark.parametrize(
    "reason", ["subscription_cycle", "subscription_update", "subscription_threshold", "manual", "quote_accept"]
)
def test_a_failed_renewal_change_or_one_off_is_dunned(scene: Scene, reason: str) -> None:
    invoice = scene.fail(billing_reason=reason)

    assert scene.case(invoice).billing_reason == reason


# 16: invoices that are sent


def overdue_invoice(scene: Scene) -> str:
    customer = scene.fake.add_customer(email="sent@example.com")
    due = scene.fake.now
    invoice = scene.fake.add_invoice(customer=customer, collection_method="send_invoice", due_date=due)
    scene.fake.advance(3600)
    scene.fake.overdue_invoice(invoice)
    scene.hear()
    return invoice


def test_an_invoice_that_is_sent_is_dunned_once_it_is_overdue(scene: Scene) -> None:
    invoice = overdue_invoice(scene)

    assert (scene.case(invoice).status, scene.case(invoice).failure_date) == ("open", scene.now)


def test_an_invoice_that_is_sent_and_not_due_yet_is_left_alone(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="sent@example.com")
    invoice = keyed_scene.fake.add_invoice(
        customer=customer, collection_method="send_invoice", due_date=keyed_scene.fake.now + 86400
    )
    keyed_scene.fake.fail_invoice(invoice)
    keyed_scene.hear()

    assert not PaymentFailure.objects.exists()


# 18: collection is paused


def test_active_with_paused_collection_does_not_mean_paid(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.fake.advance(60)
    subscription = scene.case(invoice).subscription_id
    scene.fake.set(scene.fake.subscription(subscription), status="active")
    scene.fake.pause_collection(subscription)
    scene.hear()

    assert scene.case(invoice).status == "open"
    assert scene.run(day=1).sent == 1


# 19: other ends


def test_overpaying_counts_once(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)

    scene.fake.pay_invoice(invoice, amount=7000)
    scene.hear()

    assert (scene.case(invoice).recovered_cents, scene.account().standing) == (5000, "active")


@pytest.mark.parametrize(
    ("reason", "status", "flag"),
    [
        ("user_forgiven", "closed", ""),
        ("subscription_canceled", "closed", ""),
        ("payment_not_received", "open", ""),
        ("an_act_of_god", "open", "odd_state"),
    ],
)
def test_uncollectible_is_judged_by_its_reason(keyed_scene: Scene, reason: str, status: str, flag: str) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    keyed_scene.fake.mark_uncollectible(invoice, reason=reason)
    keyed_scene.hear()

    assert (keyed_scene.case(invoice).status, keyed_scene.case(invoice).flag) == (status, flag)


def test_an_invoice_that_stripe_stopped_trying_before_we_heard_of_it_is_dunned(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.fail_invoice(next_attempt=None)
    keyed_scene.fake.mark_uncollectible(invoice, reason="max_payment_attempts")
    keyed_scene.hear()

    assert keyed_scene.case(invoice).status == "open"
    assert keyed_scene.run(day=1).sent == 1


# 21: to whom


def test_mail_goes_to_the_customers_present_address(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    customer = keyed_scene.account().stripe_customer_id or ""
    keyed_scene.fake.set(keyed_scene.fake.customer(customer), email="moved@example.com")  # and no webhook tells us

    keyed_scene.run(day=1)

    mail = keyed_scene.case(invoice).emails.get().mail
    assert mail is not None
    assert mail.to_email == "moved@example.com"


def test_a_customer_who_was_deleted_unheard_is_written_to_no_more(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="one@example.com")
    invoice = keyed_scene.fail(customer=customer, next_attempt=None)
    keyed_scene.fake.delete_customer(customer)

    report = keyed_scene.run(day=1)

    assert (report.sent, report.cancelled) == (0, 1)
    assert keyed_scene.case(invoice).close_reason == "customer_deleted"


# 22: money


@pytest.mark.parametrize("total", [0])
def test_an_invoice_below_the_minimum_owes_nothing(scene: Scene, total: int) -> None:
    scene.fail(customer=scene.fake.add_customer(email="small@example.com"), amount=total)

    assert not PaymentFailure.objects.exists()


def test_what_remains_is_asked_for_and_not_what_was_due(scene: Scene) -> None:
    invoice = scene.fake.add_invoice(amount=5000)
    scene.fake.pay_invoice(invoice, amount=1250)
    scene.fake.fail_invoice(invoice)
    scene.hear()

    assert scene.case(invoice).amount_cents == 3750
