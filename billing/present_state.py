"""What is known of an object now: asked of Stripe where a key is set, else read from the newest stored event of it."""

from dataclasses import replace
from datetime import datetime

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
    decline_code_of,
    invoice_facts,
    number,
    subscription_facts,
)
from billing.stripe_payments import DisputeFacts, dispute_facts, latest_dispute


def _stored(object_id: str, *types: str) -> list[StripeEvent]:
    events = StripeEvent.objects.acting().about(object_id)
    return list(events.filter(type__startswith=types[0]) if types else events)


def current_invoice(invoice_id: str) -> InvoiceFacts | None:
    """The invoice's present state, or None where nothing is stored of it and no key is set.

    Raises gateway.StripeUnavailableError and gateway.StripeUnknownObjectError where Stripe is asked.
    """
    if not invoice_id:
        # An event that names none: every event without an invoice would be taken for its history.
        return None
    return gateway.read_invoice(invoice_id) if gateway.is_enabled() else stored_invoice(invoice_id)


def stored_invoice(invoice_id: str) -> InvoiceFacts | None:
    """The state that the stored events tell: the furthest status wins, then Stripe's time, then the attempt count, then
    what was paid and credited.

    Status goes first because paid and void are final and arrival, even Stripe's own clock of whole seconds, proves
    nothing about order.
    """
    ranked = [
        (_rank(facts), event.created, facts.attempt_count, facts.amount_paid + facts.credited, event.pk, facts)
        for event in _stored(invoice_id, "invoice.")
        if (facts := invoice_facts(event.stripe_object)).id == invoice_id
    ]
    if not ranked:
        return None
    _, seen_at, _, _, _, facts = max(ranked, key=lambda row: row[:5])
    if facts.status == "open" and _is_being_paid(invoice_id):
        facts = replace(facts, is_being_paid=True)
    if facts.status == "open" and (credited := _credit_not_seen(facts, seen_at)):
        left = max(0, facts.amount_remaining - credited)
        return replace(
            facts,
            status="open" if left else "paid",
            amount_due=max(0, facts.amount_due - credited),
            amount_remaining=left,
            credited=facts.credited + credited,
        )
    return facts


def _is_being_paid(invoice_id: str) -> bool:
    """True where the last that is stored of the invoice's payments says that one is on its way (bank debits)."""
    told = StripeEvent.objects.acting().filter(invoice_id=invoice_id, type__startswith="payment_intent.")
    newest = told.order_by("-created", "-pk").values_list("type", flat=True).first()
    return newest == "payment_intent.processing"


def _rank(facts: InvoiceFacts) -> int:
    return INVOICE_RANK.get(facts.status, 1)


def _credit_not_seen(facts: InvoiceFacts, seen_at: datetime) -> int:
    """What credit notes took off the open invoice and its newest state, of `seen_at`, does not show yet.

    Stripe tells of each note twice, by an event of its own and by one of the invoice, and both may carry one second:
    then the invoice's own sum of its notes decides whether it holds this one.
    """
    issued_at, newest = dict[str, datetime](), dict[str, Json]()
    events = StripeEvent.objects.acting().filter(invoice_id=facts.id, type__startswith="credit_note.")
    for event in events.order_by("created", "pk"):
        issued_at.setdefault(event.object_id, event.created)
        newest[event.object_id] = event.stripe_object
    amounts = {note_id: _taken_off(note) for note_id, note in newest.items()}
    before, same, after = (
        sum(amounts[note_id] for note_id, moment in issued_at.items() if is_then(moment))
        for is_then in (seen_at.__gt__, seen_at.__eq__, seen_at.__lt__)
    )
    return after + max(0, same - max(0, facts.credited - before))


def _taken_off(note: Json) -> int:
    return 0 if note.get("status") == "void" else number(note.get("pre_payment_amount", note.get("amount")))


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
    return replace(facts, is_deleted=facts.is_deleted or newest.type == "customer.deleted")


def current_dispute(dispute_id: str) -> DisputeFacts | None:
    if gateway.is_enabled():
        return gateway.read_dispute(dispute_id)
    events = _stored(dispute_id, "charge.dispute.")
    return latest_dispute((event.created, dispute_facts(event.stripe_object)) for event in events)


def first_failure_of(invoice_id: str) -> datetime | None:
    """Stripe's time of the earliest failure that is stored of the invoice."""
    return _failures(invoice_id).order_by("created").values_list("created", flat=True).first()


def last_failure_of(invoice_id: str) -> datetime | None:
    return _failures(invoice_id).order_by("-created").values_list("created", flat=True).first()


def has_been_settled(invoice_id: str) -> bool:
    """True where an event is stored that says so for good: paid and void are states that no invoice leaves."""
    return StripeEvent.objects.acting().about(invoice_id).filter(type__in=["invoice.paid", "invoice.voided"]).exists()


def paid_before_failure(invoice_id: str) -> int | None:
    """What was paid of the invoice when it failed for the first time; None where no event of a failure is stored."""
    first = _failures(invoice_id).order_by("created", "pk").first()
    return invoice_facts(first.stripe_object).amount_paid if first else None


def asks_for_authentication(invoice_id: str) -> bool:
    """True where the last failed attempt failed because the bank wants the customer to confirm (3-D Secure).

    Stripe sends `payment_action_required` beside the `payment_failed` of the same attempt, in any order.
    """
    asked = _failures(invoice_id).filter(type="invoice.payment_action_required").order_by("-created").first()
    return asked is not None and asked.created >= (last_failure_of(invoice_id) or asked.created)


def decline_code_for(invoice_id: str) -> str:
    """Why the bank refused, where the versions before basil tied a failed charge to its invoice."""
    attempts = StripeEvent.objects.acting().filter(
        invoice_id=invoice_id, type__in=["charge.failed", "payment_intent.payment_failed"]
    )
    codes = (decline_code_of(event.stripe_object) for event in attempts.order_by("-created", "-pk"))
    return next((code for code in codes if code), "")


def _failures(invoice_id: str) -> QuerySet[StripeEvent]:
    return StripeEvent.objects.acting().filter(
        invoice_id=invoice_id,
        type__in=["invoice.payment_failed", "invoice.payment_action_required", "invoice.overdue"],
    )
