"""Mails outside the ladder: "please act now" where waiting cannot help, and the next contact where a mail bounced.

They are rows that say since when they are wanted; each pass takes them up, asks Stripe as before any reminder, and writes
and delivers them with a key of their own. They never move, hasten or count as a step.

Who gets the reminders, the customer chooses behind the signed link in our mails; the final notice stays where it is.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from billing import emails
from billing.failures import flag_case
from billing.holds import Wish, is_within_window, leaves_at, reason_to_wait
from billing.live_check import Checkpoint, Verdict
from billing.models import (
    DunningEmail,
    DunningStep,
    FailureStatus,
    Flag,
    PaymentFailure,
    ReminderPreference,
    StepStatus,
)
from billing.steps import ACTION_REQUIRED, SEND_TASK
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.lib.actors import CUSTOMER
from levqor.lib.nudge import nudge
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import deliver

# A notice so short before a step would say the same twice.
DISTANCE = timedelta(hours=20)


def want_replacements(mail: OutgoingMail, *, at: datetime) -> None:
    """A reminder did not arrive: its cases are flagged, so that none suspends by itself, and go to another contact."""
    told = DunningEmail.objects.filter(mail=mail, step__isnull=False).select_related("failure")
    for row in told:
        if not row.failure.is_unsettled:
            continue
        flag_case(row.failure, Flag.BOUNCED, at=at)
        DunningEmail.objects.get_or_create(
            instead_of=row,
            defaults={
                "failure": row.failure,
                "user": row.user,
                "step": row.step,
                "email_type": row.email_type,
                "wanted_at": at,
            },
        )
        nudge(SEND_TASK)


def wanted_mails(checkpoint: Checkpoint) -> Iterator[DunningEmail]:
    """What is wanted now. A dry run sends nothing and has nothing to count: these are no steps."""
    if checkpoint.dry_run or not settings.DUNNING_ENABLED:
        return
    wanted = DunningEmail.objects.wanted(at=checkpoint.at).order_by("wanted_at", "pk")
    yield from list(wanted.select_related("failure__account", "step", "mail", "instead_of__mail"))


def send_wanted_mail(row: DunningEmail, checkpoint: Checkpoint) -> None:
    """Takes up one of them: sends it, drops it where it became pointless, or leaves it to a later pass."""
    at, account = checkpoint.at, row.failure.account
    if row.mail and not row.failure.is_unsettled:
        _call_off(row, row.mail, at=at)
        return
    is_open = is_within_window(account, at=at)
    if row.mail is None and (is_open or not row.failure.is_unsettled) and _is_pointless(row, at=at):
        DunningEmail.objects.filter(pk=row.pk, mail=None).update(wanted_at=None)
        return
    if reason_to_wait(account, row.failure, Wish.MAIL, at=at):
        return
    if checkpoint.look_at(row.failure, is_final=False) is not Verdict.OWED:
        return
    mail = _write(row, at=at)
    if mail is None:
        return
    outcome = deliver(mail, at=at, taken_at=checkpoint.clock.now())
    if outcome in {MailStatus.PENDING, MailStatus.SENDING}:
        return
    mail.refresh_from_db()
    DunningEmail.objects.filter(mail=mail).update(wanted_at=None, sent_at=mail.sent_at)
    if outcome in {MailStatus.FAILED, MailStatus.UNKNOWN}:
        flag_case(row.failure, Flag.NOT_SENT if outcome == MailStatus.FAILED else Flag.UNKNOWN_SEND, at=at)


def _call_off(row: DunningEmail, mail: OutgoingMail, *, at: datetime) -> None:
    """The case ended after an attempt that had no certain answer: there is no other one, unless another case wants it."""
    rows = DunningEmail.objects.filter(mail=mail, wanted_at__isnull=False)
    if any(other.failure.is_unsettled for other in rows.select_related("failure")):
        DunningEmail.objects.filter(pk=row.pk).update(wanted_at=None)
    elif mail.call_off(at=at) not in {MailStatus.PENDING, MailStatus.SENDING}:
        rows.update(wanted_at=None, sent_at=mail.sent_at)


def _is_pointless(row: DunningEmail, *, at: datetime) -> bool:
    """A replacement without another address, or a notice that the first step says, or is about to say, by itself."""
    if not row.failure.is_unsettled:
        return True
    if row.email_type != ACTION_REQUIRED:
        return not _address(row)
    steps = DunningStep.objects.filter(failure=row.failure).exclude(status=StepStatus.SKIPPED)
    first = steps.order_by("attempt_number").first()
    return first is not None and leaves_at(row.failure.account, first.scheduled_for) < at + DISTANCE


def _address(row: DunningEmail) -> str:
    """Where the mail goes: never to the address that bounced just now."""
    tried = row.instead_of.mail.to_email.lower() if row.instead_of and row.instead_of.mail else ""
    address = emails.working_address(row.failure.account, is_final=bool(row.step and row.step.is_final), without=tried)
    return "" if address.lower() == tried else address


def _write(row: DunningEmail, *, at: datetime) -> OutgoingMail | None:
    """The mail, written once under the account's lock; several cases of one bounced mail share their replacement."""
    with transaction.atomic():
        account = Account.objects.locked(row.failure.account_id)
        row = DunningEmail.objects.select_related("mail", "instead_of__mail", "step__failure__account").get(pk=row.pk)
        case = PaymentFailure.objects.select_related("account").get(pk=row.failure_id)
        if row.wanted_at is None or not case.is_unsettled or reason_to_wait(account, case, Wish.MAIL, at=at):
            return None
        if row.mail and row.mail.first_attempt_at and not emails.lists_settled(row.mail, account):
            return row.mail
        together = _together(row)
        mail = _letter(row, case, together, at=at)
        if mail:
            DunningEmail.objects.filter(pk__in=[other.pk for other in together]).update(mail=mail)
    return mail


def _letter(
    row: DunningEmail, case: PaymentFailure, together: list[DunningEmail], *, at: datetime
) -> OutgoingMail | None:
    """The mail as it reads now; None where no address is left for it."""
    address = _address(row)
    if not address:
        return None
    if row.email_type == ACTION_REQUIRED:
        return row.mail if row.mail and row.mail.first_attempt_at else emails.action_required(case, to=address, at=at)
    steps = [other.step for other in together if other.step]
    return emails.reminder(steps, at=at, to=address, key=f"{row.instead_of_id}:after-bounce", known=row.mail)


def _together(row: DunningEmail) -> list[DunningEmail]:
    if row.instead_of is None or row.instead_of.mail_id is None:
        return [row]
    others = DunningEmail.objects.filter(instead_of__mail_id=row.instead_of.mail_id, wanted_at__isnull=False)
    same = others.filter(mail=row.mail, failure__status__in=[FailureStatus.OPEN, FailureStatus.EXHAUSTED])
    return list(same.select_related("step__failure__account").order_by("pk"))


def chosen_address(account: Account) -> str:
    """Where reminders go by the customer's choice; the billing address where nobody chose."""
    chosen = ReminderPreference.objects.filter(account=account).values_list("email", flat=True).first()
    return chosen or (account.billing_addresses() or [""])[0]


def choose(account: Account, email: str, *, at: datetime) -> bool:
    """Sends the account's reminders there from now on; False where they went there already.

    The billing address is told, so that whoever was forwarded a mail cannot take the reminders away unseen.
    """
    with transaction.atomic():
        Account.objects.locked(account.pk)
        if email.lower() == chosen_address(account).lower():
            return False
        first = (account.billing_addresses() or [""])[0]
        if email.lower() == first.lower():
            ReminderPreference.objects.filter(account=account).delete()
        else:
            ReminderPreference.objects.update_or_create(account=account, defaults={"email": email, "changed_at": at})
        record("reminders.redirected", account, by=CUSTOMER, at=at)
        if first:
            emails.reminders_changed(account, to=first, chosen=email, at=at)
    return True
