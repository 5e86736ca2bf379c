"""What staff may do about a failed payment: one function for each verb, each with who, when and why.

Every change is made under the lock of the account, as the dunning pass makes its own, and leaves one audit entry.
Stripe is asked before the lock is taken. What cannot be done raises RefusedError, whose text is fit for people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import models, transaction

from billing import emails
from billing.failures import brought_in
from billing.holds import reason_to_wait_at_all
from billing.live_check import Checkpoint, Verdict
from billing.models import CloseReason, DunningEmail, DunningStep, FailureStatus, PaymentFailure, StepStatus
from billing.steps import PLANNED, SEND_TASK, cancel_pending_dunning_events, move_step
from billing.suspension import (
    is_suspended_for_debt,
    restore_by_staff,
    restore_standing,
    suspend_by_staff,
    suspension_after_decision,
)
from levqor.accounts.models import Account
from levqor.audit.models import AuditEntry, record
from levqor.lib.actors import Actor
from levqor.lib.nudge import nudge
from levqor.mail.models import OutgoingMail

RESENDABLE = {StepStatus.SENT, StepStatus.FAILED, StepStatus.UNKNOWN}
REFUSAL_OF_VERDICT = {
    Verdict.OVER: "Stripe says that nothing is owed any more, so nothing was sent; the case is closed now.",
    Verdict.UNREACHABLE: "Stripe did not answer, so nothing was done. Try again in a few minutes.",
    Verdict.UNDER_WAY: "A payment of this invoice is under way at Stripe, so nothing was done. Wait for its end.",
    Verdict.FORBIDDEN: "Our key at Stripe may not read this invoice, so nothing was done. The alarms say what it lacks.",
    Verdict.ODD: "The invoice is in a state at Stripe that Levqor does not know, so nothing was done. Look it up first.",
    Verdict.UNKNOWN: "Stripe does not know this invoice, so nothing was done. Look it up at Stripe first.",
    Verdict.RETRYING: "Stripe is going to try the card again; wait for that before you suspend.",
}


class RefusedError(Exception):
    """This cannot be done now; the text says why, for people."""


class ChangedError(Exception):
    """Something happened to the case since the person looked at it: they have to be told before they decide."""


def trail_of(case: PaymentFailure) -> models.QuerySet[AuditEntry]:
    """What happened to the case, its steps and its account, in the order of the trail."""
    steps = [str(step.pk) for step in case.steps.all()]
    return AuditEntry.objects.filter(
        models.Q(object_type="billing.paymentfailure", object_id=str(case.pk))
        | models.Q(object_type="billing.dunningstep", object_id__in=steps)
        | models.Q(object_type="accounts.account", object_id=str(case.account_id))
    ).order_by("pk")


def newest_entry(case: PaymentFailure) -> int:
    """The version of the case: what a person has seen when they look at it now."""
    newest: int | None = trail_of(case).aggregate(newest=models.Max("pk"))["newest"]
    return newest or 0


@contextmanager
def unchanged(case: PaymentFailure, *, seen: int) -> Iterator[None]:
    """Runs a verb that asks nobody outside while the case is held as the person saw it; else raises ChangedError."""
    with _locked(case, seen=seen):
        yield


@contextmanager
def _locked(case: PaymentFailure, *, seen: int | None = None) -> Iterator[PaymentFailure]:
    """The case as it is stored now, with its account, for as long as nobody else may change either."""
    with transaction.atomic():
        account = Account.objects.locked(case.account_id)
        if seen is not None and newest_entry(case) != seen:
            raise ChangedError
        fresh = PaymentFailure.objects.get(pk=case.pk)
        fresh.account = account
        yield fresh


def _insist(condition: object, otherwise: str) -> None:
    if not condition:
        raise RefusedError(otherwise)


def _insist_unsettled(case: PaymentFailure) -> None:
    _insist(case.is_unsettled, f"This case is {case.get_status_display().lower()} already; there is nothing to steer.")


def _update(case: PaymentFailure, **changes: object) -> None:
    PaymentFailure.objects.filter(pk=case.pk).update(**changes)


def pause(case: PaymentFailure, *, until: datetime | None, by: Actor, at: datetime, reason: str) -> None:
    """No mail and no suspension until then, or until a person resumes where `until` is None."""
    with _locked(case) as fresh:
        _insist_unsettled(fresh)
        _insist(until is None or until > at, "The pause would end in the past; choose a later date.")
        _update(fresh, paused_at=at, paused_until=until)
        end = until.isoformat() if until else ""
        record("paused", fresh, by=by, at=at, reason=reason, changes={"paused_until": end})


def resume(case: PaymentFailure, *, by: Actor, at: datetime, reason: str) -> None:
    with _locked(case) as fresh:
        _insist(fresh.is_paused(at=at), "This case is not paused.")
        _update(fresh, paused_at=None, paused_until=None, hold_reason="")
        record("resumed", fresh, by=by, at=at, reason=reason)


def skip_step(step: DunningStep, *, by: Actor, at: datetime, reason: str) -> None:
    """Leaves one planned step out. After the last one the case is at its end, and nothing suspends the account."""
    with _locked(step.failure) as fresh:
        _insist(fresh.status == FailureStatus.OPEN, "Only an open case has steps to skip.")
        move_step(step, StepStatus.SKIPPED, by=by, at=at, reason=reason)
        _update(fresh, hold_reason="")
        if not fresh.steps.filter(status__in=PLANNED).exists():
            fresh.exhaust(by=by, at=at, suspend_at=None)


def resend(
    step: DunningStep, *, token: str, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> OutgoingMail:
    """Sends the mail of a step once more, written anew as things stand. The same `token` gives the same mail.

    With `seen` it raises ChangedError where the case is no longer as the person saw it; `suspend_now` likewise.
    """
    case = step.failure
    key = f"manual:{case.pk}:{token}"
    known = OutgoingMail.objects.filter(key=key).first()
    if known:
        return known
    _insist(step.status in RESENDABLE, "This step has not been sent yet, so there is nothing to send again.")
    _insist_may_act(case)
    _insist_owed(case, at=at, is_final=False)
    with _locked(case, seen=seen) as fresh:
        _insist_unsettled(fresh)
        _insist_may_go_on(fresh, at=at)
        address = emails.working_address(fresh.account)
        _insist(address, "The account has no address that works; add one first.")
        step.failure = fresh
        mail = emails.reminder([step], at=at, to=address, key=key)
        # Wanted, and so delivered by a pass, which asks the gate before each attempt: never at night, never once paid.
        _, is_new = DunningEmail.objects.get_or_create(
            failure=fresh,
            mail=mail,
            defaults={"user": fresh.user, "step": step, "email_type": "manual", "wanted_at": at},
        )
        if is_new:
            record("resent", fresh, by=by, at=at, reason=reason, changes={"step": step.pk, "mail": str(mail.pk)})
            nudge(SEND_TASK)
    return mail


def _insist_may_act(case: PaymentFailure) -> None:
    _insist(settings.DUNNING_ENABLED, "Dunning is switched off (DUNNING_ENABLED): nothing is sent or suspended.")
    _insist(not case.account.is_exempt_from_dunning, "The account is exempt from dunning; end the exemption first.")


def _insist_may_go_on(case: PaymentFailure, *, at: datetime) -> None:
    """What holds the case holds people, too, until they lift it. Only the hour may wait for a pass."""
    hold = reason_to_wait_at_all(case.account, case, at=at)
    _insist(hold is None, f"Nothing may be done about this case now: {hold}. End that first.")


def _insist_owed(case: PaymentFailure, *, at: datetime, is_final: bool) -> None:
    """Asks Stripe (or the stored events), outside of any transaction."""
    _insist_unsettled(case)
    verdict = Checkpoint(at).look_at(case, is_final=is_final)
    _insist(verdict is Verdict.OWED, REFUSAL_OF_VERDICT.get(verdict, ""))


def stop(case: PaymentFailure, *, by: Actor, at: datetime, reason: str) -> None:
    """Ends the case without money. Its suspension ends too, unless another unpaid invoice led to one as well."""
    with _locked(case) as fresh:
        _insist_unsettled(fresh)
        recovered = brought_in(fresh, fresh.paid_cents)
        fresh.close(CloseReason.STOPPED, by=by, at=at, reason=reason, recovered_cents=recovered)
        cancel_pending_dunning_events(fresh, at=at, by=by)
        restore_standing(fresh.account, by=by, at=at, note=reason)


def note(case: PaymentFailure, *, by: Actor, at: datetime, text: str) -> None:
    """Something that colleagues should know of the case, whatever its state."""
    with _locked(case) as fresh:
        record("noted", fresh, by=by, at=at, reason=text)


def add_address(account: Account, email: str, *, by: Actor, at: datetime, reason: str) -> None:
    """One more address for this customer's billing mail; the next mail goes to the first that works."""
    with transaction.atomic():
        fresh = Account.objects.locked(account.pk)
        known = {address.lower() for address in fresh.billing_addresses()}
        _insist(email.lower() not in known, "The account has this address already.")
        contact = fresh.contacts.create(email=email, position=fresh.contacts.count())
        record("contact.added", fresh, by=by, at=at, reason=reason, changes={"contact": contact.pk})


def exempt(account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    """No reminder and no suspension for any invoice of the account until the exemption is ended."""
    _set_exemption(account, True, by=by, at=at, reason=reason)


def end_exemption(account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    _set_exemption(account, False, by=by, at=at, reason=reason)


def _set_exemption(account: Account, is_exempt: bool, *, by: Actor, at: datetime, reason: str) -> None:
    with transaction.atomic():
        stored = Account.objects.filter(pk=account.pk, is_exempt_from_dunning=not is_exempt)
        changed = stored.update(is_exempt_from_dunning=is_exempt, exemption_reason=reason[:300] if is_exempt else "")
        _insist(changed, "The account is exempt already." if is_exempt else "The account is not exempt.")
        record("exempted" if is_exempt else "exemption.ended", account, by=by, at=at, reason=reason)


def restore_account(account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    """Lifts the billing suspension although nothing was paid."""
    with transaction.atomic():
        fresh = Account.objects.locked(account.pk)
        _insist(is_suspended_for_debt(fresh), "The account is not suspended for an unpaid invoice.")
        restore_by_staff(fresh, by=by, at=at, reason=reason)


def clear_flag(case: PaymentFailure, *, by: Actor, at: datetime, reason: str) -> None:
    """A person has dealt with it: the case goes on by itself, a suspension that waited included."""
    with _locked(case) as fresh:
        _insist(fresh.flag, "Nothing is flagged here any more.")
        _update(fresh, flag="", flagged_at=None, suspend_at=suspension_after_decision(fresh, at=at) or fresh.suspend_at)
        record("flag.cleared", fresh, by=by, at=at, reason=reason, changes={"flag": [fresh.flag, ""]})


def suspend_now(case: PaymentFailure, *, by: Actor, at: datetime, reason: str, seen: int | None = None) -> None:
    """Suspends the account of a flagged case whose steps are all done: what no machine may decide."""
    _insist_may_act(case)
    _insist_may_be_suspended(case, at=at)
    _insist_owed(case, at=at, is_final=True)
    with _locked(case, seen=seen) as fresh:
        _insist_may_be_suspended(fresh, at=at)
        _insist_may_go_on(fresh, at=at)
        suspend_by_staff(fresh, by=by, at=at, reason=reason)


def _insist_may_be_suspended(case: PaymentFailure, *, at: datetime) -> None:
    _insist(case.status == FailureStatus.EXHAUSTED, "Only a case whose steps are all done may lead to a suspension.")
    _insist(case.flag, "This case is not flagged: it suspends by itself when its hour comes.")
    _insist(case.suspended_at is None, "The account was suspended for this invoice before.")
    _insist(not case.is_paused(at=at), "This case is paused; resume it first.")
