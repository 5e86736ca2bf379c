"""Suspending an account for an unpaid invoice, and restoring it: by the pass, by a payment, by staff.

Whether Stripe still wants the money is asked before, outside of any transaction (`live_check.py`); everything here happens
under the account's lock.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from billing.holds import Wish, reason_to_wait
from billing.models import DunningStep, FailureStatus, PaymentFailure, StepStatus
from levqor.accounts.models import Account, Standing, Suspension
from levqor.audit.models import record
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.states import move

logger = structlog.get_logger(__name__)


def suspension_moment(sent_at: datetime) -> datetime:
    """When the account is suspended after a last notice that was sent then."""
    return sent_at + timedelta(hours=settings.DUNNING_SUSPEND_AFTER_HOURS)


def may_suspend(step: DunningStep, case: PaymentFailure) -> bool:
    """A flagged case (bounced, not sent, unknown) never suspends by itself: a person decides."""
    return step.suspends and not case.flag


def suspension_after_decision(case: PaymentFailure, *, at: datetime) -> datetime | None:
    """When a case whose last notice no machine could vouch for (not sent, or nobody knows) leads to its suspension, once
    a person has dealt with that. None where there is nothing to come, or a person left the last step out."""
    if case.status != FailureStatus.EXHAUSTED or case.suspended_at or case.suspend_at:
        return None
    last = case.steps.order_by("attempt_number").last()
    is_ours = last is not None and last.suspends and last.status in {StepStatus.FAILED, StepStatus.UNKNOWN}
    return suspension_moment(at) if is_ours else None


def is_suspended_for_debt(account: Account) -> bool:
    return account.live_suspensions().filter(reason=Suspension.Reason.BILLING).exists()


def returns_by_paying(account: Account) -> bool:
    """False where the account is paused for something else too: paying does not lift that."""
    return not account.live_suspensions().exclude(reason=Suspension.Reason.BILLING).exists()


def suspend_if_due(case: PaymentFailure, *, at: datetime) -> bool:
    """Suspends the case's account where its hour has come and nothing stands against it; True where that switched the
    service off."""
    with transaction.atomic():
        account = Account.objects.locked(case.account_id)
        case.refresh_from_db()
        still_due = PaymentFailure.objects.suspension_due(at=at).filter(pk=case.pk)
        if reason_to_wait(account, case, Wish.SUSPENSION, at=at) or not still_due.update(suspended_at=at):
            return False
        is_new = account.suspend(Suspension.Reason.BILLING, by=SYSTEM, at=at)
    logger.info("account_suspended", account=account.pk, case=case.pk)
    return is_new


def suspend_by_staff(case: PaymentFailure, *, by: Actor, at: datetime, reason: str) -> None:
    """What no machine may decide: a flagged case whose steps are all done. The caller holds the account's lock."""
    PaymentFailure.objects.filter(pk=case.pk).update(
        suspended_at=at, suspend_at=Coalesce(F("suspend_at"), Value(at)), flag="", flagged_at=None
    )
    record("suspended", case, by=by, at=at, reason=reason, changes={"flag": [case.flag, ""]})
    case.account.suspend(Suspension.Reason.BILLING, by=by, at=at, note=reason)


def restore_standing(account: Account, *, by: Actor, at: datetime, note: str = "") -> bool:
    """Puts the standing right after a case ended; True where that brought a suspended service back.

    The billing suspension stays while another invoice that led to it is unpaid; one that led to an earlier suspension,
    which staff have lifted since, does not keep this one. Any other suspension stays anyway.
    """
    owed = account.payment_failures.unsettled()
    lock = account.live_suspensions().filter(reason=Suspension.Reason.BILLING).first()
    if lock:
        still_owed = owed.filter(suspended_at__gte=lock.suspended_at).exists()
        return not still_owed and lift_for_debt(account, by=by, at=at, note=note)
    if account.standing == Standing.PAST_DUE and not owed.exists():
        move(account, Standing.ACTIVE, by=by, at=at, reason=note, field="standing")
    return False


def restore_by_staff(account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    """Lifts the billing suspension although nothing was paid. The cases keep their `suspended_at`, so the next pass does
    not suspend for the same invoice again. The caller holds the account's lock."""
    if not lift_for_debt(account, by=by, at=at, note=reason):
        # Suspended for something else too: the move, which is the usual audit entry, did not happen.
        record("billing_suspension.lifted", account, by=by, at=at, reason=reason)


def lift_for_debt(account: Account, *, by: Actor, at: datetime, note: str = "") -> bool:
    """Lifts the billing suspension whatever is still owed; True where the service came back."""
    target = Standing.PAST_DUE if account.payment_failures.unsettled().exists() else Standing.ACTIVE
    return account.lift_suspension(Suspension.Reason.BILLING, back_to=target, by=by, at=at, note=note)
