import pytest

from billing.models import PaymentFailure
from billing.tests.make import Scene
from testing.stripe_facts import API_VERSIONS


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_api_version_opens_the_same_case(scene: Scene, version: str) -> None:
    scene.fake.api_version = version
    customer = scene.fake.add_customer(email="shape@example.com", name="Shape Ltd")
    subscription = scene.fake.add_subscription(customer)

    invoice = scene.fail(subscription=subscription, amount=4200, currency="gbp")

    case = scene.case(invoice)
    assert (case.subscription_id, case.amount_cents, case.currency) == (subscription, 4200, "gbp")
    assert (case.account.name, case.account.billing_email) == ("Shape Ltd", "shape@example.com")
    assert case.failure_date == scene.now


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_api_version_recovers_the_case(scene: Scene, version: str) -> None:
    scene.fake.api_version = version
    invoice = scene.fail()

    scene.fake.pay_invoice(invoice)
    scene.hear()

    assert scene.case(invoice).status == "recovered"


def test_a_one_off_invoice_opens_a_case_without_a_subscription(scene: Scene) -> None:
    customer = scene.fake.add_customer(email="one@example.com")

    invoice = scene.fail(customer=customer, amount=999)

    assert scene.case(invoice).subscription_id == ""


def test_the_first_invoice_of_a_subscription_opens_nothing(scene: Scene) -> None:
    scene.fail(billing_reason="subscription_create")

    assert not PaymentFailure.objects.exists()


def test_a_retry_neither_restarts_nor_hurries_the_steps(scene: Scene) -> None:
    invoice = scene.fail()
    before = list(scene.case(invoice).steps.values_list("scheduled_for", flat=True))
    scene.move_to(day=3)

    scene.fake.fail_invoice(invoice)
    scene.hear()

    assert list(scene.case(invoice).steps.values_list("scheduled_for", flat=True)) == before
    assert scene.case(invoice).attempt_count == 2


def test_a_bank_that_asks_for_confirmation_makes_one_case_that_says_so(scene: Scene) -> None:
    invoice = scene.fake.require_action()
    scene.hear()

    assert scene.case(invoice).needs_authentication


@pytest.mark.parametrize(
    ("reason", "status"),
    [("user_forgiven", "closed"), ("max_payment_attempts", "open"), ("subscription_paused", "open")],
)
def test_uncollectible_ends_the_case_only_where_the_debt_is_given_up(scene: Scene, reason: str, status: str) -> None:
    invoice = scene.fail()

    scene.fake.mark_uncollectible(invoice, reason=reason)
    scene.hear()

    assert scene.case(invoice).status == status


def test_a_subscription_that_stripe_paused_for_not_being_paid_is_still_dunned(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)

    scene.fake.pause_subscription(scene.case(invoice).subscription_id)
    scene.hear()

    assert scene.case(invoice).status == "open"
    assert scene.run(day=1).sent == 1


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("jpy", 5000, "JP¥5,000"), ("kwd", 12345, "KWD\u00a012.345"), ("eur", 990, "€9.90")],
)
def test_amounts_are_written_in_the_customers_currency(scene: Scene, currency: str, amount: int, shown: str) -> None:
    customer = scene.fake.add_customer(email="money@example.com")

    invoice = scene.fail(customer=customer, amount=amount, currency=currency)

    assert scene.case(invoice).amount == shown
