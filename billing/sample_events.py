"""Hand-made Stripe events for `simulate_stripe` and the demo data, in today's payload shape."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.gateway import API_VERSION
from billing.stripe_objects import Json

RETRY_AFTER_SECONDS = 3 * 24 * 3600


@dataclass(frozen=True)
class Sample:
    """What the person at the keyboard chose; the rest is made up, and stays the same for the same invoice."""

    created: datetime
    email: str = "customer@levqor.test"
    plan: str = "growth"
    amount: int = 9900
    currency: str = "gbp"
    invoice: str = field(default_factory=lambda: f"in_{secrets.token_hex(8)}")
    subscription: str = "sub_demo"
    customer: str = "cus_demo"
    livemode: bool = False

    @property
    def created_seconds(self) -> int:
        return int(self.created.timestamp())


def invoice_object(sample: Sample, *, status: str = "open") -> Json:
    left = sample.amount if status in {"open", "uncollectible"} else 0
    details = {"subscription": sample.subscription, "metadata": {}}
    return {
        "id": sample.invoice,
        "object": "invoice",
        "status": status,
        "customer": sample.customer,
        "customer_email": sample.email,
        "customer_name": sample.email.split("@")[0].replace(".", " ").title(),
        "number": f"LVQ-{sample.invoice[-6:].upper()}",
        "currency": sample.currency,
        "amount_due": sample.amount,
        "amount_paid": sample.amount - left if status == "paid" else 0,
        "amount_remaining": left,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": status == "open",
        "billing_reason": "subscription_cycle" if sample.subscription else "manual",
        "collection_method": "charge_automatically",
        "created": sample.created_seconds,
        "next_payment_attempt": sample.created_seconds + RETRY_AFTER_SECONDS if status == "open" else None,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{sample.invoice}",
        "livemode": sample.livemode,
        "parent": {"type": "subscription_details", "subscription_details": details} if sample.subscription else None,
        "lines": {"object": "list", "has_more": False, "data": [_line(sample)]},
    }


def _line(sample: Sample) -> Json:
    return {
        "object": "line_item",
        "amount": sample.amount,
        "description": sample.plan.title(),
        "pricing": {"type": "price_details", "price_details": {"price": f"price_demo_{sample.plan}"}},
    }


def subscription_object(sample: Sample, *, status: str) -> Json:
    return {
        "id": sample.subscription,
        "object": "subscription",
        "status": status,
        "customer": sample.customer,
        "latest_invoice": sample.invoice,
        "livemode": sample.livemode,
    }


def _customer(sample: Sample) -> Json:
    return {"id": sample.customer, "object": "customer", "email": sample.email, "livemode": sample.livemode}


def _credit_note(sample: Sample) -> Json:
    return {
        "id": f"cn_{sample.invoice[3:]}",
        "object": "credit_note",
        "invoice": sample.invoice,
        "customer": sample.customer,
        "amount": sample.amount,
        "pre_payment_amount": sample.amount,
        "currency": sample.currency,
        "status": "issued",
    }


def _dispute(sample: Sample) -> Json:
    return {
        "id": f"dp_{sample.invoice[3:]}",
        "object": "dispute",
        "amount": sample.amount,
        "currency": sample.currency,
        "charge": f"ch_{sample.invoice[3:]}",
        "payment_intent": f"pi_{sample.invoice[3:]}",
        "reason": "fraudulent",
        "status": "needs_response",
        "evidence_details": {"due_by": sample.created_seconds + 7 * 24 * 3600, "has_evidence": False},
    }


OBJECTS: dict[str, Callable[[Sample], Json]] = {
    "invoice.payment_failed": invoice_object,
    "invoice.payment_action_required": invoice_object,
    "invoice.updated": invoice_object,
    "invoice.paid": lambda sample: invoice_object(sample, status="paid"),
    "invoice.payment_succeeded": lambda sample: invoice_object(sample, status="paid"),
    "invoice.voided": lambda sample: invoice_object(sample, status="void"),
    "invoice.marked_uncollectible": lambda sample: invoice_object(sample, status="uncollectible"),
    "credit_note.created": _credit_note,
    "customer.updated": _customer,
    "customer.deleted": lambda sample: _customer(sample) | {"deleted": True},
    "customer.subscription.updated": lambda sample: subscription_object(sample, status="active"),
    "customer.subscription.deleted": lambda sample: subscription_object(sample, status="canceled"),
    "charge.dispute.created": _dispute,
    "charge.dispute.closed": lambda sample: _dispute(sample) | {"status": "lost"},
}


def event(event_type: str, sample: Sample) -> dict[str, Any]:
    """One event of this type; raises KeyError for a type that is not in OBJECTS."""
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": sample.created_seconds,
        "livemode": sample.livemode,
        "pending_webhooks": 1,
        "type": event_type,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": OBJECTS[event_type](sample)},
    }
