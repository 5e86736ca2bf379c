"""Trap 13: a card that the customer gave after the failure is charged for the failing invoice, once, and becomes the
subscription's own, which Stripe would otherwise go on trying before it."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from billing import gateway, staff_actions
from billing.models import NewCardAttempt, PaymentFailure
from billing.models.cards import LEASE
from billing.new_cards import charge_new_cards
from billing.tests.make import Scene
from levqor.audit.models import AuditEntry
from levqor.lib.actors import Actor
from levqor.lib.passes import PassClock
from testing.stripe_facts import API_VERSIONS

ANNA = Actor("staff")


@pytest.fixture
def failing(keyed_scene: Scene) -> str:
    """An invoice that failed on the subscription's own, dead card."""
    fake = keyed_scene.fake
    customer = fake.add_customer(email="payer@example.com", name="Payer Ltd")
    dead = fake.add_payment_method(customer, last4="0341")
    subscription = fake.add_subscription(customer, default_payment_method=dead)
    return keyed_scene.fail(subscription=subscription, amount=4200, next_attempt=None)


def give_card(scene: Scene, last4: str = "4242") -> str:
    """The portal's flow: the card is attached and becomes the customer's default, and nothing else."""
    card = scene.fake.add_payment_method(scene.account().stripe_customer_id or "", default=True, last4=last4)
    scene.hear()
    return card


def calls(scene: Scene, ending: str) -> list[str]:
    """The idempotency keys with which an endpoint was called."""
    return [request.headers["idempotency-key"] for request in scene.fake.requests if request.path.endswith(ending)]


def attempt() -> NewCardAttempt:
    return NewCardAttempt.objects.get()


def test_the_invoice_is_paid_with_the_new_card_and_the_service_goes_on(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)
    keyed_scene.hear()

    case = keyed_scene.case(failing)
    assert (case.status, case.recovery_method, case.recovered_cents) == ("recovered", "new_card", 4200)
    assert (attempt().status, attempt().card) == ("paid", "Visa ending in 4242")
    assert keyed_scene.account().standing == "active"


def test_the_new_card_becomes_the_subscriptions_own(keyed_scene: Scene, failing: str) -> None:
    subscription = keyed_scene.case(failing).subscription_id
    card = give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert keyed_scene.fake.subscription(subscription).default_payment_method == card


def test_a_subscription_without_a_card_of_its_own_is_left_so(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fail(next_attempt=None)
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert keyed_scene.case(invoice).status == "recovered"
    assert keyed_scene.fake.subscription(keyed_scene.case(invoice).subscription_id).default_payment_method is None


def test_a_declined_card_is_recorded_and_the_steps_go_on(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.declines["*"] = "insufficient_funds"
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)
    keyed_scene.hear()

    assert (attempt().status, attempt().decline_code) == ("declined", "insufficient_funds")
    assert keyed_scene.case(failing).status == "open"
    assert keyed_scene.run(day=1).sent == 1


def test_a_card_is_tried_once_for_an_invoice_however_often_it_is_told_of(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.declines["*"] = "insufficient_funds"
    give_card(keyed_scene)
    for event in keyed_scene.fake.event_ids("customer.updated", "payment_method.attached"):
        keyed_scene.fake.deliver(event, times=2)

    for minutes in range(5):
        charge_new_cards(at=keyed_scene.now + timedelta(minutes=minutes))
        keyed_scene.hear()

    assert len(calls(keyed_scene, "/pay")) == 1


def test_the_lease_of_a_late_one_in_a_long_pass_is_as_long_as_any(
    keyed_scene: Scene, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_card(keyed_scene)
    monkeypatch.setattr(PassClock, "seconds", 100)
    leases: list[datetime | None] = []
    monkeypatch.setattr("billing.new_cards._call", lambda row, at: leases.append(row.lease_until))

    charge_new_cards(at=keyed_scene.now)

    assert leases == [keyed_scene.now + timedelta(seconds=100) + LEASE]


def test_another_card_after_a_declined_one_is_tried(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.declines[give_card(keyed_scene)] = "insufficient_funds"
    charge_new_cards(at=keyed_scene.now)

    give_card(keyed_scene, last4="5555")
    charge_new_cards(at=keyed_scene.now)

    statuses = list(NewCardAttempt.objects.values_list("status", flat=True))
    assert statuses == ["declined", "paid"]
    assert keyed_scene.case(failing).status == "recovered"


def test_a_lost_answer_is_asked_for_again_with_the_same_key(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)
    keyed_scene.fake.cut_after_effect(path_prefix=f"/v1/invoices/{failing}/pay")

    charge_new_cards(at=keyed_scene.now)
    status_after_the_cut = attempt().status
    charge_new_cards(at=keyed_scene.now + timedelta(minutes=5))

    keys = calls(keyed_scene, "/pay")
    assert (status_after_the_cut, attempt().status) == ("pending", "paid")
    assert (len(keys), len(set(keys))) == (2, 1)


def test_a_charge_whose_answer_was_lost_is_credited_to_the_new_card(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)
    keyed_scene.fake.cut_after_effect(path_prefix=f"/v1/invoices/{failing}/pay")
    charge_new_cards(at=keyed_scene.now)

    keyed_scene.hear()

    case = keyed_scene.case(failing)
    assert (case.status, case.recovery_method) == ("recovered", "new_card")


def test_an_attempt_that_a_crash_left_half_way_is_taken_up_with_its_key(
    keyed_scene: Scene, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_card(keyed_scene)
    with monkeypatch.context() as crashing:
        crashing.setattr("billing.new_cards._record", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            charge_new_cards(at=keyed_scene.now)
    assert charge_new_cards(at=keyed_scene.now) == 0  # its lease still runs

    charge_new_cards(at=keyed_scene.now + timedelta(minutes=3))

    assert attempt().status == "paid"
    assert len(set(calls(keyed_scene, "/pay"))) == 1
    assert keyed_scene.case(failing).recovered_cents == 4200


def test_a_key_that_stripe_has_forgotten_ends_with_a_person(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)
    keyed_scene.fake.fail_next(status=500, count=9, path_prefix=f"/v1/invoices/{failing}/pay")
    charge_new_cards(at=keyed_scene.now)
    keyed_scene.fake.heal()

    charge_new_cards(at=keyed_scene.now + timedelta(hours=24))

    assert attempt().status == "unknown"
    assert keyed_scene.case(failing).flag == "unknown_charge"
    assert len(calls(keyed_scene, "/pay")) == 1


def test_a_refusal_stands_though_stripe_falls_silent_right_after_it(
    keyed_scene: Scene, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        keyed_scene.fake.fail_next(status=500, count=9, path_prefix=f"/v1/invoices/{failing}")
        raise gateway.StripeRefusedError("This card cannot be charged.")

    monkeypatch.setattr("billing.new_cards.gateway.pay_invoice", refuse)
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert (attempt().status, attempt().error) == ("cancelled", "This card cannot be charged.")


def test_an_invoice_paid_in_the_meantime_is_not_charged(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)
    keyed_scene.fake.pay_invoice(failing)

    charge_new_cards(at=keyed_scene.now)

    assert attempt().status == "cancelled"
    assert not calls(keyed_scene, "/pay")
    assert keyed_scene.case(failing).recovery_method == "customer"


def test_a_card_that_is_no_longer_the_customers_choice_is_not_charged(keyed_scene: Scene, failing: str) -> None:
    give_card(keyed_scene)
    keyed_scene.fake.update_customer(keyed_scene.account().stripe_customer_id or "", default_payment_method=None)

    charge_new_cards(at=keyed_scene.now)

    assert (attempt().status, calls(keyed_scene, "/pay")) == ("cancelled", [])


def test_a_card_on_file_that_is_not_the_default_is_not_charged(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.add_payment_method(keyed_scene.account().stripe_customer_id or "")
    keyed_scene.hear()

    assert not NewCardAttempt.objects.exists()


def test_a_change_of_address_charges_nothing(keyed_scene: Scene, failing: str) -> None:
    customer = keyed_scene.account().stripe_customer_id or ""
    keyed_scene.fake.set(keyed_scene.fake.customer(customer), default_payment_method="pm_old")
    keyed_scene.fake.update_customer(customer, email="new@example.com")
    keyed_scene.hear()

    assert not NewCardAttempt.objects.exists()
    account = keyed_scene.account()
    assert account.billing_email == "new@example.com"
    entry = AuditEntry.objects.about(account).get(verb="billing_email.changed")
    assert (entry.actor_kind, entry.changes) == ("stripe", {})


def test_a_strangers_card_changes_nothing(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.add_payment_method(keyed_scene.fake.add_customer(), default=True)
    keyed_scene.hear()

    assert not NewCardAttempt.objects.exists()


def test_every_failing_invoice_of_the_customer_is_charged(keyed_scene: Scene, failing: str) -> None:
    other = keyed_scene.fail(customer=keyed_scene.account().stripe_customer_id, amount=100, next_attempt=None)
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert {keyed_scene.case(invoice).status for invoice in (failing, other)} == {"recovered"}


def test_an_invoice_that_is_sent_is_not_charged(keyed_scene: Scene) -> None:
    customer = keyed_scene.fake.add_customer(email="sent@example.com")
    due = keyed_scene.fake.now
    invoice = keyed_scene.fake.add_invoice(customer=customer, collection_method="send_invoice", due_date=due)
    keyed_scene.fake.overdue_invoice(invoice)
    keyed_scene.hear()
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert (attempt().status, calls(keyed_scene, "/pay")) == ("cancelled", [])


def test_nothing_is_charged_while_dunning_is_off(keyed_scene: Scene, failing: str, settings: Settings) -> None:
    give_card(keyed_scene)
    settings.DUNNING_ENABLED = False

    assert charge_new_cards(at=keyed_scene.now) == 0
    assert attempt().status == "pending"


def test_a_paused_case_waits_and_a_stopped_one_is_left_alone(keyed_scene: Scene, failing: str) -> None:
    staff_actions.pause(keyed_scene.case(failing), until=None, by=ANNA, at=keyed_scene.now, reason="asked for time")
    give_card(keyed_scene)
    assert charge_new_cards(at=keyed_scene.now) == 0

    staff_actions.stop(keyed_scene.case(failing), by=ANNA, at=keyed_scene.now, reason="billed by mistake")
    PaymentFailure.objects.update(paused_at=None)
    charge_new_cards(at=keyed_scene.now)

    assert (attempt().status, calls(keyed_scene, "/pay")) == ("cancelled", [])


def test_a_bank_that_wants_a_confirmation_makes_the_case_say_so(keyed_scene: Scene, failing: str) -> None:
    keyed_scene.fake.declines["*"] = "authentication_required"
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)
    keyed_scene.hear()

    assert attempt().decline_code == "authentication_required"
    assert keyed_scene.case(failing).needs_authentication


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_api_version_tells_of_the_new_card(keyed_scene: Scene, failing: str, version: str) -> None:
    keyed_scene.fake.api_version = version
    give_card(keyed_scene)

    charge_new_cards(at=keyed_scene.now)

    assert keyed_scene.case(failing).status == "recovered"


def test_without_a_key_nobody_is_asked(scene: Scene) -> None:
    scene.fail()
    give_card(scene)

    assert not NewCardAttempt.objects.exists()
