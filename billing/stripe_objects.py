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
# https://docs.stripe.com/declines/codes and /billing/revenue-recovery/smart-retries: after these Stripe does not try the
# same card again, or a try cannot succeed. The bank's wish that the customer confirms is a matter of its own.
HARD_DECLINES = frozenset(
    [
        "expired_card", "highest_risk_level", "incorrect_number", "invalid_account", "lost_card", "pickup_card",
        "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card", "transaction_not_allowed",
    ]
)  # fmt: skip
NEEDS_CUSTOMER = "authentication_required"
# https://docs.stripe.com/api/subscriptions/object. Enumerations of Stripe's grow: what is not listed is never acted on.
SUBSCRIPTION_STATUSES = frozenset(
    ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "canceled", "paused"]
)


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
    amount_paid: int
    amount_remaining: int
    credited: int
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
    decline_code: str
    test_clock_id: str
    livemode: bool
    # Money is on its way: a bank debit takes days, in which nobody is reminded of what they have paid.
    is_being_paid: bool = False

    @property
    def is_paid(self) -> bool:
        """Status `paid` and nothing left: since basil several part payments may add up to an invoice."""
        return self.status == "paid" and self.amount_remaining <= 0

    @property
    def is_odd(self) -> bool:
        """True for a state that Stripe's documents do not describe: nothing is done about it but telling a person."""
        return self.status not in INVOICE_RANK or (self.status == "paid" and not self.is_paid)

    @property
    def settled_cents(self) -> int:
        """What payments of any kind brought in over the life of a paid invoice; credit notes and overpaying do not count."""
        if self.amount_paid <= 0 and not self.credited:
            return self.amount_due
        return min(self.amount_due, self.amount_paid) if self.amount_due > 0 else 0


@dataclass(frozen=True)
class SubscriptionFacts:
    id: str
    status: str
    customer_id: str
    latest_invoice_id: str
    default_payment_method_id: str
    is_collection_paused: bool
    ends_with_its_period: bool = False

    @property
    def is_known(self) -> bool:
        return self.status in SUBSCRIPTION_STATUSES

    @property
    def will_invoice(self) -> bool:
        """Whether another invoice is to come of it, as things stand."""
        return self.status in {"active", "trialing", "past_due"} and not self.ends_with_its_period


@dataclass(frozen=True)
class CustomerFacts:
    id: str
    email: str
    name: str
    is_deleted: bool
    default_payment_method_id: str = ""
    # In lower case; empty where the customer was never billed.
    currency: str = ""


LARGEST_NUMBER = 10**15
MOST_ATTEMPTS = 1000


def object_id(value: Any) -> str:
    """The id of a field that is an id, an expanded object or absent."""
    return text(value.get("id")) if isinstance(value, dict) else text(value)


def text(value: Any) -> str:
    """The string, or an empty one; NUL and lone surrogates, which JSON may carry, are nothing a database stores."""
    return value.replace("\0", "").encode(errors="replace").decode() if isinstance(value, str) else ""


def number(value: Any) -> int:
    """The whole number, or 0 where there is none, and for one that no sum of money reaches and no database keeps."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
    return value if is_one else 0


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


def _charged_lines(invoice: Json) -> list[Json]:
    """What the invoice charges, the largest first: a credit, as for unused time, names what the customer had before."""
    charged = [line for line in invoice_lines(invoice) if number(line.get("amount")) >= 0]
    return sorted(charged, key=lambda line: number(line.get("amount")), reverse=True)


def _price_ids(lines: list[Json]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for line in lines:
        details = mapping(mapping(line.get("pricing")).get("price_details"))
        for candidate in (line.get("price"), line.get("plan"), details.get("price")):
            if identifier := object_id(candidate):
                found[identifier] = None
    return tuple(found)


def _remaining(invoice: Json, status: str) -> int:
    due, paid = number(invoice.get("amount_due")), number(invoice.get("amount_paid"))
    if status == "paid" and not 0 < paid < due:
        # Nothing contradicts the status: a paid invoice owes nothing, whatever a careless body says beside it.
        return 0
    if "amount_remaining" in invoice:
        return number(invoice["amount_remaining"])
    return max(0, due - paid)


def _was_paid_elsewhere(invoice: Json) -> bool:
    """Out of band: a flag up to acacia, an amount since endive; the versions between them do not tell."""
    return invoice.get("paid_out_of_band") is True or number(invoice.get("amount_paid_off_stripe")) > 0


def invoice_facts(invoice: Json) -> InvoiceFacts:
    """The facts of an invoice object of any shape. Missing or odd fields become empty values, never an error."""
    customer = mapping(invoice.get("customer"))
    status = text(invoice.get("status")) or ("paid" if invoice.get("paid") is True else "open")
    details = mapping(mapping(invoice.get("status_details")).get("uncollectible"))
    lines = _charged_lines(invoice)
    return InvoiceFacts(
        id=text(invoice.get("id")),
        status=status,
        customer_id=object_id(invoice.get("customer")),
        subscription_id=subscription_id_of(invoice),
        number=text(invoice.get("number")),
        currency=text(invoice.get("currency")).lower()[:3] or "gbp",
        amount_due=number(invoice.get("amount_due")),
        amount_paid=number(invoice.get("amount_paid")),
        amount_remaining=_remaining(invoice, status),
        credited=number(invoice.get("pre_payment_credit_notes_amount")),
        billing_reason=text(invoice.get("billing_reason")),
        collection_method=text(invoice.get("collection_method")) or "charge_automatically",
        attempt_count=min(max(number(invoice.get("attempt_count")), 0), MOST_ATTEMPTS),
        next_payment_attempt=moment(invoice.get("next_payment_attempt")),
        due_date=moment(invoice.get("due_date")),
        created=moment(invoice.get("created")),
        customer_email=text(invoice.get("customer_email")) or text(customer.get("email")),
        customer_name=text(invoice.get("customer_name")) or text(customer.get("name")),
        price_ids=_price_ids(lines),
        description=text(lines[0].get("description")) if lines else "",
        hosted_invoice_url=text(invoice.get("hosted_invoice_url")),
        paid_out_of_band=_was_paid_elsewhere(invoice),
        uncollectible_reason=text(details.get("reason")),
        decline_code=decline_code_of(invoice),
        test_clock_id=object_id(invoice.get("test_clock")),
        livemode=invoice.get("livemode") is True,
        is_being_paid=any(payment.get("status") == "processing" for payment in _payments_of(invoice)[:-1]),
    )


def subscription_facts(subscription: Json) -> SubscriptionFacts:
    return SubscriptionFacts(
        id=text(subscription.get("id")),
        status=text(subscription.get("status")),
        customer_id=object_id(subscription.get("customer")),
        latest_invoice_id=object_id(subscription.get("latest_invoice")),
        default_payment_method_id=object_id(subscription.get("default_payment_method")),
        is_collection_paused=bool(mapping(subscription.get("pause_collection"))),
        ends_with_its_period=subscription.get("cancel_at_period_end") is True,
    )


def customer_facts(customer: Json) -> CustomerFacts:
    return CustomerFacts(
        id=text(customer.get("id")),
        email=text(customer.get("email")),
        name=text(customer.get("name")),
        is_deleted=customer.get("deleted") is True,
        default_payment_method_id=object_id(mapping(customer.get("invoice_settings")).get("default_payment_method")),
        currency=text(customer.get("currency")).lower(),
    )


def decline_code_of(stripe_object: Json) -> str:
    """Why the bank refused the last attempt, from the shapes that tell: a charge, a payment intent, or an invoice that
    carries one of them expanded. `authentication_required` where the bank waits for the customer (3-D Secure)."""
    for holder in _payments_of(stripe_object):
        if holder.get("status") == "requires_action":
            return NEEDS_CUSTOMER
        error = mapping(holder.get("last_payment_error")) or mapping(holder.get("last_finalization_error"))
        told = (error.get("decline_code"), error.get("code"), mapping(holder.get("outcome")).get("reason"))
        code = next((text(word) for word in told if text(word)), "") or text(holder.get("failure_code"))
        if code:
            return code[:60]
    return ""


def _payments_of(stripe_object: Json) -> list[Json]:
    """The object itself and what it carries of the attempt: since basil under `payments`, before at the top."""
    rows = mapping(stripe_object.get("payments")).get("data")
    payments = [mapping(row.get("payment")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    carried = [mapping(payment.get("payment_intent")) for payment in payments]
    return [
        *carried, mapping(stripe_object.get("payment_intent")), mapping(stripe_object.get("charge")), stripe_object
    ]  # fmt: skip
