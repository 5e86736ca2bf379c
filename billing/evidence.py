"""What is known of an object now: asked of Stripe where a key is set, else read from the newest stored event of it."""

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from billing import gateway
from billing.models import StripeEvent
from billing.stripe_objects import (
    INVOICE_RANK,
    CustomerFacts,
    InvoiceFacts,
    Json,
    SubscriptionFacts,
    customer_facts,
    invoice_facts,
    number,
    subscription_facts,
)


def _stored(object_id: str, *types: str) -> list[StripeEvent]:
    events = StripeEvent.objects.acting(livemode=settings.STRIPE_LIVEMODE).about(object_id)
    return list(events.filter(type__startswith=types[0]) if types else events)


def current_invoice(invoice_id: str) -> InvoiceFacts | None:
    """The invoice's present state, or None where nothing is stored of it and no key is set.

    Raises gateway.StripeUnavailableError and gateway.StripeUnknownObjectError where Stripe is asked.
    """
    return gateway.read_invoice(invoice_id) if gateway.is_enabled() else stored_invoice(invoice_id)


def stored_invoice(invoice_id: str) -> InvoiceFacts | None:
    """The state that the stored events tell: the furthest status wins, then Stripe's time, then the attempt count.

    Status goes first because paid and void are final and arrival, even Stripe's own clock of whole seconds, proves
    nothing about order.
    """
    ranked = [
        (INVOICE_RANK.get(facts.status, 1), event.created, facts.attempt_count, event.pk, facts)
        for event in _stored(invoice_id, "invoice.")
        if (facts := invoice_facts(event.stripe_object)).id == invoice_id
    ]
    if not ranked:
        return None
    _, seen_at, _, _, facts = max(ranked, key=lambda row: row[:4])
    if facts.status == "open" and (credited := _credited_since(invoice_id, seen_at)):
        left = max(0, facts.amount_remaining - credited)
        return _replaced(facts, status="open" if left else "paid", amount_remaining=left)
    return facts


def _replaced(facts: InvoiceFacts, *, status: str, amount_remaining: int) -> InvoiceFacts:
    return InvoiceFacts(**{**facts.__dict__, "status": status, "amount_remaining": amount_remaining})


def _credited_since(invoice_id: str, since: datetime) -> int:
    """What credit notes took off the open invoice after the newest state that is stored of it."""
    newest: dict[str, tuple[datetime, Json]] = {}
    events = StripeEvent.objects.acting(livemode=settings.STRIPE_LIVEMODE).filter(
        invoice_id=invoice_id, type__startswith="credit_note.", created__gte=since
    )
    for event in events.order_by("created", "pk"):
        newest[event.object_id] = (event.created, event.stripe_object)
    notes = [note for _, note in newest.values() if note.get("status") != "void"]
    return sum(number(note.get("pre_payment_amount", note.get("amount"))) for note in notes)


def current_subscription(subscription_id: str) -> tuple[SubscriptionFacts, datetime | None] | None:
    """The subscription's state with the time of the event that told it (None where Stripe was asked)."""
    if gateway.is_enabled():
        return gateway.read_subscription(subscription_id), None
    events = _stored(subscription_id, "customer.subscription.")
    if not events:
        return None
    newest = max(events, key=lambda event: (event.type.endswith("deleted"), event.created, event.pk))
    return subscription_facts(newest.stripe_object), newest.created


def current_customer(customer_id: str) -> CustomerFacts | None:
    if gateway.is_enabled():
        return gateway.read_customer(customer_id)
    events = [event for event in _stored(customer_id, "customer.") if event.stripe_object.get("object") == "customer"]
    if not events:
        return None
    newest = max(events, key=lambda event: (event.type == "customer.deleted", event.created, event.pk))
    facts = customer_facts(newest.stripe_object)
    is_deleted = facts.is_deleted or newest.type == "customer.deleted"
    return CustomerFacts(facts.id, facts.email, facts.name, is_deleted)


def first_failure_of(invoice_id: str) -> datetime | None:
    """Stripe's time of the earliest failure that is stored of the invoice."""
    return _failures(invoice_id).order_by("created").values_list("created", flat=True).first()


def last_failure_of(invoice_id: str) -> datetime | None:
    return _failures(invoice_id).order_by("-created").values_list("created", flat=True).first()


def asks_for_authentication(invoice_id: str) -> bool:
    """True where the last failed attempt failed because the bank wants the customer to confirm (3-D Secure).

    Stripe sends `payment_action_required` beside the `payment_failed` of the same attempt, in any order.
    """
    asked = _failures(invoice_id).filter(type="invoice.payment_action_required").order_by("-created").first()
    return asked is not None and asked.created >= (last_failure_of(invoice_id) or asked.created)


def _failures(invoice_id: str) -> QuerySet[StripeEvent]:
    return StripeEvent.objects.acting(livemode=settings.STRIPE_LIVEMODE).filter(
        invoice_id=invoice_id,
        type__in=["invoice.payment_failed", "invoice.payment_action_required", "invoice.overdue"],
    )
