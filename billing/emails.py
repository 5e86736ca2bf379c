"""The mails of dunning, one function each: the context, and the key that makes it one mail."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from billing.decisions import may_suspend, suspension_moment
from billing.models import DunningEmail, DunningStep, PaymentFailure, StepStatus, StepTemplate
from billing.pay_links import pay_url
from levqor.accounts.models import Account
from levqor.lib.money import format_totals
from levqor.mail.models import OutgoingMail, Suppression
from levqor.mail.outbox import about, send
from levqor.mail.rendering import RenderedMail, render

SEVERITY = [StepTemplate.FIRST_NOTICE, StepTemplate.SECOND_NOTICE, StepTemplate.FINAL_NOTICE]


def working_address(account: Account) -> str:
    """The first of the account's billing addresses that neither bounced nor complained; empty where none is left."""
    addresses = account.billing_addresses()
    lowered = [address.lower() for address in addresses]
    dead = set(Suppression.objects.filter(email__in=lowered).values_list("email", flat=True))
    return next((address for address in addresses if address.lower() not in dead), "")


def reminder(steps: list[DunningStep], *, at: datetime, to: str = "", key: str = "") -> OutgoingMail:
    """One mail for the due steps of one customer, listing all that the customer owes."""
    lead = lead_step(steps)
    return send(
        f"billing/{lead.template}",
        to or working_address(lead.failure.account),
        reminder_context(lead, at=at),
        key=key or f"dunning:{min(step.pk for step in steps)}",
        at=at,
        about=about(lead.failure),
        account_id=lead.failure.account_id,
        is_driven_by_flow=True,
    )


def lead_step(steps: list[DunningStep]) -> DunningStep:
    """The step that sets the tone: the most severe one, of the oldest case."""
    return max(
        steps, key=lambda step: (SEVERITY.index(StepTemplate(step.template)), step.offset_days, -step.failure_id)
    )


def reminder_context(lead: DunningStep, *, at: datetime) -> dict[str, Any]:
    """What the templates of a reminder are filled with. Dates are in the customer's zone."""
    case, account = lead.failure, lead.failure.account
    owed = list(account.payment_failures.unsettled().order_by("failure_date", "pk"))
    totals: dict[str, int] = {}
    for other in owed:
        totals[other.currency] = totals.get(other.currency, 0) + other.amount_cents
    pauses_at = _pauses_at(lead, at=at)
    return {
        "account_name": account.name,
        "invoices": [_invoice_line(other, account) for other in owed],
        "is_several": len(owed) > 1,
        "total": format_totals(totals),
        "plan_name": case.plan_name,
        "needs_authentication": case.needs_authentication,
        "is_hard_decline": case.decline_code in HARD_DECLINES,
        "is_paused_now": pauses_at is not None and pauses_at <= at,
        "pause_date": _day(pauses_at, account) if pauses_at and pauses_at > at else "",
        "next_reminder_date": _next_reminder(lead, account),
        "pay_url": pay_url(case),
    }


# https://docs.stripe.com/declines/codes: the codes after which Stripe does not try the same card again.
HARD_DECLINES = frozenset(
    {
        "lost_card",
        "stolen_card",
        "pickup_card",
        "expired_card",
        "incorrect_number",
        "invalid_account",
        "revocation_of_authorization",
    }
)


def _invoice_line(case: PaymentFailure, account: Account) -> dict[str, str]:
    return {
        "number": case.invoice_number or case.invoice_id,
        "amount": case.amount,
        "plan": case.plan_name,
        "failed_on": _day(case.failure_date, account),
    }


def _pauses_at(lead: DunningStep, *, at: datetime) -> datetime | None:
    """When the service is paused by the policy, if nothing is paid: now for a final notice without a grace period."""
    if lead.suspends:
        return suspension_moment(at) if may_suspend(lead, lead.failure) else None
    final = lead.failure.steps.filter(action="suspend", status=StepStatus.PENDING).first()
    if final is None:
        return None
    return max(suspension_moment(final.scheduled_for), at + timedelta(hours=48))


def _next_reminder(lead: DunningStep, account: Account) -> str:
    coming = lead.failure.steps.filter(status=StepStatus.PENDING, attempt_number__gt=lead.attempt_number)
    step = coming.order_by("attempt_number").first()
    return _day(step.scheduled_for, account) if step else ""


def _day(moment: datetime, account: Account) -> str:
    local = moment.astimezone(account.zone)
    return f"{local.day} {local:%B %Y}"


def preview(step: DunningStep, template: str, *, at: datetime) -> RenderedMail:
    """The mail as it would read on this real case; nothing is stored."""
    return render(f"billing/{template}", reminder_context(step, at=at))


def restored(case: PaymentFailure, *, at: datetime) -> OutgoingMail | None:
    """Thank you, you are back: after a suspension, at any hour."""
    return _thank("restored", case, at=at)


def recovered(case: PaymentFailure, *, at: datetime) -> OutgoingMail | None:
    """Thank you: after at least one reminder, without a suspension."""
    return _thank("recovered", case, at=at)


def _thank(kind: str, case: PaymentFailure, *, at: datetime) -> OutgoingMail | None:
    account = case.account
    address = working_address(account) if settings.DUNNING_ENABLED else ""
    if not address:
        return None
    others = account.payment_failures.unsettled().exclude(pk=case.pk)
    context = {
        "account_name": account.name,
        "plan_name": case.plan_name,
        "invoice": _invoice_line(case, account),
        "others": [_invoice_line(other, account) for other in others],
    }
    mail = send(
        f"billing/{kind}", address, context, key=f"{kind}:{case.pk}", at=at, about=about(case), account_id=account.pk
    )
    DunningEmail.objects.get_or_create(
        failure=case, mail=mail, defaults={"user": case.user, "email_type": kind, "sent_at": mail.sent_at}
    )
    return mail
