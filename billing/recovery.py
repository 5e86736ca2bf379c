"""The moment the customer pays: steps cancelled, service back, money attributed, one thank-you."""

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from billing import emails
from billing.emails import Settled
from billing.evidence import paid_before_failure
from billing.models import CardAttemptStatus, DunningStep, FailureStatus, PaymentFailure, RecoveryMethod, StepStatus
from billing.reversals import recompute_reversal
from billing.steps import cancel_pending_dunning_events
from billing.stripe_objects import InvoiceFacts
from levqor.accounts.models import Account, Standing, Suspension
from levqor.lib.actors import STRIPE, Actor
from levqor.lib.states import StaleStateError, move

logger = structlog.get_logger(__name__)

# A charge of ours; its event may come before we have recorded the answer of the same call, or where that was lost.
BY_NEW_CARD = Q(status__in=[CardAttemptStatus.PAID, CardAttemptStatus.SUBMITTED]) | Q(
    status__in=[CardAttemptStatus.CHARGING, CardAttemptStatus.PENDING], called_at__isnull=False
)


def settle_case(case: PaymentFailure, facts: InvoiceFacts | None, *, at: datetime, by: Actor = STRIPE) -> str:
    """Ends the case as recovered; harmless where it is already. The mail goes out with the transaction's commit.

    What was paid before the case opened, or was taken off by a credit note while it ran, was not recovered by it.
    """
    try:
        with transaction.atomic():
            account = Account.objects.locked(case.account_id)
            case.refresh_from_db()
            if case.status == FailureStatus.RECOVERED:
                return f"case {case.pk} is recovered already"
            step = _last_sent_step(case)
            how, arrived = _how_settled(case, facts)
            case.recover(by=by, at=at, **_attribution(case, facts, step))
            recompute_reversal(case, at=at)
            cancel_pending_dunning_events(case, by=by, at=at)
            is_restored = restore_standing(account, by=by, at=at)
            if is_restored:
                emails.restored(case, how=how, cents=arrived, at=at)
            elif step:
                emails.recovered(case, how=how, cents=arrived, at=at)
    except StaleStateError:
        return f"case {case.pk} was settled by another process"
    logger.info("failed_payment_recovered", case=case.pk, restored=is_restored)
    return f"case {case.pk} recovered"


def _how_settled(case: PaymentFailure, facts: InvoiceFacts | None) -> tuple[Settled, int]:
    """What ended the debt, and how much of it: the money that came since the last look, or a credit where none came."""
    if facts is None:
        return Settled.PAID, case.amount_cents
    arrived = facts.settled_cents - case.paid_cents
    return (Settled.PAID, arrived) if arrived > 0 else (Settled.CREDITED, case.amount_cents)


def brought_in(case: PaymentFailure, paid_cents: int) -> int:
    """What of so much paid came since the invoice first failed, by all failures that we have heard of by now."""
    known = paid_before_failure(case.invoice_id)
    before = case.paid_before_cents if known is None else min(known, case.paid_before_cents)
    return max(0, paid_cents - before)


def _attribution(case: PaymentFailure, facts: InvoiceFacts | None, step: DunningStep | None) -> dict[str, Any]:
    """How much came in since the case opened, after which step, and by which way: all of one invoice is one sum."""
    paid = facts.settled_cents if facts else case.paid_cents + case.amount_cents
    recovered = brought_in(case, paid)
    return {
        "recovered_cents": recovered,
        "paid_cents": paid,
        "recovered_out_of_band": bool(facts and facts.paid_out_of_band),
        "recovered_after_step": step.attempt_number if step else None,
        "recovery_method": _method(case, facts, recovered),
    }


def _method(case: PaymentFailure, facts: InvoiceFacts | None, recovered: int) -> RecoveryMethod:
    """Only automatic retries count up an invoice's attempts, so a count that rose with the payment tells who tried.

    https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count
    """
    if facts is None:
        return RecoveryMethod.UNKNOWN
    if recovered == 0:
        return RecoveryMethod.CREDIT_NOTE
    if facts.paid_out_of_band:
        return RecoveryMethod.OUT_OF_BAND
    if case.card_attempts.filter(BY_NEW_CARD).exists():
        return RecoveryMethod.NEW_CARD
    return RecoveryMethod.STRIPE_RETRY if facts.attempt_count > case.attempt_count else RecoveryMethod.CUSTOMER


def _last_sent_step(case: PaymentFailure) -> DunningStep | None:
    return case.steps.filter(status__in=[StepStatus.SENT, StepStatus.UNKNOWN]).order_by("-attempt_number").first()


def restore_standing(account: Account, *, by: Actor, at: datetime, note: str = "") -> bool:
    """Puts the standing right after a case ended; True where that brought a suspended service back.

    The billing suspension stays while another invoice that led to it is unpaid; one that led to an earlier suspension,
    which staff have lifted since, does not keep this one. Any other suspension stays anyway.
    """
    owed = account.payment_failures.unsettled()
    target = Standing.PAST_DUE if owed.exists() else Standing.ACTIVE
    lock = account.live_suspensions().filter(reason=Suspension.Reason.BILLING).first()
    if lock:
        if owed.filter(suspended_at__gte=lock.suspended_at).exists():
            return False
        return account.lift_suspension(Suspension.Reason.BILLING, back_to=target, by=by, at=at, note=note)
    if account.standing == Standing.PAST_DUE and target == Standing.ACTIVE:
        move(account, Standing.ACTIVE, by=by, at=at, reason=note, field="standing")
    return False


def lift_for_returning(account: Account, *, by: Actor, at: datetime) -> bool:
    """Lifts the billing suspension of who pays again although an old debt is open; True where the service came back."""
    target = Standing.PAST_DUE if account.payment_failures.unsettled().exists() else Standing.ACTIVE
    return account.lift_suspension(Suspension.Reason.BILLING, back_to=target, by=by, at=at)
