"""The moment the customer pays: steps cancelled, service back, money attributed, one thank-you."""

from datetime import datetime

import structlog
from django.db import transaction

from billing import emails
from billing.models import DunningStep, FailureStatus, PaymentFailure, StepStatus
from billing.steps import cancel_pending_dunning_events
from billing.stripe_objects import InvoiceFacts
from levqor.accounts.models import Account, Standing, Suspension
from levqor.lib.actors import STRIPE, Actor
from levqor.lib.states import StaleStateError, move

logger = structlog.get_logger(__name__)


def settle_case(case: PaymentFailure, facts: InvoiceFacts | None, *, at: datetime, by: Actor = STRIPE) -> str:
    """Ends the case as recovered; harmless where it is already. The mail goes out with the transaction's commit.

    The recovered amount is what the case last knew to be owed: what was paid before the case opened, or by a credit
    note while it ran, was not recovered by it.
    """
    try:
        with transaction.atomic():
            account = Account.objects.locked(case.account_id)
            case.refresh_from_db()
            if case.status == FailureStatus.RECOVERED:
                return f"case {case.pk} is recovered already"
            step = _last_sent_step(case)
            case.recover(
                by=by,
                at=at,
                recovered_cents=case.amount_cents,
                recovered_out_of_band=bool(facts and facts.paid_out_of_band),
                recovered_after_step=step.attempt_number if step else None,
            )
            cancel_pending_dunning_events(case, by=by, at=at)
            is_restored = restore_standing(account, by=by, at=at)
            if is_restored:
                emails.restored(case, at=at)
            elif step:
                emails.recovered(case, at=at)
    except StaleStateError:
        return f"case {case.pk} was settled by another process"
    logger.info("failed_payment_recovered", case=case.pk, restored=is_restored)
    return f"case {case.pk} recovered"


def _last_sent_step(case: PaymentFailure) -> DunningStep | None:
    return case.steps.filter(status__in=[StepStatus.SENT, StepStatus.UNKNOWN]).order_by("-attempt_number").first()


def restore_standing(account: Account, *, by: Actor, at: datetime, note: str = "") -> bool:
    """Puts the standing right after a case ended; True where that brought a suspended service back.

    The billing suspension stays while another invoice that led to it is unpaid. Any other suspension stays anyway.
    """
    owed = account.payment_failures.unsettled()
    target = Standing.PAST_DUE if owed.exists() else Standing.ACTIVE
    if account.live_suspensions().filter(reason=Suspension.Reason.BILLING).exists():
        if owed.filter(suspended_at__isnull=False).exists():
            return False
        return account.lift_suspension(Suspension.Reason.BILLING, back_to=target, by=by, at=at, note=note)
    if account.standing == Standing.PAST_DUE and target == Standing.ACTIVE:
        move(account, Standing.ACTIVE, by=by, at=at, reason=note, field="standing")
    return False
