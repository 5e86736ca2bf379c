"""Stripe's objects as small frozen facts, read from any payload shape from `2020-08-27` to `2026-10-28.endive`.

We parse JSON ourselves and keep the SDK for signatures and calls: an event keeps the shape of its endpoint's API version
for ever, whatever version the SDK speaks. Sources of the shapes: https://docs.stripe.com/changelog (basil moved
`invoice.subscription` to `parent` and removed `paid`, endive added `status_details`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

type Json = dict[str, Any]

# Where two stored events of one invoice share a second, the state that cannot go back wins.
INVOICE_RANK = {"draft": 0, "open": 1, "uncollectible": 2, "void": 3, "paid": 4}


@dataclass(frozen=True)
class InvoiceFacts:
    """What Levqor needs to know of an invoice. Amounts are in the currency's smallest unit."""

    id: str
    status: str
    customer_id: str
    subscription_id: str
    number: str
    currency: str
    amount_due: int
    amount_remaining: int
    billing_reason: str
    collection_method: str
    attempt_count: int
    next_payment_attempt: datetime | None
    due_date: datetime | None
    created: datetime | None
    customer_email: str
    customer_name: str
    price_ids: tuple[str, ...]
    description: str
    hosted_invoice_url: str
    paid_out_of_band: bool
    uncollectible_reason: str
    livemode: bool

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"


@dataclass(frozen=True)
class SubscriptionFacts:
    id: str
    status: str
    customer_id: str
    latest_invoice_id: str
    pause_reason: str


@dataclass(frozen=True)
class CustomerFacts:
    id: str
    email: str
    name: str
    is_deleted: bool


def object_id(value: Any) -> str:
    """The id of a field that is an id, an expanded object or absent."""
    if isinstance(value, str):
        return value
    return text(value.get("id")) if isinstance(value, dict) else ""


def text(value: Any) -> str:
    """The string, or an empty one; NUL and lone surrogates, which JSON may carry, are nothing a database stores."""
    return value.replace("\0", "").encode(errors="replace").decode() if isinstance(value, str) else ""


def number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: Any) -> datetime | None:
    """Stripe's epoch seconds as a date-time; None where absent, or no time at all."""
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def subscription_id_of(invoice: Json) -> str:
    """Since basil under `parent`, before at the top; one-off invoices have neither."""
    details = mapping(mapping(invoice.get("parent")).get("subscription_details"))
    return object_id(invoice.get("subscription")) or object_id(details.get("subscription"))


def invoice_lines(invoice: Json) -> list[Json]:
    data = mapping(invoice.get("lines")).get("data")
    return [line for line in data if isinstance(line, dict)] if isinstance(data, list) else []


def _price_ids(invoice: Json) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for line in invoice_lines(invoice):
        details = mapping(mapping(line.get("pricing")).get("price_details"))
        for candidate in (line.get("price"), line.get("plan"), details.get("price")):
            if identifier := object_id(candidate):
                found[identifier] = None
    return tuple(found)


def _remaining(invoice: Json) -> int:
    if "amount_remaining" in invoice:
        return number(invoice["amount_remaining"])
    return max(0, number(invoice.get("amount_due")) - number(invoice.get("amount_paid")))


def invoice_facts(invoice: Json) -> InvoiceFacts:
    """The facts of an invoice object of any shape. Missing or odd fields become empty values, never an error."""
    customer = mapping(invoice.get("customer"))
    status = text(invoice.get("status")) or ("paid" if invoice.get("paid") is True else "open")
    details = mapping(mapping(invoice.get("status_details")).get("uncollectible"))
    lines = invoice_lines(invoice)
    return InvoiceFacts(
        id=text(invoice.get("id")),
        status=status,
        customer_id=object_id(invoice.get("customer")),
        subscription_id=subscription_id_of(invoice),
        number=text(invoice.get("number")),
        currency=text(invoice.get("currency")).lower()[:3] or "gbp",
        amount_due=number(invoice.get("amount_due")),
        amount_remaining=_remaining(invoice),
        billing_reason=text(invoice.get("billing_reason")),
        collection_method=text(invoice.get("collection_method")) or "charge_automatically",
        attempt_count=number(invoice.get("attempt_count")),
        next_payment_attempt=moment(invoice.get("next_payment_attempt")),
        due_date=moment(invoice.get("due_date")),
        created=moment(invoice.get("created")),
        customer_email=text(invoice.get("customer_email")) or text(customer.get("email")),
        customer_name=text(invoice.get("customer_name")) or text(customer.get("name")),
        price_ids=_price_ids(invoice),
        description=text(lines[0].get("description")) if lines else "",
        hosted_invoice_url=text(invoice.get("hosted_invoice_url")),
        paid_out_of_band=invoice.get("paid_out_of_band") is True,
        uncollectible_reason=text(details.get("reason")),
        livemode=invoice.get("livemode") is True,
    )


def subscription_facts(subscription: Json) -> SubscriptionFacts:
    paused = mapping(mapping(mapping(subscription.get("status_details")).get("paused")).get("subscription"))
    return SubscriptionFacts(
        id=text(subscription.get("id")),
        status=text(subscription.get("status")),
        customer_id=object_id(subscription.get("customer")),
        latest_invoice_id=object_id(subscription.get("latest_invoice")),
        pause_reason=text(paused.get("type")),
    )


def customer_facts(customer: Json) -> CustomerFacts:
    return CustomerFacts(
        id=text(customer.get("id")),
        email=text(customer.get("email")),
        name=text(customer.get("name")),
        is_deleted=customer.get("deleted") is True,
    )


def decline_code_of(stripe_object: Json) -> str:
    """Why the bank refused, from the shapes that tell: an invoice's charge or payment intent, or these themselves."""
    for holder in (stripe_object, mapping(stripe_object.get("charge")), mapping(stripe_object.get("payment_intent"))):
        error = mapping(holder.get("last_payment_error")) or mapping(holder.get("last_finalization_error"))
        code = text(error.get("decline_code")) or text(error.get("code")) or text(holder.get("failure_code"))
        if code:
            return code[:60]
    return ""
