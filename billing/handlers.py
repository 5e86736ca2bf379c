"""What each type of Stripe event means: a table from type to handler. A handler takes the event as a hint only.

Each returns in a few words what was done, for the inbox; what is not in the table is stored and nothing else.
"""

from collections.abc import Callable
from datetime import datetime

from billing import gateway
from billing.cases import FailureEvidence, close_case, judge_invoice
from billing.evidence import (
    asks_for_authentication,
    current_customer,
    current_invoice,
    current_subscription,
    first_failure_of,
    last_failure_of,
)
from billing.models import CloseReason, PaymentFailure, StripeEvent
from billing.recovery import settle_case
from billing.stripe_objects import decline_code_of
from levqor.accounts.models import Account

type Handler = Callable[[StripeEvent, datetime], str]


def failed_invoice(event: StripeEvent, at: datetime) -> str:
    """An attempt failed, or an invoice that was sent is overdue: the earliest failure that is stored opens the case."""
    evidence = FailureEvidence(
        failed_at=min(event.created, first_failure_of(event.invoice_id) or event.created),
        decline_code=decline_code_of(event.stripe_object),
        needs_authentication=asks_for_authentication(event.invoice_id),
    )
    facts = current_invoice(event.invoice_id)
    return judge_invoice(facts, evidence, at=at) if facts else "nothing is known of the invoice"


def changed_invoice(event: StripeEvent, at: datetime) -> str:
    facts = current_invoice(event.invoice_id) if event.invoice_id else None
    return judge_invoice(facts, None, at=at) if facts else "nothing is known of the invoice"


def changed_subscription(event: StripeEvent, at: datetime) -> str:
    """Active again means paid; ended means no more reminders. Every other state changes nothing by itself."""
    cases = list(PaymentFailure.objects.unsettled().filter(subscription_id=event.object_id))
    found = current_subscription(event.object_id) if cases else None
    if not cases or found is None:
        return "no case of this subscription"
    facts, told_at = found
    if facts.status in {"canceled", "incomplete_expired"}:
        return "; ".join(close_case(case, CloseReason.SUBSCRIPTION_ENDED, at=at) for case in cases)
    if facts.status in {"active", "trialing"}:
        return "; ".join(_active_again(case, told_at, at=at) for case in cases)
    return f"subscription is {facts.status}"


def _active_again(case: PaymentFailure, told_at: datetime | None, *, at: datetime) -> str:
    """With a key the invoice itself is asked; without one an active state newer than the last failure means paid."""
    if gateway.is_enabled():
        facts = current_invoice(case.invoice_id)
        return judge_invoice(facts, None, at=at) if facts else "nothing is known of the invoice"
    last = last_failure_of(case.invoice_id) or case.failure_date
    if told_at is None or told_at <= last:
        return f"case {case.pk}: the failure is newer"
    return settle_case(case, None, at=at)


def changed_customer(event: StripeEvent, at: datetime) -> str:
    """The customer's current address is where the next mail goes; a deleted customer is written to no more."""
    account = Account.objects.filter(stripe_customer_id=event.object_id).first()
    facts = current_customer(event.object_id) if account else None
    if account is None or facts is None:
        return "no account of this customer"
    if facts.is_deleted:
        cases = list(account.payment_failures.unsettled())
        return "; ".join(close_case(case, CloseReason.CUSTOMER_DELETED, at=at) for case in cases) or "no open case"
    if facts.email and facts.email != account.billing_email:
        Account.objects.filter(pk=account.pk).update(billing_email=facts.email[:254])
        return "address changed"
    return "nothing changed"


HANDLERS: dict[str, Handler] = {
    "invoice.payment_failed": failed_invoice,
    "invoice.payment_action_required": failed_invoice,
    "invoice.overdue": failed_invoice,
    "invoice.paid": changed_invoice,
    "invoice.payment_succeeded": changed_invoice,
    "invoice.overpaid": changed_invoice,
    "invoice.updated": changed_invoice,
    "invoice.voided": changed_invoice,
    "invoice.marked_uncollectible": changed_invoice,
    "credit_note.created": changed_invoice,
    "credit_note.updated": changed_invoice,
    "credit_note.voided": changed_invoice,
    "customer.subscription.updated": changed_subscription,
    "customer.subscription.deleted": changed_subscription,
    "customer.subscription.paused": changed_subscription,
    "customer.subscription.resumed": changed_subscription,
    "customer.updated": changed_customer,
    "customer.deleted": changed_customer,
}


def handle(event: StripeEvent, *, at: datetime) -> str:
    """What was done about the event; empty where its type has no handler."""
    handler = HANDLERS.get(event.type)
    return handler(event, at) if handler else ""
