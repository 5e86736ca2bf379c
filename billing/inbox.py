"""Draining the Stripe inbox: each stored event is claimed, judged and marked; a poison one cannot stop the others.

What each type means says the table from type to handler. A handler takes the event as a hint only, and returns in a few
words what was done, for the inbox; what is not in the table is stored and nothing else.
"""

import math
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError

from billing import gateway
from billing.alarms import raise_alarm
from billing.failures import (
    ENDED_SUBSCRIPTIONS,
    FailureEvidence,
    end_service,
    flag_case,
    is_still_owed,
    judge_invoice,
    note_decline,
    settle_case,
    welcome_back,
)
from billing.models import AlarmKind, CloseReason, EventStatus, Flag, PaymentDispute, PaymentFailure, StripeEvent
from billing.models.inbox import MAX_ATTEMPTS, acting_modes
from billing.new_cards import want_card_attempts
from billing.present_state import (
    asks_for_authentication,
    current_customer,
    current_invoice,
    current_subscription,
    decline_code_for,
    first_failure_of,
    last_failure_of,
)
from billing.reversals import judge_dispute, note_payment
from billing.stripe_objects import CustomerFacts, SubscriptionFacts, mapping, text
from billing.stripe_payments import dispute_facts
from billing.webhooks import PROCESS_TASK
from levqor.accounts.models import Account
from levqor.lib.actors import STRIPE
from levqor.lib.backoff import pause_after, pauses
from levqor.lib.nudge import nudge
from levqor.lib.passes import PassClock

logger = structlog.get_logger(__name__)
PASS_SECONDS = 30
BACKOFF = pauses(5, 15, 60, 300, 900, 3600, 10800)
BATCH = 200
DEADLY = "The process that worked on it died each time, or took longer than a minute; nobody saw why."
# The payload shapes that billing/tests/test_stripe_shapes.py holds.
TESTED_MAJORS = frozenset(["acacia", "basil", "clover", "dahlia", "endive"])
OLDEST_TESTED, NEWEST_UNNAMED = "2020-08-27", "2024-06-20"


def process_due_events(*, at: datetime, limit: int = 2000, seconds: float = math.inf) -> int:
    """Processes what is due, oldest first, and returns how many events it took; what `seconds` leave no time for goes
    next, so that no lease of a pass grows old before its end."""
    clock, taken = PassClock(at), 0
    while taken < limit:
        batch = list(StripeEvent.objects.due(at=at)[:BATCH])
        for event in batch:
            if clock.seconds > seconds:
                nudge(PROCESS_TASK)
                return taken
            taken += process_event(event, at=clock.now())
        if len(batch) < BATCH:
            break
    return taken


def process_event(event: StripeEvent, *, at: datetime) -> bool:
    """Handles one event; False where another worker has it. A failure is recorded on its row and tried again."""
    if not event.claim(at=at):
        return False
    # The request that brought the event and the work on it carry one id through the logs and the audit trail.
    with structlog.contextvars.bound_contextvars(**({"request_id": event.request_id} if event.request_id else {})):
        _process_claimed(event, at=at)
    return True


def _process_claimed(event: StripeEvent, *, at: datetime) -> None:
    if event.has_been_tried_enough():
        logger.error("stripe_event_kills_workers", event_id=event.event_id, type=event.type)
        event.finish(EventStatus.FAILED, at=at, attempts=MAX_ATTEMPTS, error=DEADLY)
        return
    why_not = _reason_to_ignore(event, at=at)
    if why_not:
        event.finish(EventStatus.IGNORED, at=at, outcome=why_not)
        return
    try:
        outcome = handle(event, at=at)
    except gateway.StripeUnknownObjectError:
        # Asking again would not help: it is gone, or of another account. It is shown, and may be processed again.
        event.finish(EventStatus.IGNORED, at=at, outcome="unknown to Stripe", error="")
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError, DatabaseError) as error:
        _try_later(event, error, at=at)
    except Exception as error:  # a handler's bug must not hold up the queue: it is shown, and tried again
        logger.exception("stripe_event_failed", event_id=event.event_id, type=event.type)
        _try_later(event, error, at=at)
    else:
        event.finish(
            EventStatus.DONE if outcome else EventStatus.IGNORED, at=at, outcome=outcome or "no handler", error=""
        )


def _reason_to_ignore(event: StripeEvent, *, at: datetime) -> str:
    if event.account:
        raise_alarm(AlarmKind.CONNECTED_ACCOUNT, event.account, at=at, detail=event.event_id)
        return "of a connected account"
    if event.livemode not in acting_modes():
        return "live event in test mode" if event.livemode else "test event in live mode"
    if not is_tested_version(event):
        raise_alarm(AlarmKind.API_VERSION, event.api_version or "none named", at=at, detail=event.event_id)
    return ""


def is_tested_version(event: StripeEvent) -> bool:
    """An event keeps the shape of its endpoint's version, whatever version we speak; thin events have none.

    Within a major (`2026-10-28.endive`, `2026-11-25.endive`) Stripe only adds, so its name is what counts; before the
    names, versions were dates.
    """
    day, _, name = event.api_version.partition(".")
    if not event.api_version:
        return bool(event.payload.get("object") == "v2.core.event")
    return name in TESTED_MAJORS if name else OLDEST_TESTED <= day <= NEWEST_UNNAMED


def _try_later(event: StripeEvent, error: Exception, *, at: datetime) -> None:
    text = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    if event.attempts >= MAX_ATTEMPTS:
        event.finish(EventStatus.FAILED, at=at, error=text)
        return
    pause = pause_after(event.attempts, BACKOFF)
    event.finish(EventStatus.STORED, at=at, error=text, next_attempt_at=at + pause)


type Handler = Callable[[StripeEvent, datetime], str]


def failed_invoice(event: StripeEvent, at: datetime) -> str:
    """An attempt failed, or an invoice that was sent is overdue: the earliest failure that is stored opens the case."""
    facts = current_invoice(event.invoice_id)
    if facts is None:
        return "nothing is known of the invoice"
    evidence = FailureEvidence(
        failed_at=min(event.created, first_failure_of(event.invoice_id) or event.created),
        decline_code=facts.decline_code or decline_code_for(event.invoice_id),
        needs_authentication=asks_for_authentication(event.invoice_id),
    )
    return judge_invoice(facts, evidence, at=at)


def paid_invoice(event: StripeEvent, at: datetime) -> str:
    """Before basil the invoice itself names the payment that a dispute may be about one day."""
    note_payment(event.stripe_object, at=at)
    facts = current_invoice(event.invoice_id) if event.invoice_id else None
    if facts is None:
        return "nothing is known of the invoice"
    return "; ".join(part for part in (judge_invoice(facts, None, at=at), welcome_back(facts, at=at)) if part)


def paid_part(event: StripeEvent, at: datetime) -> str:
    """One payment of an invoice, which is not the invoice's end: several may share it."""
    noted = note_payment(event.stripe_object, at=at)
    judged = changed_invoice(event, at) if PaymentFailure.objects.filter(invoice_id=event.invoice_id).exists() else ""
    return "; ".join(part for part in (noted, judged) if part)


def failed_attempt(event: StripeEvent, at: datetime) -> str:
    """Before basil a failed charge names its invoice: it says why the bank refused. The last attempt counts, whichever
    is heard of last."""
    cases = PaymentFailure.objects.unsettled().filter(invoice_id=event.invoice_id) if event.invoice_id else None
    facts = current_invoice(event.invoice_id) if cases else None
    code = (facts.decline_code if facts else "") or decline_code_for(event.invoice_id)
    if not code or not cases:
        return "of no open case"
    asked = asks_for_authentication(event.invoice_id)
    return "; ".join(note_decline(case, code, needs_authentication=asked) for case in cases)


def changed_invoice(event: StripeEvent, at: datetime) -> str:
    facts = current_invoice(event.invoice_id) if event.invoice_id else None
    return judge_invoice(facts, None, at=at) if facts else "nothing is known of the invoice"


def given_up_invoice(event: StripeEvent, at: datetime) -> str:
    """Stripe stops collecting. Where the money is owed all the same, that says by itself that an attempt failed, however
    late or alone it comes."""
    facts = current_invoice(event.invoice_id) if event.invoice_id else None
    is_owed = facts is not None and facts.status == "uncollectible" and is_still_owed(facts)
    return failed_invoice(event, at) if is_owed else changed_invoice(event, at)


def changed_subscription(event: StripeEvent, at: datetime) -> str:
    """Active again means paid; ended means no more reminders. Every other state changes nothing by itself."""
    cases = list(PaymentFailure.objects.unsettled().filter(subscription_id=event.object_id))
    found = current_subscription(event.object_id) if cases else None
    if not cases or found is None:
        return "no case of this subscription"
    facts, told_at = found
    if not facts.is_known:
        return _unknown_state(cases, facts, at=at)
    if facts.status in ENDED_SUBSCRIPTIONS:
        return "; ".join(end_service(case, CloseReason.SUBSCRIPTION_ENDED, at=at) for case in cases)
    if facts.status == "active":
        return "; ".join(_active_again(case, facts, told_at, at=at) for case in cases)
    return f"subscription is {facts.status}"


def _unknown_state(cases: list[PaymentFailure], facts: SubscriptionFacts, *, at: datetime) -> str:
    """Stripe's enumerations grow: what nobody knows is never acted on."""
    raise_alarm(AlarmKind.SUBSCRIPTION_STATE, facts.status, at=at, detail=facts.id)
    for case in cases:
        flag_case(case, Flag.ODD_STATE, at=at)
    return f"subscription is {facts.status}, which Levqor does not know: a person decides"


def _active_again(
    case: PaymentFailure, subscription: SubscriptionFacts, told_at: datetime | None, *, at: datetime
) -> str:
    """What is known of the invoice decides; where it is owed by that and there is no key to ask, an active state that is
    newer than the last failure means paid.

    Not where collection is paused (the status stays active then, paid or not), and not for an older invoice than the
    latest, which alone decides the status.
    """
    facts = current_invoice(case.invoice_id)
    if gateway.is_enabled() or (facts and not is_still_owed(facts)):
        return judge_invoice(facts, None, at=at) if facts else "nothing is known of the invoice"
    if subscription.is_collection_paused:
        return f"case {case.pk}: collection is paused, so active does not mean paid"
    if subscription.latest_invoice_id != case.invoice_id:
        return f"case {case.pk}: active for another invoice, or nobody knows for which"
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
        return "; ".join(end_service(case, CloseReason.CUSTOMER_DELETED, at=at) for case in cases) or "no open case"
    done = []
    if facts.email and facts.email != account.billing_email:
        account.take_billing_email(facts.email, by=STRIPE, at=at)
        done.append("address changed")
    if _has_new_card(event, facts):
        done.append(want_card_attempts(account, facts.default_payment_method_id, at=min(event.created, at)))
    return "; ".join(done) or "nothing changed"


def _has_new_card(event: StripeEvent, facts: CustomerFacts) -> bool:
    """True where this event tells of another default card. Without a key nobody could be asked to charge it."""
    before = mapping(mapping(mapping(event.payload.get("data")).get("previous_attributes")).get("invoice_settings"))
    return "default_payment_method" in before and bool(facts.default_payment_method_id) and gateway.is_enabled()


def new_payment_method(event: StripeEvent, at: datetime) -> str:
    """A card that was attached is the customer's wish once it is their default; a card on file is not one to charge."""
    account = Account.objects.filter(stripe_customer_id=event.customer_id).first() if event.customer_id else None
    if account is None or not gateway.is_enabled():
        return "no account of this customer" if account is None else "without a key no card is charged"
    if gateway.read_customer(event.customer_id).default_payment_method_id != event.object_id:
        return "not the customer's default"
    return want_card_attempts(account, event.object_id, at=min(event.created, at))


def changed_dispute(event: StripeEvent, at: datetime) -> str:
    """A bank takes a payment back, or gives it back: what the payment recovered follows."""
    outcome, present = judge_dispute(event.object_id, at=at)
    for facts in (dispute_facts(event.stripe_object), present):
        if facts and facts.status and not facts.is_known:
            raise_alarm(AlarmKind.DISPUTE_STATE, facts.status, at=at, detail=facts.id)
    known = PaymentDispute.objects.filter(dispute_id=event.object_id).values_list("invoice_id", flat=True).first()
    if known:
        # The event names the payment alone: with the invoice it is part of the case's history.
        StripeEvent.objects.filter(pk=event.pk).update(invoice_id=known)
    return outcome


HANDLERS: dict[str, Handler] = {
    "invoice.payment_failed": failed_invoice,
    "invoice.payment_action_required": failed_invoice,
    "invoice.overdue": failed_invoice,
    "invoice.paid": paid_invoice,
    "invoice.payment_succeeded": paid_invoice,
    "invoice.overpaid": changed_invoice,
    "invoice.updated": changed_invoice,
    "invoice.voided": changed_invoice,
    "invoice.marked_uncollectible": given_up_invoice,
    "invoice_payment.paid": paid_part,
    "charge.failed": failed_attempt,
    "payment_intent.payment_failed": failed_attempt,
    "charge.succeeded": lambda event, at: note_payment(event.stripe_object, at=at),
    "charge.dispute.created": changed_dispute,
    "charge.dispute.updated": changed_dispute,
    "charge.dispute.closed": changed_dispute,
    "charge.dispute.funds_withdrawn": changed_dispute,
    "charge.dispute.funds_reinstated": changed_dispute,
    "credit_note.created": changed_invoice,
    "credit_note.updated": changed_invoice,
    "credit_note.voided": changed_invoice,
    "customer.subscription.updated": changed_subscription,
    "customer.subscription.deleted": changed_subscription,
    "customer.subscription.paused": changed_subscription,
    "customer.subscription.resumed": changed_subscription,
    "customer.updated": changed_customer,
    "customer.deleted": changed_customer,
    "payment_method.attached": new_payment_method,
}


def handle(event: StripeEvent, *, at: datetime) -> str:
    """What was done about the event; empty where its type has no handler."""
    kind = _place_thin(event) if not event.object_id else event.type
    handler = HANDLERS.get(kind)
    return handler(event, at) if handler else ""


def _place_thin(event: StripeEvent) -> str:
    """A thin event (`v1.invoice.paid` and its like) names its object and carries none: with a key that is hint enough.

    Gives the ordinary name of its type, empty where nobody could be asked for the object.
    """
    related = mapping(event.payload.get("related_object"))
    if not gateway.is_enabled() or not event.type.startswith("v1.") or not related:
        return ""
    event.object_id = text(related.get("id"))[:255]
    if related.get("type") == "invoice":
        event.invoice_id = event.object_id
    StripeEvent.objects.filter(pk=event.pk).update(object_id=event.object_id, invoice_id=event.invoice_id)
    return event.type.removeprefix("v1.")
