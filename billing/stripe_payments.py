"""Payments, cards and disputes of Stripe's as small frozen facts; what invoices are is in `stripe_objects`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing.stripe_objects import Json, mapping, moment, number, object_id, text

# https://docs.stripe.com/api/disputes/object: which status may follow which, as it happens at the banks. An inquiry
# (`warning_…`) may become a chargeback, and a lost one may be appealed.
DISPUTE_GRAPH: dict[str, set[str]] = {
    "warning_needs_response": {"warning_under_review", "warning_closed", "needs_response", "prevented"},
    "warning_under_review": {"warning_closed", "needs_response"},
    "warning_closed": {"needs_response"},
    "needs_response": {"under_review", "won", "lost", "prevented"},
    "under_review": {"won", "lost"},
    "lost": {"appeal_needs_response", "appeal_under_review", "won"},
    "appeal_needs_response": {"appeal_under_review", "won", "lost"},
    "appeal_under_review": {"won", "lost"},
    "won": set(),
    "prevented": set(),
}
# Where the money is not ours: taken by the bank while it decides, or for good. An inquiry takes none yet.
MONEY_IS_GONE = frozenset(
    ["needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review", "prevented"]
)

# Where the bank has not decided yet.
IS_OPEN = frozenset(status for status, following in DISPUTE_GRAPH.items() if following) - {"warning_closed", "lost"}


@dataclass(frozen=True)
class PaymentMethodFacts:
    id: str
    customer_id: str
    label: str
    created: datetime | None


@dataclass(frozen=True)
class InvoicePaymentFacts:
    """Which payment paid which invoice; `charge_id` is empty where the payment intent tells."""

    invoice_id: str
    payment_intent_id: str
    charge_id: str


@dataclass(frozen=True)
class DisputeFacts:
    """A dispute; the amount is in the smallest unit of the charge's currency."""

    id: str
    status: str
    amount: int
    currency: str
    charge_id: str
    payment_intent_id: str
    reason: str
    is_withdrawn: bool | None
    # Until when Stripe takes our side of it; None where it takes none.
    evidence_due_at: datetime | None = None
    is_answered: bool = False

    @property
    def is_known(self) -> bool:
        return self.status in DISPUTE_GRAPH

    @property
    def taken_cents(self) -> int:
        """How much of the payment is gone at present, by Stripe's own booking where it shows one, else by the status."""
        is_gone = self.status in MONEY_IS_GONE if self.is_withdrawn is None else self.is_withdrawn
        return self.amount if is_gone else 0


@dataclass(frozen=True)
class BalanceFacts:
    """One movement of a customer's balance, in the smallest unit: a negative amount is credit for the customer."""

    id: str
    customer_id: str
    amount: int
    currency: str
    metadata: dict[str, str]


def payment_method_facts(method: Json) -> PaymentMethodFacts:
    card = mapping(method.get("card"))
    brand, last4 = text(card.get("brand")).replace("_", " ").title(), text(card.get("last4"))
    label = f"{brand or 'card'} ending in {last4}" if last4 else text(method.get("type")).replace("_", " ") or "card"
    added = moment(method.get("created"))
    return PaymentMethodFacts(text(method.get("id")), object_id(method.get("customer")), label[:60], added)


def invoice_payment_facts(stripe_object: Json) -> InvoicePaymentFacts:
    """From any object that names both sides: an invoice payment, or an invoice or charge of a version before basil."""
    payment = mapping(stripe_object.get("payment"))
    kind, identifier = stripe_object.get("object"), text(stripe_object.get("id"))
    return InvoicePaymentFacts(
        invoice_id=identifier if kind == "invoice" else object_id(stripe_object.get("invoice")),
        payment_intent_id=object_id(payment.get("payment_intent")) or object_id(stripe_object.get("payment_intent")),
        charge_id=identifier if kind == "charge" else object_id(payment.get("charge") or stripe_object.get("charge")),
    )


def balance_facts(movement: Json) -> BalanceFacts:
    return BalanceFacts(
        id=text(movement.get("id")),
        customer_id=object_id(movement.get("customer")),
        amount=number(movement.get("amount")),
        currency=text(movement.get("currency")).lower()[:3],
        metadata={text(name): text(value) for name, value in mapping(movement.get("metadata")).items()},
    )


def dispute_facts(dispute: Json) -> DisputeFacts:
    details = mapping(dispute.get("evidence_details"))
    return DisputeFacts(
        id=text(dispute.get("id")),
        status=text(dispute.get("status")),
        amount=number(dispute.get("amount")),
        currency=text(dispute.get("currency")).lower()[:3],
        charge_id=object_id(dispute.get("charge")),
        payment_intent_id=object_id(dispute.get("payment_intent")),
        reason=text(dispute.get("reason"))[:60],
        is_withdrawn=_is_withdrawn(dispute),
        evidence_due_at=moment(details.get("due_by")),
        is_answered=number(details.get("submission_count")) > 0,
    )


def _is_withdrawn(dispute: Json) -> bool | None:
    """Whether the booked movements leave money missing; None where the body shows no movement.

    Their currency may be that of our bank account and not of the charge, so only the sign of their sum is used.
    """
    rows = dispute.get("balance_transactions")
    amounts = [number(row.get("amount")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sum(amounts) < 0 if amounts else None


def latest_dispute(told: Iterable[tuple[datetime, DisputeFacts]]) -> DisputeFacts | None:
    """The present state that these (time, state) pairs tell, whatever order they came in.

    They are walked by Stripe's clock, and a state that cannot follow the one before it is an echo of the past. A status
    that nobody knows never replaces a known one.
    """
    found: DisputeFacts | None = None
    for _, facts in sorted(told, key=lambda pair: (pair[0], _depth(pair[1].status))):
        if found is None or not found.is_known or (facts.is_known and may_follow(found.status, facts.status)):
            found = facts
    return found


def may_follow(old: str, new: str) -> bool:
    """True where the graph leads from the one status to the other, over any number of steps, or they are the same."""
    reached, front = {old}, [old]
    while front:
        for following in DISPUTE_GRAPH.get(front.pop(), set()) - reached:
            reached.add(following)
            front.append(following)
    return new in reached


def _depth(status: str) -> int:
    """The place of a status in the graph, by which those of one second are put in order."""
    return list(DISPUTE_GRAPH).index(status) if status in DISPUTE_GRAPH else -1
