"""The mails of dunning, one function each: the context, and the key that makes it one mail."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any

from django.conf import settings

from billing.holds import coming_steps
from billing.models import DunningEmail, DunningStep, PaymentFailure, ReminderPreference, StepTemplate
from billing.models.failure import total_of
from billing.pay_links import pay_url, reminders_url
from billing.stripe_objects import HARD_DECLINES
from billing.suspension import may_suspend, returns_by_paying, suspension_moment
from levqor.accounts.models import Account, Standing
from levqor.lib.forms import ONE_ADDRESS
from levqor.lib.money import format_money
from levqor.mail.models import OutgoingMail, Suppression
from levqor.mail.outbox import about, send
from levqor.mail.rendering import RenderedMail, name_in_mail, render


class Settled(Enum):
    """What ended a debt, which the mail about it has to say truly."""

    PAID = "paid"
    CREDITED = "credited"
    DROPPED = "dropped"
    RETURNED = "returned"


SEVERITY = [StepTemplate.FIRST_NOTICE, StepTemplate.SECOND_NOTICE, StepTemplate.FINAL_NOTICE]


def working_address(account: Account, *, is_final: bool = False, without: str = "") -> str:
    """Where the next mail goes: the first of the customer's addresses that is one and neither bounced nor complained, else
    empty.

    The customer may choose who gets the reminders; a final notice goes to the billing address first all the same.
    """
    alive = (
        address
        for address in _addresses(account, is_final=is_final)
        if address.lower() != without.lower()
        and ONE_ADDRESS.fullmatch(address)
        and not Suppression.objects.among([address])
    )
    return next(alive, "")


def _addresses(account: Account, *, is_final: bool) -> Iterable[str]:
    addresses = account.each_billing_address()
    chosen = ReminderPreference.objects.filter(account=account).values_list("email", flat=True).first()
    if not chosen:
        return addresses
    others = (address for address in addresses if address.lower() != chosen.lower())
    return chain(others, [chosen]) if is_final else chain([chosen], others)


def reminder(
    steps: list[DunningStep], *, at: datetime, to: str = "", key: str = "", known: OutgoingMail | None = None
) -> OutgoingMail:
    """One mail for the due steps of one customer, listing all that the customer owes.

    `known` is what was written for them before: it is written anew, or, where it may have left, called off and followed
    by another one.
    """
    lead = lead_step(steps)
    key = key or f"dunning:{min(step.pk for step in steps)}"
    if known:
        key = f"{key}:{known.pk}" if known.first_attempt_at else known.key
        known.call_off(at=at)
    return send(
        f"billing/{lead.template}",
        to or working_address(lead.failure.account, is_final=any(step.is_final for step in steps)),
        reminder_context(lead, at=at),
        key=key,
        at=at,
        about=about(lead.failure),
        account_id=lead.failure.account_id,
        is_driven_by_flow=True,
        is_rewritten=True,
    )


def lists_settled(mail: OutgoingMail, account: Account) -> bool:
    """True where the mail asks for an invoice that is settled by now."""
    settled = account.payment_failures.filter(resolved_at__isnull=False).order_by("-resolved_at")[:50]
    lines = mail.text_body.splitlines()
    asked = {words[1].rstrip(":") for line in lines if (words := line.split()) and words[0] == "Invoice" and words[1:]}
    return any((case.invoice_number or case.invoice_id) in asked for case in settled)


def action_required(case: PaymentFailure, *, to: str, at: datetime) -> OutgoingMail:
    """At once, beside the steps: the bank waits for the customer, or the card is dead, so waiting cannot help."""
    first = case.steps.order_by("attempt_number").first()
    context = reminder_context(first, at=at) if first else {}
    return send(
        "billing/action_required",
        to,
        context | _only(case),
        key=f"action_required:{case.pk}",
        at=at,
        about=about(case),
        account_id=case.account_id,
        is_driven_by_flow=True,
        is_rewritten=True,
    )


def _only(case: PaymentFailure) -> dict[str, Any]:
    """The one invoice that the mail is about, where a reminder would list all."""
    return {"invoices": [_invoice_line(case, case.account)], "is_several": False, "total": case.amount}


def lead_step(steps: list[DunningStep]) -> DunningStep:
    """The step that sets the tone: the most severe one, of the oldest case."""
    return max(
        steps, key=lambda step: (SEVERITY.index(StepTemplate(step.template)), step.offset_days, -step.failure_id)
    )


def reminder_context(lead: DunningStep, *, at: datetime) -> dict[str, Any]:
    """What the templates of a reminder are filled with. Dates are in the customer's zone."""
    case, account = lead.failure, lead.failure.account
    owed = list(account.payment_failures.unsettled().order_by("failure_date", "pk"))
    coming = list(_after(lead, at=at))
    pauses_at = _pauses_at(lead, coming, at=at)
    is_paused_now = pauses_at is not None and pauses_at <= at
    is_off = account.standing == Standing.SUSPENDED
    return {
        "account_name": name_in_mail(account.name),
        "invoices": [_invoice_line(other, account) for other in owed],
        "is_several": len(owed) > 1,
        "total": total_of(owed),
        "plan_name": case.plan_name,
        "needs_authentication": case.needs_authentication,
        "is_hard_decline": case.decline_code in HARD_DECLINES,
        "is_paused_now": is_paused_now,
        "pause_date": account.day_of(pauses_at) if pauses_at and not is_paused_now and not is_off else "",
        "next_reminder_date": account.day_of(coming[0][1]) if coming else "",
        "is_off": is_off,
        "returns_by_paying": is_paused_now and returns_by_paying(account),
        "pay_url": pay_url(case),
        "reminders_url": reminders_url(account),
    }


def _invoice_line(case: PaymentFailure, account: Account) -> dict[str, str]:
    return {
        "number": case.invoice_number or case.invoice_id,
        "amount": case.amount,
        "plan": case.plan_name,
        "failed_on": account.day_of(case.failure_date),
    }


def _pauses_at(lead: DunningStep, coming: list[tuple[DunningStep, datetime]], *, at: datetime) -> datetime | None:
    """When the service is paused by the policy, if nothing is paid: now for a final notice without a grace period."""
    if lead.suspends:
        return suspension_moment(at) if may_suspend(lead, lead.failure) else None
    return next((suspension_moment(moment) for step, moment in coming if step.suspends), None)


def _after(lead: DunningStep, *, at: datetime) -> Iterator[tuple[DunningStep, datetime]]:
    """The steps behind this one, where its mail leaves now."""
    coming = coming_steps(lead.failure, lead.failure.account, at, at=at)
    return ((step, moment) for step, moment in coming if step.attempt_number > lead.attempt_number)


def preview(step: DunningStep, template: str, *, at: datetime) -> RenderedMail:
    """The mail as it would read on this real case; nothing is stored."""
    return render(f"billing/{template}", reminder_context(step, at=at))


def restored(case: PaymentFailure, *, how: Settled, at: datetime, cents: int = 0) -> OutgoingMail | None:
    """You are back: after a suspension, at any hour. `cents` is what was paid or credited."""
    return _thank("restored", case, how=how, cents=cents, at=at)


def recovered(case: PaymentFailure, *, how: Settled, at: datetime, cents: int) -> OutgoingMail | None:
    """Nothing is owed of it any more: after at least one reminder, without a suspension."""
    return _thank("recovered", case, how=how, cents=cents, at=at)


def _thank(kind: str, case: PaymentFailure, *, how: Settled, cents: int, at: datetime) -> OutgoingMail | None:
    account = case.account
    address = working_address(account) if settings.DUNNING_ENABLED else ""
    if not address:
        return None
    owed = account.payment_failures.unsettled().order_by("failure_date", "pk")
    others = list(owed if how is Settled.RETURNED else owed.exclude(pk=case.pk))
    context = {
        "account_name": name_in_mail(account.name),
        "plan_name": case.plan_name,
        "how": how.value,
        "arrived": format_money(cents, case.currency),
        "invoice": _invoice_line(case, account),
        "others": [_invoice_line(other, account) for other in others],
        "pay_url": pay_url(others[0]) if others else "",
    }
    mail = send(
        f"billing/{kind}",
        address,
        context,
        key=f"{_thanks_key(kind, how)}:{case.pk}",
        at=at,
        about=about(case),
        account_id=account.pk,
    )
    DunningEmail.objects.get_or_create(
        failure=case, mail=mail, defaults={"user": case.user, "email_type": kind, "sent_at": mail.sent_at}
    )
    return mail


def _thanks_key(kind: str, how: Settled) -> str:
    """Who came back while a debt was open hears of that debt's end, too, one day."""
    return f"{kind}:returned" if how is Settled.RETURNED else kind


def reminders_changed(account: Account, *, to: str, chosen: str, at: datetime) -> OutgoingMail:
    """To the billing address: the reminders go elsewhere from now on."""
    context = {
        "account_name": name_in_mail(account.name),
        "address": masked(chosen),
        "reminders_url": reminders_url(account),
    }
    return send(
        "billing/reminders_changed",
        to,
        context,
        key=f"reminders_changed:{account.pk}:{at.isoformat()}",
        at=at,
        about=about(account),
        account_id=account.pk,
    )


def masked(address: str) -> str:
    """Enough to know one's own address by, and not enough for whoever was forwarded the mail: `a…s@example.com`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…{name[-1:] if len(name) > 2 else ''}@{domain}"
