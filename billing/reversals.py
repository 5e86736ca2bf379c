"""Money that a bank took back after it was recovered, and gave back when the dispute was won: attribution alone."""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from billing import gateway
from billing.holds import hold, lift
from billing.models import HoldReason, InvoicePayment, PaymentDispute, PaymentFailure
from billing.models.inbox import acting_modes
from billing.present_state import current_dispute
from billing.stripe_objects import Json
from billing.stripe_payments import IS_OPEN, DisputeFacts, invoice_payment_facts
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.lib.actors import STRIPE
from levqor.lib.events import emit

logger = structlog.get_logger(__name__)


def judge_dispute(dispute_id: str, *, at: datetime) -> tuple[str, DisputeFacts | None]:
    """Brings our row of the dispute, and what its case recovered, into line with how the dispute stands now."""
    facts = current_dispute(dispute_id)
    if facts is None:
        return "nothing is known of the dispute", None
    with transaction.atomic():
        facts, row = _store(facts, at=at)
    if not row.invoice_id and (invoice_id := _invoice_of(facts)):
        PaymentDispute.objects.filter(pk=row.pk).update(invoice_id=invoice_id)
        row.invoice_id = invoice_id
    emit("payment.disputed", dispute=row, facts=facts, at=at)
    return reverse_for(row.invoice_id, at=at) if row.invoice_id else "of a payment that we do not know", facts


def _store(facts: DisputeFacts, *, at: datetime) -> tuple[DisputeFacts, PaymentDispute]:
    """Writes the row under its lock. What is told by stored events is read again there: another may have come since."""
    new = {
        "charge_id": facts.charge_id,
        "payment_intent_id": facts.payment_intent_id,
        "reason": facts.reason,
        "amount_cents": facts.amount,
        "currency": facts.currency,
        "created_at": at,
    }
    row, _ = PaymentDispute.objects.get_or_create(livemode=settings.STRIPE_LIVEMODE, dispute_id=facts.id, defaults=new)
    stored = PaymentDispute.objects.select_for_update().filter(pk=row.pk)
    row = stored.get()
    facts = facts if gateway.is_enabled() else current_dispute(facts.id) or facts
    # What a status that nobody knows means for the money is for a person to find out: it moves none.
    taken = {"taken_cents": facts.taken_cents} if facts.is_known else {}
    stored.update(status=facts.status[:40], amount_cents=facts.amount, changed_at=at, **taken)
    return facts, row


def _invoice_of(facts: DisputeFacts) -> str:
    """The invoice whose payment is disputed: as our events told, else as Stripe tells."""
    known = InvoicePayment.objects.filter(livemode=settings.STRIPE_LIVEMODE).filter(_same_payment(facts))
    found = known.values_list("invoice_id", flat=True).first()
    if found or not gateway.is_enabled() or not facts.payment_intent_id:
        return found or ""
    return gateway.invoice_paid_by(facts.payment_intent_id)


def _same_payment(facts: DisputeFacts) -> Q:
    same = Q(pk__in=[])
    if facts.payment_intent_id:
        same |= Q(payment_intent_id=facts.payment_intent_id)
    return same | Q(charge_id=facts.charge_id) if facts.charge_id else same


def note_payment(stripe_object: Json, *, at: datetime) -> str:
    """Keeps which payment paid which invoice; a dispute of it that was heard of earlier finds its invoice now."""
    facts = invoice_payment_facts(stripe_object)
    if not facts.invoice_id or not (facts.payment_intent_id or facts.charge_id):
        return ""
    InvoicePayment.objects.get_or_create(
        livemode=settings.STRIPE_LIVEMODE,
        invoice_id=facts.invoice_id,
        payment_intent_id=facts.payment_intent_id,
        charge_id=facts.charge_id,
    )
    payment = Q(payment_intent_id=facts.payment_intent_id) if facts.payment_intent_id else Q(pk__in=[])
    payment |= Q(charge_id=facts.charge_id) if facts.charge_id else Q(pk__in=[])
    waiting = PaymentDispute.objects.filter(payment, livemode=settings.STRIPE_LIVEMODE, invoice_id="")
    if waiting.update(invoice_id=facts.invoice_id):
        return reverse_for(facts.invoice_id, at=at)
    return "payment noted"


def reverse_for(invoice_id: str, *, at: datetime) -> str:
    """Sets what disputes took of the invoice's case; returns in a few words what came of it."""
    case = PaymentFailure.objects.filter(invoice_id=invoice_id, livemode__in=acting_modes()).first()
    if case is None:
        return "no case of this invoice"
    with transaction.atomic():
        Account.objects.locked(case.account_id)
        case.refresh_from_db()
        _hold_while_disputed(case, at=at)
        return recompute_reversal(case, at=at)


def _hold_while_disputed(case: PaymentFailure, *, at: datetime) -> None:
    """Nobody is dunned or suspended for anything while their bank decides who is right about one of their payments."""
    for dispute in PaymentDispute.objects.filter(invoice_id=case.invoice_id, livemode=settings.STRIPE_LIVEMODE):
        step = hold if dispute.status in IS_OPEN else lift
        step(case.account, HoldReason.CHARGEBACK, by=STRIPE, at=at, note=dispute.dispute_id)


def recompute_reversal(case: PaymentFailure, *, at: datetime) -> str:
    """The caller holds the lock of the account. Disputes never take more than the case recovered."""
    disputes = PaymentDispute.objects.filter(invoice_id=case.invoice_id, livemode=settings.STRIPE_LIVEMODE)
    taken = disputes.aggregate(taken=Sum("taken_cents"))["taken"] or 0
    reversed_cents = min(taken, case.recovered_cents)
    if reversed_cents == case.reversed_cents:
        return f"case {case.pk}: attribution unchanged"
    old, moment = case.reversed_cents, (case.recovery_reversed_at or at) if reversed_cents else None
    PaymentFailure.objects.filter(pk=case.pk).update(reversed_cents=reversed_cents, recovery_reversed_at=moment)
    case.reversed_cents, case.recovery_reversed_at = reversed_cents, moment
    verb = "recovery.reversed" if reversed_cents > old else "recovery.given_back"
    record(verb, case, by=STRIPE, at=at, changes={"reversed_cents": [old, reversed_cents]})
    logger.info("recovery_reversed", case=case.pk, cents=reversed_cents)
    return f"case {case.pk}: {verb.replace('.', ' ').replace('_', ' ')}"
