"""Invoices and what belongs to them, as each API version spells them. The rest is in `stripe_payloads`."""

from collections.abc import Sequence
from typing import Any

from testing.stripe_facts import (
    BASIL,
    ENDIVE,
    CreditNoteFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    Json,
    SubscriptionFacts,
    since,
)
from testing.stripe_shapes import base_fields, listing, picked, plan, price
from testing.stripe_subscriptions import subscription


def invoice(
    facts: InvoiceFacts,
    version: str,
    *,
    expanded: SubscriptionFacts | None = None,
    payments: Sequence[InvoicePaymentFacts] | None = None,
) -> Json:
    """`expanded` puts the whole subscription where its id stood. `payments` (basil and later) is absent from events and
    answers unless asked for, as at Stripe.
    """
    reference = subscription(expanded, version) if expanded else facts.subscription
    body = _invoice_core(facts) | {
        "lines": listing(f"/v1/invoices/{facts.id}/lines", [_invoice_line(facts, version)]),
        "status_transitions": picked(facts, "finalized_at paid_at voided_at marked_uncollectible_at"),
    }
    body |= _invoice_links(facts, reference) if since(version, BASIL) else _old_invoice_links(facts, reference)
    if since(version, BASIL) and payments is not None:
        rows = [invoice_payment(payment, version) for payment in payments]
        body["payments"] = listing(f"/v1/invoices/{facts.id}/payments", rows)
    if since(version, ENDIVE):
        reason = facts.uncollectible_reason
        body["amount_paid_off_stripe"] = facts.amount_paid if facts.paid_out_of_band else 0
        body["status_details"] = {"uncollectible": {"reason": reason}} if facts.status == "uncollectible" else None
    return body


def _invoice_core(facts: InvoiceFacts) -> Json:
    same = picked(
        facts,
        "customer currency status total amount_due amount_paid amount_remaining attempt_count next_payment_attempt"
        " auto_advance collection_method billing_reason number customer_email customer_name hosted_invoice_url"
        " period_start period_end due_date default_payment_method test_clock",
    )
    return (
        base_fields(facts, "invoice")
        | same
        | {
            "account_country": "GB",
            "amount_shipping": 0,
            "attempted": facts.attempt_count > 0,
            "customer_address": facts.customer_address and dict(facts.customer_address),
            "description": None,
            "discounts": [],
            "ending_balance": 0,
            "invoice_pdf": facts.hosted_invoice_url and f"{facts.hosted_invoice_url}/pdf",
            "last_finalization_error": None,
            "payment_settings": {"payment_method_options": None, "payment_method_types": None},
            "post_payment_credit_notes_amount": facts.post_payment_credit,
            "pre_payment_credit_notes_amount": facts.pre_payment_credit,
            "starting_balance": 0,
            "subtotal": facts.total,
        }
    )


def _old_invoice_links(facts: InvoiceFacts, reference: Any) -> Json:
    """Up to acacia: what paid the invoice, and which subscription made it, are fields of the invoice itself."""
    body = picked(facts, "charge payment_intent paid_out_of_band")
    details = {"metadata": dict(facts.subscription_metadata) if facts.subscription else None}
    return body | {
        "discount": None,
        "paid": facts.status == "paid",
        "quote": None,
        "subscription": reference,
        "subscription_details": details,
        "tax": None,
    }


def _invoice_links(facts: InvoiceFacts, reference: Any) -> Json:
    parent: Json | None = None
    if facts.subscription:
        details = {"subscription": reference, "metadata": dict(facts.subscription_metadata)}
        parent = {"type": "subscription_details", "quote_details": None, "subscription_details": details}
    return {"amount_overpaid": facts.amount_overpaid, "parent": parent, "total_taxes": []}


def _invoice_line(facts: InvoiceFacts, version: str) -> Json:
    line: Json = {
        "id": facts.id.replace("in_", "il_", 1),
        "object": "line_item",
        "amount": facts.total,
        "currency": facts.currency,
        "description": facts.description,
        "discountable": True,
        "livemode": facts.livemode,
        "metadata": {},
        "period": {"start": facts.period_start, "end": facts.period_end},
        "quantity": 1,
    }
    return line | (_pricing(facts) if since(version, BASIL) else _old_pricing(facts))


def _pricing(facts: InvoiceFacts) -> Json:
    details: Json = {"subscription": facts.subscription, "proration": False, "subscription_item": facts.item}
    item = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": "ii_1", "subscription": None}}
    plan = {"type": "subscription_item_details", "subscription_item_details": details, "invoice_item_details": None}
    price = {"price": facts.price, "product": facts.product}
    return {
        "invoice": facts.id,
        "parent": plan if facts.subscription else item,
        "pricing": {"type": "price_details", "price_details": price, "unit_amount_decimal": str(facts.total)},
        "taxes": [],
    }


def _old_pricing(facts: InvoiceFacts) -> Json:
    details = SubscriptionFacts(
        id=facts.subscription or "",
        customer=facts.customer,
        currency=facts.currency,
        price=facts.price,
        product=facts.product,
        nickname=facts.nickname,
        unit_amount=facts.total,
    )
    return {
        "plan": plan(details) if facts.subscription else None,
        "price": price(details),
        "proration": False,
        "subscription": facts.subscription,
        "subscription_item": facts.item if facts.subscription else None,
        "tax_amounts": [],
        "type": "subscription" if facts.subscription else "invoiceitem",
    }


def invoice_payment(facts: InvoicePaymentFacts, version: str) -> Json:
    body = base_fields(facts, "invoice_payment") | picked(facts, "invoice amount_requested amount_paid currency status")
    del body["metadata"]
    return body | {
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": facts.payment_intent},
        "status_transitions": {"canceled_at": None, "paid_at": facts.paid_at},
    }


def credit_note(facts: CreditNoteFacts, version: str) -> Json:
    same = picked(
        facts,
        "invoice customer amount currency pre_payment_amount post_payment_amount out_of_band_amount"
        " reason number status",
    )
    refunds: Json = {"refunds": []} if since(version, BASIL) else {"refund": None}
    return (
        base_fields(facts, "credit_note")
        | same
        | refunds
        | {
            "effective_at": facts.created,
            "memo": None,
            "subtotal": facts.amount,
            "total": facts.amount,
            "type": "post_payment" if facts.post_payment_amount else "pre_payment",
            "voided_at": None,
        }
    )
