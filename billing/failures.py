"""Opening, keeping, closing and settling the case of a failing invoice, by what is known of the invoice now.

The moment the customer pays: steps cancelled, service back, money attributed, one thank-you.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from billing import emails, gateway
from billing.alarms import raise_alarm
from billing.emails import Settled
from billing.models import (
    AlarmKind,
    CardAttemptStatus,
    CloseReason,
    DunningPolicy,
    DunningStep,
    FailureStatus,
    Flag,
    PaymentFailure,
    RecoveryMethod,
    StepStatus,
)
from billing.models.inbox import acting_modes, mode_of
from billing.present_state import current_invoice, current_subscription, has_been_settled, paid_before_failure
from billing.reversals import recompute_reversal
from billing.steps import (
    cancel_pending_dunning_events,
    create_dunning_events,
    reschedule_pending_steps,
    want_action_notice,
)
from billing.stripe_objects import NEEDS_CUSTOMER, InvoiceFacts
from billing.suspension import lift_for_debt, restore_standing
from levqor.accounts.models import Account, Plan, Standing
from levqor.lib.actors import STRIPE, Actor
from levqor.lib.states import StaleStateError, move

logger = structlog.get_logger(__name__)
# https://docs.stripe.com/api/invoices/object (endive): why Stripe or a person gave an invoice up. What is not listed
# here is owed all the same: Stripe merely stopped trying, or the subscription was paused for not being paid.
STOPPING_REASONS = {
    "": CloseReason.FORGIVEN,
    "user_forgiven": CloseReason.FORGIVEN,
    "subscription_canceled": CloseReason.SUBSCRIPTION_ENDED,
}
# A charge of ours; its event may come before we have recorded the answer of the same call, or where that was lost.
BY_NEW_CARD = Q(status__in=[CardAttemptStatus.PAID, CardAttemptStatus.SUBMITTED]) | Q(
    status__in=[CardAttemptStatus.CHARGING, CardAttemptStatus.PENDING], called_at__isnull=False
)
ENDED_SUBSCRIPTIONS = {"canceled", "incomplete_expired"}
STILL_OWED_REASONS = {"max_payment_attempts", "payment_not_received", "subscription_paused"}


@dataclass(frozen=True)
class FailureEvidence:
    """That an attempt to collect failed: when first, and what the bank said."""

    failed_at: datetime
    decline_code: str = ""
    needs_authentication: bool = False


def judge_invoice(facts: InvoiceFacts, evidence: FailureEvidence | None, *, at: datetime) -> str:
    """Brings our case of this invoice into line with its state; returns in a few words what was done.

    `evidence` is None where nothing says that collecting failed: then a case is kept or ended, and none is opened.
    """
    case = PaymentFailure.objects.filter(invoice_id=facts.id, livemode__in=acting_modes()).first()
    if facts.is_odd:
        return _report_odd(case, facts, at=at)
    if facts.is_paid:
        return settle_case(case, facts, at=at) if case else "already paid"
    if facts.status == "void":
        return close_case(case, CloseReason.VOIDED, facts, at=at) if case else "void"
    if facts.status == "uncollectible" and not is_still_owed(facts):
        return _judge_given_up(case, facts, at=at)
    return keep_case(case, facts, evidence, at=at) if case else _judge_new(facts, evidence, at=at)


def _judge_new(facts: InvoiceFacts, evidence: FailureEvidence | None, *, at: datetime) -> str:
    if evidence is None or not is_dunned(facts, evidence):
        return "no case needed"
    if has_ended(facts.subscription_id):
        # Stripe goes on trying the closing invoice; whoever has left is not threatened with the end of the service.
        return "the subscription is over, no case"
    return open_case(facts, evidence, at=at)


def has_ended(subscription_id: str) -> bool:
    """True for a subscription that is over. Raises gateway.StripeUnavailableError where Stripe does not answer."""
    try:
        found = current_subscription(subscription_id) if subscription_id else None
    except gateway.StripeUnknownObjectError:
        return False
    return found is not None and found[0].status in ENDED_SUBSCRIPTIONS


def _report_odd(case: PaymentFailure | None, facts: InvoiceFacts, *, at: datetime) -> str:
    """A state that Stripe's documents do not describe: nothing is done but telling a person."""
    raise_alarm(AlarmKind.INVOICE_STATE, facts.status, at=at, detail=facts.id)
    if case:
        flag_case(case, Flag.ODD_STATE, at=at)
    return f"invoice is {facts.status}, which Levqor does not know: a person decides"


def _judge_given_up(case: PaymentFailure | None, facts: InvoiceFacts, *, at: datetime) -> str:
    """Uncollectible, and not merely because Stripe stopped trying."""
    reason = facts.uncollectible_reason
    if reason in STOPPING_REASONS:
        return close_case(case, STOPPING_REASONS[reason], facts, at=at) if case else "uncollectible, no case"
    raise_alarm(AlarmKind.INVOICE_STATE, f"uncollectible: {reason}", at=at, detail=facts.id)
    if case:
        flag_case(case, Flag.ODD_STATE, at=at)
    return f"uncollectible for {reason}: a person decides"


def is_still_owed(facts: InvoiceFacts) -> bool:
    """True for an open invoice, and for one that Stripe merely stopped collecting."""
    return facts.status == "open" or (
        facts.status == "uncollectible" and facts.uncollectible_reason in STILL_OWED_REASONS
    )


def is_dunned(facts: InvoiceFacts, evidence: FailureEvidence) -> bool:
    """Whether a failure of this invoice opens a case.

    The first invoice of a subscription does not where it is charged: the customer is at the checkout, and Stripe expires
    the subscription within a day. One that is sent gives the service at once, and is only late once it is overdue, which
    is what its evidence then says. Whether other invoices than those of a renewal are dunned, the policy says.
    """
    if not is_still_owed(facts) or facts.amount_remaining <= 0:
        return False
    if facts.collection_method == "send_invoice":
        if facts.due_date and facts.due_date > evidence.failed_at:
            return False
    elif facts.billing_reason == "subscription_create":
        return False
    account = Account.objects.filter(stripe_customer_id=facts.customer_id).first()
    return DunningPolicy.objects.current_for(_plan_of(facts, account)).covers(facts.billing_reason)


def open_case(facts: InvoiceFacts, evidence: FailureEvidence, *, at: datetime) -> str:
    """Opens the case with its steps; the account is made where Stripe's customer has none here."""
    with transaction.atomic():
        account = account_of(facts, at=at)
        # Looked up again under the lock: the end may have been heard of, and found no case, since these facts were read.
        if has_been_settled(facts.id):
            return "settled in the meantime, no case"
        plan = _plan_of(facts, account)
        owner = account.owner()
        case, is_new = PaymentFailure.objects.get_or_create(
            invoice_id=facts.id,
            livemode=mode_of(livemode=facts.livemode),
            defaults={
                "account": account,
                "user": owner,
                "policy": DunningPolicy.objects.current_for(plan),
                "subscription_id": facts.subscription_id,
                "plan_name": plan.name if plan else facts.description[:120],
                "failure_date": evidence.failed_at,
                "created_at": at,
                "paid_before_cents": _paid_before(facts),
                "test_clock_id": facts.test_clock_id,
                **_changing(facts, evidence),
            },
        )
        if not is_new:
            return keep_case(case, facts, evidence, at=at)
        create_dunning_events(case)
        want_action_notice(case)
        if account.standing == Standing.ACTIVE:
            move(account, Standing.PAST_DUE, by=STRIPE, at=at, field="standing")
    logger.info("failed_payment_opened", case=case.pk, invoice=facts.id)
    return f"case {case.pk} opened"


def _paid_before(facts: InvoiceFacts) -> int:
    """What had been paid of the invoice when it first failed: what came since then, the case brought in."""
    known = paid_before_failure(facts.id)
    return facts.amount_paid if known is None else min(known, facts.amount_paid)


def _changing(facts: InvoiceFacts, evidence: FailureEvidence | None) -> dict[str, object]:
    """What each new look at the invoice may change of its case."""
    changing: dict[str, object] = {
        "amount_cents": facts.amount_remaining,
        "paid_cents": facts.amount_paid,
        "currency": facts.currency,
        "invoice_number": facts.number[:100],
        "billing_reason": facts.billing_reason[:40],
        "attempt_count": facts.attempt_count,
        "next_payment_attempt": facts.next_payment_attempt,
    }
    code = facts.decline_code or (evidence.decline_code if evidence else "")
    if code:
        changing["decline_code"] = code
    if code or evidence:
        asked = bool(evidence and evidence.needs_authentication)
        changing["needs_authentication"] = asked or code == NEEDS_CUSTOMER
    return changing


def keep_case(case: PaymentFailure, facts: InvoiceFacts, evidence: FailureEvidence | None, *, at: datetime) -> str:
    """Another failure of a known case changes its facts and neither restarts nor hurries its steps."""
    changing = _changing(facts, evidence)
    if evidence is None and all(getattr(case, name) == value for name, value in changing.items()):
        return f"case {case.pk} is up to date"
    with transaction.atomic():
        Account.objects.locked(case.account_id)
        # Whoever ended it since knew more of the invoice than these facts do.
        case.refresh_from_db()
        if not case.is_unsettled:
            return f"case {case.pk} is {case.status} already"
        if evidence and evidence.failed_at < case.failure_date:
            changing |= {"failure_date": evidence.failed_at, "paid_before_cents": _paid_before(facts)}
            reschedule_pending_steps(case, evidence.failed_at)
        PaymentFailure.objects.filter(pk=case.pk).update(**changing)
        if evidence:
            case.refresh_from_db()
            want_action_notice(case)
    return f"case {case.pk} kept"


def end_service(case: PaymentFailure, why: CloseReason, *, at: datetime) -> str:
    """The subscription or the customer is gone. What settled the invoice meanwhile counts, whichever is heard of first."""
    try:
        facts = current_invoice(case.invoice_id)
    except gateway.StripeUnknownObjectError:
        facts = None
    if facts and facts.status in {"paid", "void"}:
        return judge_invoice(facts, None, at=at)
    return close_case(case, why, facts, at=at)


def close_case(case: PaymentFailure, why: CloseReason, facts: InvoiceFacts | None = None, *, at: datetime) -> str:
    """Ends a case without money. Whoever owes nothing any more is in order, and a service that was off comes back.

    Where the subscription itself is over, a debt that led as far as its last step stays owed, and the service off.
    `facts` tell what was paid by then; without them it is what was paid when the invoice was last read.
    """
    service_is_over = why in {CloseReason.SUBSCRIPTION_ENDED, CloseReason.CUSTOMER_DELETED}
    with transaction.atomic():
        Account.objects.locked(case.account_id)
        case.refresh_from_db()
        if not case.is_unsettled or (service_is_over and case.status == FailureStatus.EXHAUSTED):
            return f"case {case.pk} stays {case.status}"
        # Parts of an invoice that came in before the rest was given up were recovered all the same.
        paid = facts.amount_paid if facts else case.paid_cents
        case.close(why, by=STRIPE, at=at, recovered_cents=brought_in(case, paid), paid_cents=paid)
        recompute_reversal(case, at=at)
        cancel_pending_dunning_events(case, by=STRIPE, at=at)
        if restore_standing(case.account, by=STRIPE, at=at) and not service_is_over:
            emails.restored(case, how=Settled.DROPPED, at=at)
    return f"case {case.pk} closed: {why.label.lower()}"


def welcome_back(facts: InvoiceFacts, *, at: datetime) -> str:
    """Who was suspended for the debt of a subscription that is over, and now pays for another one, is served again.

    The old debt stays owed, and a person decides what is to become of it.
    """
    is_bought = facts.is_paid and facts.amount_paid > 0 and facts.subscription_id and facts.customer_id
    account = Account.objects.filter(stripe_customer_id=facts.customer_id).first() if is_bought else None
    if account is None:
        return ""
    debts = list(account.payment_failures.unsettled().filter(suspended_at__isnull=False))
    old = [debt for debt in debts if debt.subscription_id not in {"", facts.subscription_id}]
    if not debts or old != debts or not all(has_ended(debt.subscription_id) for debt in old):
        return ""
    with transaction.atomic():
        account = Account.objects.locked(account.pk)
        still = account.payment_failures.unsettled().filter(pk__in=[debt.pk for debt in old])
        is_back = lift_for_debt(account, by=STRIPE, at=at)
        if is_back and (debt := still.order_by("pk").first()):
            for each in still:
                flag_case(each, Flag.RETURNED, at=at)
            debt.account = account
            emails.restored(debt, how=Settled.RETURNED, cents=facts.amount_paid, at=at)
    return f"account {account.pk} pays for another subscription, and is served again" if is_back else ""


def note_decline(case: PaymentFailure, code: str, *, needs_authentication: bool) -> str:
    """What the bank said to the last attempt; where waiting cannot help, the customer hears of it at once."""
    changing = {"decline_code": code, "needs_authentication": needs_authentication or code == NEEDS_CUSTOMER}
    PaymentFailure.objects.filter(pk=case.pk).update(**changing)
    case.refresh_from_db()
    want_action_notice(case)
    return f"case {case.pk}: {code}"


def flag_case(case: PaymentFailure, flag: Flag, *, at: datetime) -> None:
    """Asks for a person; the first reason stays until somebody has dealt with it."""
    PaymentFailure.objects.filter(pk=case.pk, flag="").update(flag=flag, flagged_at=at)


def account_of(facts: InvoiceFacts, *, at: datetime) -> Account:
    """The account of the invoice's customer, locked; made from the invoice's name and address where there is none."""
    account, is_new = Account.objects.get_or_create(
        stripe_customer_id=facts.customer_id or f"none:{facts.id}",
        defaults={
            "name": (facts.customer_name or facts.customer_email)[:200],
            "billing_email": facts.customer_email[:254],
            "plan": _plan_of(facts, None),
            "created_at": at,
        },
    )
    if is_new:
        logger.info("account_made_from_stripe", account=account.pk)
    return Account.objects.locked(account.pk)


def _plan_of(facts: InvoiceFacts, account: Account | None) -> Plan | None:
    """The plan of the dearest line that is charged for one, else the one that the account has."""
    plans = {price: plan for plan in Plan.objects.all() for price in plan.stripe_price_ids}
    charged = next((plans[price] for price in facts.price_ids if price in plans), None)
    return charged or (account.plan if account else None)


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
