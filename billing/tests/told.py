"""Events made by hand, told to us as Stripe and Resend tell theirs: for faults that were reported with their bodies."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from billing.inbox import process_due_events
from billing.models import PaymentFailure
from billing.tests.make import SECRET
from billing.webhooks import sign
from levqor.accounts.models import Plan
from levqor.mail.models import OutgoingMail
from testing.fake_resend import FakeResend

type Json = dict[str, Any]

BEFORE = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
CUSTOMER, SUBSCRIPTION = "cus_told", "sub_told"


def november(day: int, hour: int = 11, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def invoice(invoice_id: str = "in_told", *, subscription: str = SUBSCRIPTION, **changes: Any) -> Json:
    """An open invoice of £99.00 in today's shape, whose only attempt failed for good."""
    return {
        "id": invoice_id,
        "object": "invoice",
        "status": "open",
        "customer": CUSTOMER,
        "customer_email": "payer@shop.example",
        "customer_name": "Shop Ltd",
        "number": f"N-{invoice_id}",
        "currency": "gbp",
        "amount_due": 9900,
        "amount_paid": 0,
        "amount_remaining": 9900,
        "attempt_count": 1,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": int(BEFORE.timestamp()),
        "next_payment_attempt": None,
        "livemode": False,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription}},
        "lines": {"object": "list", "has_more": False, "data": [line(9900, "Growth", "price_growth")]},
    } | changes


def paid(invoice_id: str = "in_told", **changes: Any) -> Json:
    settled: Json = {"status": "paid", "amount_paid": 9900, "amount_remaining": 0}
    return invoice(invoice_id, **settled | changes)


def line(amount: int, description: str, price: str, **changes: Any) -> Json:
    return {
        "object": "line_item",
        "amount": amount,
        "description": description,
        "pricing": {"type": "price_details", "price_details": {"price": price}},
    } | changes


def subscription(status: str, *, subscription_id: str = SUBSCRIPTION, latest: str = "in_told", **changes: Any) -> Json:
    same = {"id": subscription_id, "object": "subscription", "status": status, "customer": CUSTOMER}
    return same | {"latest_invoice": latest, "livemode": False} | changes


def tell(kind: str, thing: Json, *, at: datetime = BEFORE) -> None:
    """The event reaches us, signed, and is processed at once."""
    body: Json = {
        "id": f"evt_{secrets.token_hex(8)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(at.timestamp()),
        "livemode": False,
        "type": kind,
        "data": {"object": thing},
    }
    raw, moment = json.dumps(body).encode(), datetime.now(UTC)
    header = sign(raw, SECRET, at=moment)
    answer = Client().post(
        "/api/webhooks/stripe", data=raw, content_type="application/json", headers={"Stripe-Signature": header}
    )
    assert answer.status_code == 200
    process_due_events(at=datetime.now(UTC))


def tell_failure(invoice_id: str = "in_told", **changes: Any) -> PaymentFailure:
    """An attempt failed on 2 November at 10:00, and its case is open."""
    tell("invoice.payment_failed", invoice(invoice_id, **changes))
    return PaymentFailure.objects.get(invoice_id=invoice_id)


def track(resend: FakeResend, kind: str, mail: OutgoingMail, at: datetime, **details: Any) -> None:
    """Resend reports this about the mail."""
    body, headers = resend.webhook(kind, mail.provider_id, mail.to_email, at=int(at.timestamp()), **details)
    content_type = headers.pop("Content-Type")
    answer = Client().post("/anymail/resend/tracking/", data=body, content_type=content_type, headers=headers)
    assert answer.status_code == 200


def price_plans() -> None:
    """Starter, Growth and Pro have the prices that the told invoices name."""
    for slug in ("starter", "growth", "pro"):
        Plan.objects.filter(slug=slug).update(stripe_price_ids=[f"price_{slug}"])
