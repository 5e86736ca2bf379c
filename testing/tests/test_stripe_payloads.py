from dataclasses import replace

import pytest

from testing.stripe_facts import (
    ACACIA,
    API_VERSIONS,
    BASIL,
    DAHLIA,
    ENDIVE,
    V2020,
    V2024,
    ChargeFacts,
    CustomerFacts,
    EventFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    PaymentIntentFacts,
    SubscriptionFacts,
)
from testing.stripe_payloads import (
    charge,
    customer,
    event,
    invoice,
    payment_intent,
    subscription,
    thin_event,
)

OLD = [V2020, V2024, ACACIA]
NEW = [version for version in API_VERSIONS if version not in OLD]
INVOICE = InvoiceFacts(
    id="in_1", customer="cus_1", subscription="sub_1", total=2900, charge="ch_1", payment_intent="pi_1"
)
SUBSCRIPTION = SubscriptionFacts(id="sub_1", customer="cus_1", period_start=1, period_end=2)


@pytest.mark.parametrize("version", OLD)
def test_invoice_up_to_acacia_names_subscription_and_payment_itself(version: str) -> None:
    body = invoice(INVOICE, version)

    assert (body["subscription"], body["charge"], body["payment_intent"]) == ("sub_1", "ch_1", "pi_1")
    assert body["paid"] is False
    assert body["lines"]["data"][0]["plan"]["id"] == "price_growth"
    assert "parent" not in body


@pytest.mark.parametrize("version", NEW)
def test_invoice_from_basil_names_its_subscription_in_parent(version: str) -> None:
    body = invoice(INVOICE, version)

    assert body["parent"]["subscription_details"]["subscription"] == "sub_1"
    assert body["lines"]["data"][0]["pricing"]["price_details"]["price"] == "price_growth"
    assert not body.keys() & {"subscription", "paid", "charge", "payment_intent", "tax", "discount"}


@pytest.mark.parametrize("version", API_VERSIONS)
def test_one_off_invoice_has_no_subscription(version: str) -> None:
    body = invoice(replace(INVOICE, subscription=None), version)

    assert body.get("subscription") is None
    assert body.get("parent") is None


@pytest.mark.parametrize("version", API_VERSIONS)
def test_subscription_of_an_invoice_can_be_expanded(version: str) -> None:
    body = invoice(INVOICE, version, expanded=SUBSCRIPTION)

    reference = body["subscription"] if version in OLD else body["parent"]["subscription_details"]["subscription"]
    assert (reference["id"], reference["object"]) == ("sub_1", "subscription")


def test_payments_are_included_only_on_request_and_from_basil() -> None:
    payment = InvoicePaymentFacts(id="inpay_1", invoice="in_1", amount_requested=2900, payment_intent="pi_1")

    assert "payments" not in invoice(INVOICE, BASIL)
    assert "payments" not in invoice(INVOICE, ACACIA, payments=[payment])
    rows = invoice(INVOICE, BASIL, payments=[payment])["payments"]["data"]
    assert rows[0]["payment"] == {"type": "payment_intent", "payment_intent": "pi_1"}


@pytest.mark.parametrize(
    ("changes", "due", "remaining"),
    [
        ({}, 2900, 2900),
        ({"amount_paid": 900}, 2900, 2000),
        ({"pre_payment_credit": 2900}, 0, 0),
        ({"status": "paid"}, 2900, 0),
    ],
)
def test_amounts_follow_from_what_was_paid_and_credited(changes: dict[str, int], due: int, remaining: int) -> None:
    body = invoice(replace(INVOICE, **changes), ENDIVE)  # type: ignore[arg-type]  # changes are of several types

    assert (body["amount_due"], body["amount_remaining"]) == (due, remaining)


def test_only_endive_tells_why_an_invoice_is_uncollectible() -> None:
    facts = replace(INVOICE, status="uncollectible", uncollectible_reason="max_payment_attempts")

    assert invoice(facts, ENDIVE)["status_details"] == {"uncollectible": {"reason": "max_payment_attempts"}}
    assert "status_details" not in invoice(facts, DAHLIA)


def test_only_endive_tells_why_a_subscription_is_paused() -> None:
    facts = replace(SUBSCRIPTION, status="paused", paused_type="first_payment_failure", paused_at=5)

    paused = subscription(facts, ENDIVE)["status_details"]["paused"]
    assert paused["subscription"] == {"type": "first_payment_failure"}
    assert "status_details" not in subscription(facts, DAHLIA)


def test_period_moved_to_the_subscription_item_in_basil() -> None:
    old, new = subscription(SUBSCRIPTION, ACACIA), subscription(SUBSCRIPTION, BASIL)

    assert old["current_period_end"] == new["items"]["data"][0]["current_period_end"] == 2
    assert "current_period_end" not in new
    assert "current_period_end" not in old["items"]["data"][0]


def test_payment_objects_forget_their_invoice_in_basil() -> None:
    paid = ChargeFacts(id="ch_1", amount=2900, invoice="in_1")
    intent = PaymentIntentFacts(id="pi_1", amount=2900, invoice="in_1", latest_charge="ch_1")

    assert charge(paid, ACACIA)["invoice"] == payment_intent(intent, ACACIA)["invoice"] == "in_1"
    assert "invoice" not in charge(paid, BASIL)
    assert "invoice" not in payment_intent(intent, BASIL)


def test_the_oldest_intent_lists_charges() -> None:
    paid = ChargeFacts(id="ch_1", amount=2900)
    intent = PaymentIntentFacts(id="pi_1", amount=2900, latest_charge="ch_1")

    body = payment_intent(intent, V2020, last=paid)

    assert body["charges"]["data"][0]["id"] == "ch_1"
    assert "latest_charge" not in body


def test_deleted_customer_is_a_stub() -> None:
    body = customer(CustomerFacts(id="cus_1", deleted=True), ENDIVE)

    assert body == {"id": "cus_1", "object": "customer", "deleted": True}


def test_event_keeps_its_body_and_names_previous_values() -> None:
    facts = EventFacts(
        id="evt_1",
        type="invoice.updated",
        api_version=BASIL,
        body={"id": "in_1"},
        previous_attributes={"status": "open"},
    )

    body = event(facts)

    assert body["data"] == {"object": {"id": "in_1"}, "previous_attributes": {"status": "open"}}
    assert body["api_version"] == BASIL


def test_thin_event_only_refers_to_its_object() -> None:
    facts = EventFacts(
        id="evt_1", created=60, type="invoice.paid", api_version=BASIL, body={"id": "in_1", "object": "invoice"}
    )

    body = thin_event(facts)

    assert (body["object"], body["type"]) == ("v2.core.event", "v1.invoice.paid")
    assert body["related_object"] == {"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"}
    assert body["created"] == "1970-01-01T00:01:00.000Z"
