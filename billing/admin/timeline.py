"""What the page of one case says: its history in words, and what a person should do about it now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from billing.models import (
    DunningStep,
    EventStatus,
    FailureStatus,
    Flag,
    PaymentFailure,
    RecoveryMethod,
    StepStatus,
    StripeEvent,
)
from billing.models.inbox import EVENT_WORDS
from billing.staff_actions import trail_of
from levqor.accounts.models import Standing
from levqor.audit.models import AuditEntry
from levqor.mail.models import Suppression

VERB_WORDS = {
    "noted": "Note of a colleague",
    "paused": "Paused",
    "resumed": "Resumed",
    "resent": "Mail sent again by hand",
    "flag.cleared": "Flag cleared: dealt with",
    "suspended": "Suspension decided by a person",
    "exempted": "Account exempt from dunning",
    "exemption.ended": "Exemption of the account ended",
    "billing_suspension.lifted": "Billing suspension lifted; another reason keeps the service off",
    "recovery.reversed": "Recovered money taken back by a dispute",
    "recovery.given_back": "Recovered money given back by the bank",
    "status.recovered": "Case recovered",
    "status.exhausted": "All steps done",
    "status.closed": "Case closed",
    "contact.added": "Address added",
    "standing.active": "Account active",
    "standing.past_due": "Account past due",
    "standing.suspended": "Account suspended",
}
STEP_WORDS = {
    "status.pending": "Step planned again",
    "status.sending": "Step being sent",
    "status.sent": "Step sent",
    "status.skipped": "Step skipped",
    "status.cancelled": "Step cancelled",
    "status.failed": "Step refused by the mail provider",
    "status.unknown": "Step sent, perhaps",
}
FLAG_ADVICE = {
    Flag.BOUNCED: "A reminder bounced, so the customer may know nothing of this. Find another way to reach them, add "
    "the address they give you, then resend the mail and mark the flag as dealt with.",
    Flag.NOT_SENT: "The mail provider refused a reminder. Check the address, resend the mail, then mark the flag as "
    "dealt with.",
    Flag.UNKNOWN_SEND: "Nobody knows whether a reminder arrived. Look at the provider’s log; resend only if it did not.",
    Flag.UNKNOWN_INVOICE: "Stripe does not know this invoice. Look it up at Stripe; if it is gone, stop the case.",
    Flag.NO_ADDRESS: "There is no address that works. Add one, then mark the flag as dealt with.",
    Flag.ODD_STATE: "The invoice is in a state at Stripe that Levqor does not judge by itself. Look it up, then decide.",
    Flag.UNKNOWN_CHARGE: "Nobody knows whether the customer’s new card was charged. Look the invoice up at Stripe: if it is "
    "paid, the case closes by itself; if it is still open, charge it there, then mark the flag as dealt with.",
    Flag.RETURNED: "The customer came back and pays for another subscription, so the service is on again, while this old "
    "invoice is still owed. Agree with them on it: stop the case where you let it go, else mark the flag as dealt with.",
}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    title: str
    detail: str = ""
    quote: str = ""
    url: str = ""
    link_text: str = ""
    is_coming: bool = False


def in_words(moment: datetime) -> str:
    """A date as people say it, by the office's clock: `Tuesday 3 November 2026, 10:00`."""
    local = timezone.localtime(moment)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"


def there(moment: datetime, zone: ZoneInfo) -> str:
    """The same by the customer's clock, which is named where it is not the office's."""
    local = moment.astimezone(zone)
    place = "" if zone.key == settings.TIME_ZONE else f" ({zone.key})"
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}{place}"


def timeline(case: PaymentFailure, *, may_see_events: bool) -> list[Moment]:
    """Everything that happened to the case and what is planned, oldest first. A fixed number of queries."""
    steps = list(case.steps.all())
    opened = Moment(case.created_at, "Levqor opened this case", f"with the policy {case.policy}")
    parts = [opened, *_events(case, may_see_events), *_planned(case, steps), *_mails(case), *_deeds(case, steps)]
    return sorted(parts, key=lambda moment: (moment.is_coming, moment.at))


def _events(case: PaymentFailure, may_see_events: bool) -> Iterator[Moment]:
    events = StripeEvent.objects.acting().filter(invoice_id=case.invoice_id).defer("body")
    for event in events.order_by("created", "pk"):
        outcome = "not processed: " + event.error if event.status == EventStatus.FAILED else event.outcome
        url = reverse("admin:billing_stripeevent_change", args=[event.pk]) if may_see_events else ""
        title = "Stripe: " + EVENT_WORDS.get(event.type, event.type.replace(".", ", ").replace("_", " "))
        yield Moment(event.created, title, outcome, url=url, link_text="Show the event")


def _planned(case: PaymentFailure, steps: list[DunningStep]) -> Iterator[Moment]:
    for step in steps:
        if step.status in {StepStatus.PENDING, StepStatus.SENDING}:
            detail = "Then the service is paused." if step.suspends else ""
            title = f"{step.get_template_display()} (day {step.offset_days}) {_planned_word(step)}"
            yield Moment(step.scheduled_for, title, detail, is_coming=True)
    if case.suspend_at and case.suspended_at is None and case.is_unsettled:
        yield Moment(case.suspend_at, "Suspension planned", is_coming=True)


def _planned_word(step: DunningStep) -> str:
    return "is being sent" if step.status == StepStatus.SENDING else "planned"


def _mails(case: PaymentFailure) -> Iterator[Moment]:
    for row in case.emails.select_related("mail", "step"):
        mail = row.mail
        if mail is None:
            continue
        seen = [
            f"{word} {in_words(moment)}"
            for word, moment in [
                ("delivered", mail.delivered_at),
                ("opened", mail.opened_at),
                ("link clicked", mail.clicked_at),
                ("bounced", mail.bounced_at),
                ("called spam", mail.complained_at),
            ]
            if moment
        ]
        state = "" if mail.sent_at else f" – {mail.get_status_display().lower()}"
        yield Moment(
            mail.sent_at or mail.created_at,
            f"Mail to {mail.to_email}: {mail.subject}{state}",
            "; ".join(seen) + (f" – the provider says: {mail.bounce_detail}" if mail.bounce_detail else ""),
            url=reverse("admin:mail_outgoingmail_change", args=[mail.pk]),
            link_text="Read it as sent",
        )


def _deeds(case: PaymentFailure, steps: list[DunningStep]) -> Iterator[Moment]:
    """Who did what. Of the steps only what people did: a sent one is in the timeline as its mail."""
    days = {str(step.pk): step for step in steps}
    mine = Q(object_type="billing.paymentfailure", object_id=str(case.pk))
    account = Q(object_type="accounts.account", object_id=str(case.account_id), at__gte=case.failure_date)
    by_hand = Q(object_type="billing.dunningstep", object_id__in=list(days), actor_kind="staff")
    entries = AuditEntry.objects.filter(mine | account | by_hand).select_related("actor", "note")
    for entry in entries.order_by("pk"):
        title = what(entry)
        if entry.object_type == "billing.dunningstep":
            title = f"{title}: day {days[entry.object_id].offset_days}"
        yield Moment(entry.at, f"{title}, by {entry.who}", quote=entry.reason)


def changes_since(case: PaymentFailure, seen: int) -> list[Moment]:
    """What happened to the case after the entry that a person saw as the newest, for telling them before they act."""
    entries = trail_of(case).filter(pk__gt=seen).select_related("actor", "note")
    return [Moment(entry.at, f"{what(entry)}, by {entry.who}", quote=entry.reason) for entry in entries]


def is_own_repeat(case: PaymentFailure, seen: int, *, user_id: int | None, reason: str) -> bool:
    """True where all that happened since is what this person has just done with these words: a second click."""
    entries = list(trail_of(case).filter(pk__gt=seen).select_related("note"))
    return bool(entries) and all(entry.actor_id == user_id and entry.reason in {"", reason} for entry in entries)


def what(entry: AuditEntry) -> str:
    words = STEP_WORDS if entry.object_type == "billing.dunningstep" else VERB_WORDS
    return words.get(entry.verb, entry.verb.replace("_", " ").replace(".", " ").capitalize())


@dataclass(frozen=True)
class Address:
    """Where mail for the customer may go; a dead one bounced or called our mail spam."""

    email: str
    is_dead: bool


def addresses(case: PaymentFailure) -> list[Address]:
    found = case.account.billing_addresses()
    dead = Suppression.objects.among(found)
    return [Address(email, email.lower() in dead) for email in found]


def advice(case: PaymentFailure, *, at: datetime) -> str:
    """One paragraph: what to do here."""
    if not settings.DUNNING_ENABLED and case.is_unsettled:
        return "Dunning is switched off, so nothing is sent or suspended. Write to the customer yourself, if need be."
    if not case.is_unsettled:
        return _advice_for_a_settled_case(case)
    if case.account.is_exempt_from_dunning:
        return "The account is exempt, so nothing happens by itself. End the exemption if that is no longer meant."
    if case.flag:
        return FLAG_ADVICE[Flag(case.flag)] + _decide(case)
    if case.is_paused(at=at):
        end = there(case.paused_until, case.account.zone) if case.paused_until else "somebody resumes it"
        return f"The case is paused until {end}. Nothing is sent before that."
    return _advice_for_a_running_case(case)


def _advice_for_a_settled_case(case: PaymentFailure) -> str:
    if why := case.get_close_reason_display().lower():
        return f"Nothing: the case was closed ({why})."
    is_credited = case.recovery_method == RecoveryMethod.CREDIT_NOTE
    return "Nothing: what was open has been credited." if is_credited else "Nothing: the customer has paid."


def _decide(case: PaymentFailure) -> str:
    if case.status != FailureStatus.EXHAUSTED or case.suspended_at:
        return ""
    return " All steps are done: the account is not suspended before you decide so."


def _advice_for_a_running_case(case: PaymentFailure) -> str:
    if case.suspended_at and case.account.standing != Standing.SUSPENDED:
        return (
            "The service was restored without a payment, and this invoice does not suspend it again. If the customer "
            "does not keep to what you agreed, decide whether to stop the case."
        )
    if case.suspended_at:
        return (
            "All steps are done and the account was suspended. Paying brings it back by itself; restore it by hand "
            "only if you agreed something with the customer."
        )
    if case.status == FailureStatus.EXHAUSTED:
        return "All steps are done. If the customer does not answer, decide whether to stop the case."
    if case.needs_authentication:
        return "The bank wants the customer to confirm the payment. If they call, send them the payment link above."
    return (
        "Nothing for now: the next step happens by itself. If the customer gets in touch, give them the payment "
        "link; if they ask for time, pause until the agreed date."
    )
