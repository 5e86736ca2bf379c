"""The steps of a case: planned when it opens, cancelled when it ends."""

from datetime import datetime, timedelta

from billing.models import DunningStep, PaymentFailure, StepStatus
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.states import StaleStateError, move
from levqor.mail.models import OutgoingMail


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
    return list(failure.steps.order_by("attempt_number"))


def cancel_pending_dunning_events(failure: PaymentFailure, *, at: datetime, by: Actor = SYSTEM) -> int:
    """Cancels what was not yet handed to the mail provider and returns how many steps that were.

    A step in the middle of being sent is cancelled with its mail where the mail was never attempted; where it was, the
    send ends as it ends, because nobody can call a mail back.
    """
    cancelled = 0
    for step in failure.steps.filter(status__in=[StepStatus.PENDING, StepStatus.SENDING]):
        if step.status == StepStatus.SENDING and not _is_free_to_cancel(step):
            continue
        try:
            move(step, StepStatus.CANCELLED, by=by, at=at)
        except StaleStateError:
            continue
        cancelled += 1
    return cancelled


def _is_free_to_cancel(step: DunningStep) -> bool:
    """True where the step's mail is of this case alone and was never attempted; the mail is cancelled with it."""
    if step.mail_id is None:
        return True
    if DunningStep.objects.filter(mail_id=step.mail_id).exclude(failure_id=step.failure_id).exists():
        return False
    return OutgoingMail.objects.filter(pk=step.mail_id).cancel_unattempted() == 1


def reschedule_pending_steps(failure: PaymentFailure, failed_at: datetime) -> None:
    """Counts the unsent steps from an earlier first failure, which was only heard of later."""
    for step in failure.steps.filter(status=StepStatus.PENDING):
        due = failed_at + timedelta(days=step.offset_days)
        DunningStep.objects.filter(pk=step.pk, status=StepStatus.PENDING).update(scheduled_for=due)
