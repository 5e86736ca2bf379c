"""Stripe objects as each API version spells them, made by hand from plain facts.

One function per object; an era's differences are small functions chosen by date. A field that a version does not know
is absent, not null: code that reads the wrong name must fail here as it would at Stripe.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from testing.stripe_facts import (
    BASIL,
    LATEST_CHARGE,
    BalanceTransactionFacts,
    ChargeFacts,
    CreditNoteFacts,
    CustomerFacts,
    DisputeFacts,
    EventFacts,
    Facts,
    InvoiceFacts,
    InvoicePaymentFacts,
    Json,
    PaymentIntentFacts,
    PaymentMethodFacts,
    PortalSessionFacts,
    SubscriptionFacts,
    since,
)
from testing.stripe_invoices import credit_note, invoice, invoice_payment
from testing.stripe_shapes import base_fields, listing, picked
from testing.stripe_subscriptions import subscription

__all__ = [
    "balance_transaction",
    "charge",
    "credit_note",
    "customer",
    "dispute",
    "event",
    "invoice",
    "invoice_payment",
    "payment_intent",
    "payment_method",
    "portal_session",
    "render",
    "subscription",
    "thin_event",
]


# Customers and payment methods


def customer(facts: CustomerFacts, version: str) -> Json:
    if facts.deleted:
        return {"id": facts.id, "object": "customer", "deleted": True}
    body = base_fields(facts, "customer") | picked(
        facts, "email name phone balance currency delinquent default_source test_clock"
    )
    return body | {
        "address": facts.address and dict(facts.address),
        "description": None,
        "discount": None,
        "invoice_prefix": facts.id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": facts.default_payment_method,
            "footer": None,
            "rendering_options": None,
        },
        "next_invoice_sequence": 2,
        "preferred_locales": list(facts.preferred_locales),
        "shipping": None,
        "tax_exempt": "none",
    }


def payment_method(facts: PaymentMethodFacts, version: str) -> Json:
    card = {"exp_month": 12, "exp_year": 2034, "funding": "credit", "fingerprint": f"fp{facts.last4}"}
    return base_fields(facts, "payment_method") | {
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "card": card | {"brand": facts.brand, "last4": facts.last4, "country": facts.country},
        "customer": facts.customer,
        "type": "card",
    }


def balance_transaction(facts: BalanceTransactionFacts, version: str) -> Json:
    body = picked(facts, "customer amount currency ending_balance description")
    return (
        base_fields(facts, "customer_balance_transaction")
        | body
        | {"credit_note": None, "invoice": None, "type": "adjustment"}
    )


def portal_session(facts: PortalSessionFacts, version: str) -> Json:
    return base_fields(facts, "billing_portal.session") | {
        "configuration": "bpc_fake",
        "customer": facts.customer,
        "flow": facts.flow and dict(facts.flow),
        "locale": None,
        "on_behalf_of": None,
        "return_url": facts.return_url,
        "url": facts.url,
    }


# Payments


def charge(facts: ChargeFacts, version: str) -> Json:
    paid = facts.status == "succeeded"
    same = picked(facts, "amount currency customer payment_intent payment_method status amount_refunded disputed")
    link = {} if since(version, BASIL) else {"invoice": facts.invoice}
    return (
        base_fields(facts, "charge")
        | same
        | link
        | {
            "amount_captured": facts.amount if paid else 0,
            "captured": paid,
            "failure_code": None if paid else "card_declined",
            "failure_message": None if paid else "Your card was declined.",
            "outcome": {
                "network_status": "approved_by_network" if paid else "declined_by_network",
                "reason": facts.decline_code,
                "type": "authorized" if paid else "issuer_declined",
            },
            "paid": paid,
            "refunded": 0 < facts.amount == facts.amount_refunded,
        }
    )


def payment_intent(facts: PaymentIntentFacts, version: str, *, last: ChargeFacts | None = None) -> Json:
    """`last` fills the list of charges that versions before 2022-11-15 carry."""
    same = picked(facts, "amount currency customer payment_method status")
    body = (
        base_fields(facts, "payment_intent")
        | same
        | {
            "amount_received": facts.amount if facts.status == "succeeded" else 0,
            "capture_method": "automatic",
            "client_secret": f"{facts.id}_secret_fake",
            "last_payment_error": _payment_error(facts),
            "next_action": {"type": "use_stripe_sdk"} if facts.status == "requires_action" else None,
            "payment_method_types": ["card"],
            "setup_future_usage": "off_session",
        }
    )
    if not since(version, BASIL):
        body["invoice"] = facts.invoice
    if since(version, LATEST_CHARGE):
        body["latest_charge"] = facts.latest_charge
    else:
        rows = [charge(last, version)] if last else []
        body["charges"] = listing(f"/v1/charges?payment_intent={facts.id}", rows)
    return body


def _payment_error(facts: PaymentIntentFacts) -> Json | None:
    if facts.decline_code is None:
        return None
    needs_customer = facts.decline_code == "authentication_required"
    return {
        "type": "card_error",
        "code": "authentication_required" if needs_customer else "card_declined",
        "decline_code": facts.decline_code,
        "message": "Your card was declined.",
        "charge": facts.latest_charge,
    }


def dispute(facts: DisputeFacts, version: str) -> Json:
    same = picked(facts, "amount currency charge payment_intent reason status")
    details = {"due_by": facts.due_by, "has_evidence": False, "past_due": False, "submission_count": 0}
    return (
        base_fields(facts, "dispute")
        | same
        | {
            "balance_transactions": [
                {
                    "id": f"txn_{number}_{facts.id}",
                    "object": "balance_transaction",
                    "amount": amount,
                    "type": "adjustment",
                }
                for number, amount in enumerate(facts.booked)
            ],
            "evidence": {},
            "evidence_details": details,
            "is_charge_refundable": False,
        }
    )


# Events


def event(facts: EventFacts, version: str | None = None) -> Json:
    """A snapshot event. `version` is ignored: an event keeps the shape it was born with."""
    data: Json = {"object": facts.body}
    if facts.previous_attributes is not None:
        data["previous_attributes"] = facts.previous_attributes
    return {
        "id": facts.id,
        "object": "event",
        "api_version": facts.api_version,
        "created": facts.created,
        "data": data,
        "livemode": facts.livemode,
        "pending_webhooks": facts.pending_webhooks,
        "request": {"id": facts.request_id, "idempotency_key": facts.idempotency_key},
        "type": facts.type,
    }


def thin_event(facts: EventFacts) -> Json:
    """The same news as a thin (v2) notification: only a reference to the object, the time as ISO text."""
    kind = str(facts.body["object"])
    return {
        "id": f"{facts.id}_thin",
        "object": "v2.core.event",
        "type": f"v1.{facts.type}",
        "created": datetime.fromtimestamp(facts.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "livemode": facts.livemode,
        "context": None,
        "reason": None,
        "related_object": {"id": facts.body["id"], "type": kind, "url": f"/v1/{kind}s/{facts.body['id']}"},
        "snapshot_event": facts.id,
    }


BUILDERS: Mapping[type[Facts], Callable[..., Json]] = {
    BalanceTransactionFacts: balance_transaction,
    ChargeFacts: charge,
    CreditNoteFacts: credit_note,
    CustomerFacts: customer,
    DisputeFacts: dispute,
    EventFacts: event,
    InvoiceFacts: invoice,
    InvoicePaymentFacts: invoice_payment,
    PaymentIntentFacts: payment_intent,
    PaymentMethodFacts: payment_method,
    PortalSessionFacts: portal_session,
    SubscriptionFacts: subscription,
}


def render(facts: Facts, version: str) -> Json:
    return BUILDERS[type(facts)](facts, version)
