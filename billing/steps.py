"""The steps of a case: created when it opens, sorted by what may leave when a pass comes, cancelled when it ends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from billing.holds import Hold, is_too_soon, is_within_window, reason_to_wait_at_all
from billing.models import DunningEmail, DunningStep, PaymentFailure, StepStatus
from billing.stripe_objects import HARD_DECLINES
from levqor.accounts.models import Account
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.nudge import nudge
from levqor.lib.states import StaleStateError, move
from levqor.mail.models import MailStatus, OutgoingMail

ACTION_REQUIRED = "action_required"
SEND_TASK = "billing.send_due_steps"
PLANNED = [StepStatus.PENDING, StepStatus.SENDING]


def create_dunning_events(failure: PaymentFailure) -> list[DunningStep]:
    """Plans the steps of the case's policy version, in 24-hour days from the first failure; once per case."""
    addresses = failure.account.billing_addresses()
    DunningStep.objects.bulk_create(
        (
            DunningStep(
                failure=failure,
                stripe_customer_id=failure.account.stripe_customer_id or "",
                stripe_subscription_id=failure.subscription_id,
                invoice_id=failure.invoice_id,
                email=addresses[0] if addresses else "",
                plan=failure.plan_name,
                attempt_number=position,
                offset_days=step.offset_days,
                template=step.template,
                action=step.action,
                scheduled_for=failure.failure_date + timedelta(days=step.offset_days),
            )
            for position, step in enumerate(failure.policy.ordered_steps(), start=1)
        ),
        ignore_conflicts=True,
    )
    note_next_step(failure.pk)
    return list(failure.steps.order_by("attempt_number"))


def move_step(step: DunningStep, to: StepStatus, *, by: Actor, at: datetime, reason: str = "", **changes: Any) -> None:
    """Moves a step as `move` does, and lets its case know what comes next. The caller holds the account's lock."""
    move(step, to, by=by, at=at, reason=reason, **changes)
    note_next_step(step.failure_id)


def note_next_step(case: int) -> None:
    """Writes down when the case's first unsent step is due, by which the queue is filtered and ordered."""
    planned = DunningStep.objects.filter(failure=OuterRef("pk"), status__in=PLANNED).order_by("attempt_number")
    moment = Subquery(planned.values("scheduled_for")[:1])
    PaymentFailure.objects.filter(pk=case).update(next_step_at=moment)


def cancel_pending_dunning_events(failure: PaymentFailure, *, at: datetime, by: Actor = SYSTEM) -> int:
    """Cancels what was not yet handed to the mail provider and returns how many steps that were.

    A step in the middle of being sent is cancelled with its mail where the mail was never attempted; where it was, the
    send ends as it ends, because nobody can call a mail back.
    """
    drop_wanted_mails(failure)
    cancelled = 0
    for step in failure.steps.filter(status__in=PLANNED):
        if step.status == StepStatus.SENDING and not _is_free_to_cancel(step):
            continue
        try:
            move_step(step, StepStatus.CANCELLED, by=by, at=at)
        except StaleStateError:
            continue
        cancelled += 1
    return cancelled


def cancel_step_in_hand(step: DunningStep, *, at: datetime) -> int:
    """Cancels a step that this pass has just taken and whose case ended; 0 where its mail may have left, which another
    pass finds out."""
    if not _is_free_to_cancel(step):
        DunningStep.objects.filter(pk=step.pk, status=StepStatus.SENDING).update(lease_until=at)
        return 0
    move_step(step, StepStatus.CANCELLED, by=SYSTEM, at=at, lease_until=None)
    return 1


def _is_free_to_cancel(step: DunningStep) -> bool:
    """True where the step's mail is of this case alone and was never attempted; the mail is cancelled with it."""
    if step.mail_id is None:
        return True
    if DunningStep.objects.filter(mail_id=step.mail_id).exclude(failure_id=step.failure_id).exists():
        return False
    return OutgoingMail.objects.filter(pk=step.mail_id).cancel_unattempted() == 1


def want_action_notice(failure: PaymentFailure) -> None:
    """Where the bank waits for the customer, or the card is dead, the customer is told now: waiting cannot help.

    One mail a case, by the next pass in the customer's day; the steps keep their dates.
    """
    if failure.needs_authentication or failure.decline_code in HARD_DECLINES:
        DunningEmail.objects.get_or_create(
            failure=failure,
            email_type=ACTION_REQUIRED,
            defaults={"user": failure.user, "wanted_at": failure.failure_date},
        )
        nudge(SEND_TASK)


def drop_wanted_mails(failure: PaymentFailure) -> None:
    """What was to leave outside the ladder is not wanted any more. What was handed over already ends as it ends."""
    wanted = DunningEmail.objects.filter(failure=failure, wanted_at__isnull=False)
    OutgoingMail.objects.filter(pk__in=wanted.values("mail")).cancel_unattempted()
    wanted.filter(Q(mail=None) | Q(mail__status=MailStatus.CANCELLED)).update(wanted_at=None)


def reschedule_pending_steps(failure: PaymentFailure, failed_at: datetime) -> None:
    """Counts the unsent steps from an earlier first failure, which was only heard of later."""
    for step in failure.steps.filter(status=StepStatus.PENDING):
        due = failed_at + timedelta(days=step.offset_days)
        DunningStep.objects.filter(pk=step.pk, status=StepStatus.PENDING).update(scheduled_for=due)
    note_next_step(failure.pk)


@dataclass
class Plan:
    """For one customer: the steps that may go out now, and those that wait with their reason."""

    ready: list[DunningStep] = field(default_factory=list)
    held: list[tuple[DunningStep, Hold]] = field(default_factory=list)


def plan_steps(account: Account, due: list[DunningStep], last: datetime | None, *, at: datetime) -> Plan:
    """Sorts one customer's due steps by all rules that need nobody to be asked. Of each case only the earliest goes.

    The rules are those of `holds.reason_to_wait`; the customer's hour and last mail are looked at once for all steps.
    """
    plan = Plan()
    seen: set[int] = set()
    general = None if is_within_window(account, at=at) else Hold.WINDOW
    general = general or (Hold.SPACING if is_too_soon(last, at=at) else None)
    for step in sorted(due, key=lambda step: (step.failure_id, step.attempt_number)):
        if step.failure_id in seen:
            plan.held.append((step, Hold.EARLIER_STEP))
            continue
        seen.add(step.failure_id)
        hold = reason_to_wait_at_all(account, step.failure, at=at) or general
        if hold and not has_left(step):
            plan.held.append((step, hold))
        else:
            plan.ready.append(step)
    return plan


def has_left(step: DunningStep) -> bool:
    """True for a send whose mail is over and whose record a crash prevented: it is recorded, whatever holds others."""
    if step.status != StepStatus.SENDING or step.mail is None:
        return False
    return step.mail.status not in {MailStatus.PENDING, MailStatus.SENDING}
