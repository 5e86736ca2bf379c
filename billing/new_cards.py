"""A customer gave another card while an invoice of theirs is failing: charge the debt to it, once.

Stripe charges a subscription's own default card before the customer's, and its portal changes the customer's alone, so
that it may go on trying the dead card (https://docs.stripe.com/billing/revenue-recovery/smart-retries). So the card
becomes the subscription's default, too, and the invoice is paid with it at once.

An outside effect in three steps: the attempt is claimed (a row for each invoice and card), Stripe is called with a key
that is the row's own, the answer is recorded. What a crash left half-way is asked again with the same key.
"""

from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from billing import gateway
from billing.failures import flag_case, is_still_owed, judge_invoice
from billing.models import CardAttemptStatus, Flag, NewCardAttempt, PaymentFailure
from billing.models.cards import KEY_LIFETIME, LEASE
from billing.models.inbox import acting_modes
from billing.stripe_objects import InvoiceFacts
from levqor.accounts.models import Account
from levqor.lib.actors import SYSTEM
from levqor.lib.backoff import pause_after, pauses
from levqor.lib.nudge import nudge
from levqor.lib.passes import PassClock
from levqor.lib.states import StaleStateError, move

logger = structlog.get_logger(__name__)

CHARGE_TASK = "billing.charge_new_cards"
BACKOFF = pauses(30, 120, 600, 1800, 3600)
BATCH = 50


def want_card_attempts(account: Account, payment_method_id: str, *, at: datetime) -> str:
    """Leaves one attempt for each failing invoice of the account; an invoice that saw this card keeps its attempt."""
    cases = list(account.payment_failures.unsettled().filter(livemode__in=acting_modes()))
    NewCardAttempt.objects.bulk_create(
        (
            NewCardAttempt(failure=case, payment_method_id=payment_method_id, created_at=at, next_attempt_at=at)
            for case in cases
        ),
        ignore_conflicts=True,
    )
    if cases:
        nudge(CHARGE_TASK)
    return f"new card for {len(cases)} failing invoice{'' if len(cases) == 1 else 's'}"


def try_default_card(account: Account, *, at: datetime) -> str:
    """The customer says that there is a new card: `wanted`, `no_card` where Stripe knows of none, or `unavailable`."""
    if not gateway.is_enabled() or not account.stripe_customer_id:
        return "unavailable"
    try:
        card = gateway.read_customer(account.stripe_customer_id).default_payment_method_id
        if not card or not _is_newer_than_the_failures(account, card):
            return "no_card"
    except (gateway.StripeUnavailableError, gateway.StripeUnknownObjectError, gateway.StripeRefusedError):
        return "unavailable"
    want_card_attempts(account, card, at=at)
    return "wanted"


def _is_newer_than_the_failures(account: Account, card: str) -> bool:
    """A card that was on file before all this began is the one that failed, or might be: it is not tried by hand."""
    first = account.payment_failures.unsettled().order_by("failure_date").values_list("failure_date", flat=True).first()
    added = gateway.read_payment_method(card).created
    return first is not None and added is not None and added > first


def charge_new_cards(*, at: datetime) -> int:
    """Tries what is due and returns how many attempts it took. Nothing is charged while dunning or the key is off."""
    if not gateway.is_enabled() or not settings.DUNNING_ENABLED:
        return 0
    due = NewCardAttempt.objects.due(at=at).select_related("failure__account")
    clock = PassClock(at)
    return sum(charge(attempt, at=clock.now()) for attempt in list(due[:BATCH]))


def charge(attempt: NewCardAttempt, *, at: datetime) -> bool:
    """One attempt from its claim to its record; False where another process has it."""
    if not _claim(attempt, at=at):
        return False
    try:
        if attempt.called_at is None and (why_not := _reason_not_to(attempt, at=at)):
            _record(attempt, CardAttemptStatus.CANCELLED, at=at, error=why_not)
        elif attempt.called_at and at - attempt.called_at > KEY_LIFETIME:
            _record(attempt, CardAttemptStatus.UNKNOWN, at=at, error="Stripe gave no certain answer within 23 hours.")
        else:
            _call(attempt, at=at)
    except gateway.StripeUnavailableError as error:
        pause = pause_after(attempt.attempts, BACKOFF)
        _record(attempt, CardAttemptStatus.PENDING, at=at, error=str(error), next_attempt_at=at + pause)
    return True


def _claim(attempt: NewCardAttempt, *, at: datetime) -> bool:
    if attempt.status == CardAttemptStatus.CHARGING:
        return attempt.take_over(at=at)
    changes: dict[str, Any] = {"lease_until": at + LEASE, "attempts": attempt.attempts + 1}
    try:
        move(attempt, CardAttemptStatus.CHARGING, by=SYSTEM, at=at, **changes)
    except StaleStateError:
        return False
    return True


def _reason_not_to(attempt: NewCardAttempt, *, at: datetime) -> str:
    """Why the card is not charged after all; empty where it is. Makes the card the subscription's own on the way."""
    attempt.failure.refresh_from_db()
    if not attempt.failure.is_unsettled:
        return "The case is closed."
    try:
        facts = gateway.read_invoice(attempt.failure.invoice_id)
        why_not = _objection(attempt, facts)
        if not is_still_owed(facts):
            judge_invoice(facts, None, at=at)
        elif not why_not:
            card = gateway.read_payment_method(attempt.payment_method_id)
            NewCardAttempt.objects.filter(pk=attempt.pk).update(card=card.label)
            _give_to_subscription(attempt, facts.subscription_id)
    except (gateway.StripeUnknownObjectError, gateway.StripeRefusedError) as error:
        return f"Stripe refused: {error}"
    return why_not


def _objection(attempt: NewCardAttempt, facts: InvoiceFacts) -> str:
    if not is_still_owed(facts):
        return "Nothing is owed any more."
    if facts.collection_method == "send_invoice":
        return "This invoice is sent to the customer, and not charged."
    chosen = gateway.read_customer(facts.customer_id).default_payment_method_id
    return "" if chosen == attempt.payment_method_id else "The customer has chosen another card since."


def _give_to_subscription(attempt: NewCardAttempt, subscription_id: str) -> None:
    """A subscription without a default of its own uses the customer's, and is left so."""
    if not subscription_id:
        return
    own = gateway.read_subscription(subscription_id).default_payment_method_id
    if own and own != attempt.payment_method_id:
        gateway.set_subscription_card(
            subscription_id, payment_method_id=attempt.payment_method_id, key=f"{attempt.key}-default"
        )


def _call(attempt: NewCardAttempt, *, at: datetime) -> None:
    """Asks Stripe to charge the card. That it was asked is committed first, so that a repeat asks with the same key."""
    NewCardAttempt.objects.filter(pk=attempt.pk, called_at=None).update(called_at=at)
    case = attempt.failure
    try:
        facts = gateway.pay_invoice(case.invoice_id, payment_method_id=attempt.payment_method_id, key=attempt.key)
    except gateway.StripeDeclinedError as refusal:
        _record(attempt, CardAttemptStatus.DECLINED, at=at, decline_code=refusal.code, error=str(refusal))
        return
    except (gateway.StripeRefusedError, gateway.StripeUnknownObjectError) as refusal:
        # Nothing was charged: the invoice is paid or gone, or the card is. What is true of the invoice decides the case.
        _record(attempt, CardAttemptStatus.CANCELLED, at=at, error=str(refusal))
        _look_again(case, at=at)
        return
    _record(attempt, CardAttemptStatus.PAID if facts.is_paid else CardAttemptStatus.SUBMITTED, at=at)
    judge_invoice(facts, None, at=at)


def _look_again(case: PaymentFailure, *, at: datetime) -> None:
    try:
        judge_invoice(gateway.read_invoice(case.invoice_id), None, at=at)
    except gateway.StripeUnknownObjectError:
        flag_case(case, Flag.UNKNOWN_INVOICE, at=at)
    except (gateway.StripeUnavailableError, gateway.StripeRefusedError) as error:
        # The attempt is over all the same: reconciliation looks at every open case by itself.
        logger.warning("invoice_not_read_again", case=case.pk, error=str(error))


def _record(attempt: NewCardAttempt, status: CardAttemptStatus, *, at: datetime, **changes: Any) -> None:
    """Writes how the attempt ended; nothing where its lease had run out and another process took it over."""
    changes |= {"error": str(changes.get("error", ""))[:500], "lease_until": None}
    if status != CardAttemptStatus.PENDING:
        changes["settled_at"] = at
    with transaction.atomic():
        if NewCardAttempt.objects.select_for_update().get(pk=attempt.pk).attempts != attempt.attempts:
            return
        try:
            move(attempt, status, by=SYSTEM, at=at, **changes)
        except StaleStateError:
            return
        if status == CardAttemptStatus.UNKNOWN:
            flag_case(attempt.failure, Flag.UNKNOWN_CHARGE, at=at)
    logger.info("new_card_tried", attempt=attempt.pk, case=attempt.failure_id, status=status.value)
