"""Opening, keeping and ending the case of a failing invoice, by what is known of the invoice now."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from billing.models import CloseReason, DunningPolicy, FailureStatus, Flag, PaymentFailure
from billing.recovery import restore_standing, settle_case
from billing.steps import cancel_pending_dunning_events, create_dunning_events, reschedule_pending_steps
from billing.stripe_objects import InvoiceFacts
from levqor.accounts.models import Account, Plan, Standing
from levqor.lib.actors import STRIPE
from levqor.lib.states import move

logger = structlog.get_logger(__name__)

# https://docs.stripe.com/api/invoices/object (endive): why Stripe or a person gave an invoice up. What is not listed
# here is owed all the same: Stripe merely stopped trying, or the subscription was paused for not being paid.
STOPPING_REASONS = {
    "": CloseReason.FORGIVEN,
    "user_forgiven": CloseReason.FORGIVEN,
    "subscription_canceled": CloseReason.SUBSCRIPTION_ENDED,
}
STILL_OWED_REASONS = {"max_payment_attempts", "subscription_paused"}


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
    case = PaymentFailure.objects.filter(invoice_id=facts.id, livemode=settings.STRIPE_LIVEMODE).first()
    if facts.is_paid:
        return settle_case(case, facts, at=at) if case else "already paid"
    if facts.status == "void":
        return close_case(case, CloseReason.VOIDED, at=at) if case else "void"
    if facts.status == "uncollectible":
        return _judge_uncollectible(case, facts, at=at)
    if case:
        return keep_case(case, facts, evidence, at=at)
    if evidence is None or not is_dunned(facts, evidence):
        return "no case needed"
    return open_case(facts, evidence, at=at)


def _judge_uncollectible(case: PaymentFailure | None, facts: InvoiceFacts, *, at: datetime) -> str:
    if case is None:
        return "uncollectible, no case"
    if facts.uncollectible_reason in STOPPING_REASONS:
        return close_case(case, STOPPING_REASONS[facts.uncollectible_reason], at=at)
    if facts.uncollectible_reason not in STILL_OWED_REASONS:
        flag_case(case, Flag.ODD_STATE, at=at)
        return f"uncollectible for {facts.uncollectible_reason}: a person decides"
    return keep_case(case, facts, None, at=at)


def is_dunned(facts: InvoiceFacts, evidence: FailureEvidence) -> bool:
    """Whether a failure of this invoice opens a case.

    The first invoice of a subscription does not: the customer is at the checkout, and Stripe expires the subscription
    within a day. An invoice that is sent is only late once it is overdue, which is what its evidence then says.
    """
    if facts.status != "open" or facts.amount_remaining <= 0 or facts.billing_reason == "subscription_create":
        return False
    if facts.collection_method == "send_invoice":
        return facts.due_date is None or facts.due_date <= evidence.failed_at
    return True


def open_case(facts: InvoiceFacts, evidence: FailureEvidence, *, at: datetime) -> str:
    """Opens the case with its steps; the account is made where Stripe's customer has none here."""
    with transaction.atomic():
        account = account_of(facts, at=at)
        plan = _plan_of(facts, account)
        owner = account.owner()
        case, is_new = PaymentFailure.objects.get_or_create(
            invoice_id=facts.id,
            livemode=settings.STRIPE_LIVEMODE,
            defaults={
                "account": account,
                "user": owner,
                "policy": DunningPolicy.objects.current_for(plan),
                "subscription_id": facts.subscription_id,
                "plan_name": plan.name if plan else facts.description[:120],
                "failure_date": evidence.failed_at,
                "created_at": at,
                **_changing(facts, evidence),
            },
        )
        if not is_new:
            return keep_case(case, facts, evidence, at=at)
        create_dunning_events(case)
        if account.standing == Standing.ACTIVE:
            move(account, Standing.PAST_DUE, by=STRIPE, at=at, field="standing")
    logger.info("failed_payment_opened", case=case.pk, invoice=facts.id)
    return f"case {case.pk} opened"


def _changing(facts: InvoiceFacts, evidence: FailureEvidence | None) -> dict[str, object]:
    """What each new look at the invoice may change of its case."""
    changing: dict[str, object] = {
        "amount_cents": facts.amount_remaining,
        "currency": facts.currency,
        "invoice_number": facts.number[:100],
        "billing_reason": facts.billing_reason[:40],
        "attempt_count": facts.attempt_count,
        "next_payment_attempt": facts.next_payment_attempt,
    }
    if evidence:
        changing["needs_authentication"] = evidence.needs_authentication
        if evidence.decline_code:
            changing["decline_code"] = evidence.decline_code
    return changing


def keep_case(case: PaymentFailure, facts: InvoiceFacts, evidence: FailureEvidence | None, *, at: datetime) -> str:
    """Another failure of a known case changes its facts and neither restarts nor hurries its steps."""
    if not case.is_unsettled:
        return f"case {case.pk} is {case.status} already"
    changing = _changing(facts, evidence)
    with transaction.atomic():
        Account.objects.locked(case.account_id)
        if evidence and evidence.failed_at < case.failure_date:
            changing["failure_date"] = evidence.failed_at
            reschedule_pending_steps(case, evidence.failed_at)
        PaymentFailure.objects.filter(pk=case.pk).update(**changing)
    return f"case {case.pk} kept"


def close_case(case: PaymentFailure, why: CloseReason, *, at: datetime) -> str:
    """Ends a case without money. The service comes back, unless the subscription itself is over."""
    service_is_over = why in {CloseReason.SUBSCRIPTION_ENDED, CloseReason.CUSTOMER_DELETED}
    with transaction.atomic():
        Account.objects.locked(case.account_id)
        case.refresh_from_db()
        if not case.is_unsettled or (service_is_over and case.status == FailureStatus.EXHAUSTED):
            return f"case {case.pk} stays {case.status}"
        case.close(why, by=STRIPE, at=at)
        cancel_pending_dunning_events(case, by=STRIPE, at=at)
        if not service_is_over:
            restore_standing(case.account, by=STRIPE, at=at)
    return f"case {case.pk} closed: {why.label.lower()}"


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
    for plan in Plan.objects.all():
        if set(plan.stripe_price_ids) & set(facts.price_ids):
            return plan
    return account.plan if account else None
