"""A failed payment as a case: one per invoice, from the first failure to the money or the end."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.policy import DunningPolicy, StepAction, StepTemplate
from levqor.accounts.models import Account
from levqor.lib.actors import Actor
from levqor.lib.money import format_money
from levqor.lib.states import move
from levqor.mail.models import OutgoingMail


class FailureStatus(models.TextChoices):
    OPEN = "open", "Open"
    RECOVERED = "recovered", "Recovered"
    EXHAUSTED = "exhausted", "All steps done"
    CLOSED = "closed", "Closed"


class CloseReason(models.TextChoices):
    VOIDED = "voided", "Invoice voided"
    FORGIVEN = "forgiven", "Debt forgiven"
    SUBSCRIPTION_ENDED = "subscription_ended", "Subscription ended"
    CUSTOMER_DELETED = "customer_deleted", "Customer deleted at Stripe"
    STOPPED = "stopped", "Stopped by staff"


class Flag(models.TextChoices):
    """Why a person has to look at the case."""

    BOUNCED = "bounced", "Mail bounced"
    NOT_SENT = "not_sent", "Mail not sent"
    UNKNOWN_SEND = "unknown_send", "Unknown whether a mail was sent"
    UNKNOWN_INVOICE = "unknown_invoice", "Stripe does not know the invoice"
    NO_ADDRESS = "no_address", "No address to write to"
    ODD_STATE = "odd_state", "Unexpected state at Stripe"


class PaymentFailureQuerySet(models.QuerySet["PaymentFailure"]):
    def unsettled(self) -> "PaymentFailureQuerySet":
        """Cases whose invoice is still owed: open ones and those whose steps are all done."""
        return self.filter(status__in=[FailureStatus.OPEN, FailureStatus.EXHAUSTED])

    def suspension_due(self, *, at: datetime) -> "PaymentFailureQuerySet":
        return self.unsettled().filter(suspend_at__lte=at, suspended_at=None, flag="")


class PaymentFailure(models.Model):
    """One invoice that could not be collected. The ids with a Stripe prefix in their value are Stripe's."""

    Status = FailureStatus
    TRANSITIONS = {
        FailureStatus.OPEN: {FailureStatus.RECOVERED, FailureStatus.EXHAUSTED, FailureStatus.CLOSED},
        FailureStatus.EXHAUSTED: {FailureStatus.RECOVERED, FailureStatus.CLOSED},
        # An uncollectible or given-up invoice may still be paid one day.
        FailureStatus.CLOSED: {FailureStatus.RECOVERED},
        FailureStatus.RECOVERED: set[str](),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payment_failures")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    policy = models.ForeignKey(DunningPolicy, on_delete=models.PROTECT)
    livemode = models.BooleanField()
    invoice_id = models.CharField(max_length=255)
    subscription_id = models.CharField(max_length=255, blank=True)
    invoice_number = models.CharField(max_length=100, blank=True)
    plan_name = models.CharField(max_length=120, blank=True)
    amount_cents = models.BigIntegerField(help_text="What is still owed, in the currency's smallest unit.")
    currency = models.CharField(max_length=3)
    billing_reason = models.CharField(max_length=40, blank=True)
    failure_date = models.DateTimeField(help_text="The first failure; all steps count from here.")
    attempt_count = models.PositiveIntegerField(default=0)
    next_payment_attempt = models.DateTimeField(null=True, blank=True)
    decline_code = models.CharField(max_length=60, blank=True)
    needs_authentication = models.BooleanField(
        default=False, help_text="The bank asks the customer to confirm (3-D Secure)."
    )

    status = models.CharField(max_length=16, choices=FailureStatus, default=FailureStatus.OPEN)
    close_reason = models.CharField(max_length=32, choices=CloseReason, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Empty while paused: until a person resumes.")
    hold_reason = models.CharField(max_length=40, blank=True, help_text="Why the last pass held a due step.")
    flag = models.CharField(max_length=32, choices=Flag, blank=True)
    flagged_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the invoice was last read from Stripe.")
    suspend_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    recovered_cents = models.BigIntegerField(default=0)
    recovered_out_of_band = models.BooleanField(default=False)
    recovered_after_step = models.PositiveSmallIntegerField(null=True, blank=True)
    recovery_reversed_at = models.DateTimeField(null=True, blank=True, help_text="A later dispute took the money back.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = PaymentFailureQuerySet.as_manager()

    class Meta:
        db_table = "payment_failures"
        verbose_name = "failed payment"
        permissions = [("steer_dunning", "May pause, resend, stop, exempt and restore")]
        constraints = [
            models.UniqueConstraint(fields=["invoice_id", "livemode"], name="failure_once_per_invoice"),
            models.CheckConstraint(condition=Q(status__in=FailureStatus.values), name="failure_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=["recovered", "closed"], resolved_at__isnull=False)
                | Q(status__in=["open", "exhausted"], resolved_at__isnull=True),
                name="failure_resolved_has_its_time",
            ),
        ]
        indexes = [
            # The queue, oldest first, and everything one account owes.
            models.Index(fields=["status", "failure_date"], name="failure_queue"),
            models.Index(fields=["account", "status"], name="failure_of_account"),
            models.Index(fields=["subscription_id"], name="failure_of_subscription"),
            # Suspensions that wait for their hour.
            models.Index(fields=["suspend_at"], condition=Q(suspended_at__isnull=True), name="failure_suspend_due"),
        ]

    def __str__(self) -> str:
        return self.invoice_number or self.invoice_id

    @property
    def is_unsettled(self) -> bool:
        return self.status in {FailureStatus.OPEN, FailureStatus.EXHAUSTED}

    @property
    def amount(self) -> str:
        """The amount owed as people write it, in the customer's currency."""
        return format_money(self.amount_cents, self.currency)

    def is_paused(self, *, at: datetime) -> bool:
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > at)

    def recover(self, *, by: Actor, at: datetime, **changes: Any) -> None:
        move(self, FailureStatus.RECOVERED, by=by, at=at, resolved_at=at, close_reason="", hold_reason="", **changes)

    def close(self, why: CloseReason, *, by: Actor, at: datetime, reason: str = "") -> None:
        move(self, FailureStatus.CLOSED, by=by, at=at, reason=reason, resolved_at=at, close_reason=why, hold_reason="")

    def exhaust(self, *, by: Actor, at: datetime, suspend_at: datetime | None) -> None:
        move(self, FailureStatus.EXHAUSTED, by=by, at=at, suspend_at=suspend_at)


class StepStatus(models.TextChoices):
    PENDING = "pending", "Planned"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown whether it was sent"


class DunningStepQuerySet(models.QuerySet["DunningStep"]):
    def due(self, *, at: datetime) -> "DunningStepQuerySet":
        """Steps whose time has come on cases that are still open, and sends that a crash or a fault left half-way."""
        planned = Q(status=StepStatus.PENDING)
        abandoned = Q(status=StepStatus.SENDING, lease_until__lt=at)
        return self.filter(planned | abandoned, scheduled_for__lte=at, failure__status=FailureStatus.OPEN)


class DunningStep(models.Model):
    """One step of one case. `scheduled_for` is computed once and never moves."""

    Status = StepStatus
    TRANSITIONS = {
        StepStatus.PENDING: {StepStatus.SENDING, StepStatus.CANCELLED, StepStatus.SKIPPED},
        StepStatus.SENDING: {
            StepStatus.PENDING,
            StepStatus.SENT,
            StepStatus.FAILED,
            StepStatus.UNKNOWN,
            StepStatus.CANCELLED,
        },
        StepStatus.SENT: set[str](),
        StepStatus.CANCELLED: set[str](),
        StepStatus.SKIPPED: set[str](),
        StepStatus.FAILED: set[str](),
        StepStatus.UNKNOWN: set[str](),
    }

    failure = models.ForeignKey(PaymentFailure, on_delete=models.CASCADE, related_name="steps")
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    stripe_subscription_id = models.CharField(max_length=255, blank=True)
    invoice_id = models.CharField(max_length=255)
    email = models.CharField(max_length=320, blank=True)
    plan = models.CharField(max_length=120, blank=True)
    attempt_number = models.PositiveSmallIntegerField()
    offset_days = models.PositiveSmallIntegerField()
    template = models.CharField(max_length=32, choices=StepTemplate)
    action = models.CharField(max_length=16, choices=StepAction)
    scheduled_for = models.DateTimeField()
    status = models.CharField(max_length=16, choices=StepStatus, default=StepStatus.PENDING)
    sent_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    mail = models.ForeignKey(
        OutgoingMail, null=True, blank=True, on_delete=models.SET_NULL, related_name="dunning_steps"
    )

    objects = DunningStepQuerySet.as_manager()

    class Meta:
        db_table = "billing_dunning_events"
        ordering = ["failure_id", "attempt_number"]
        constraints = [
            models.UniqueConstraint(fields=["failure", "attempt_number"], name="step_once_per_case"),
            models.CheckConstraint(condition=Q(status__in=StepStatus.values), name="step_status_known"),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="step_sent_has_its_time"
            ),
        ]
        indexes = [
            # The pass: what is due, without reading the thousands that are not.
            models.Index(fields=["scheduled_for"], condition=Q(status__in=["pending", "sending"]), name="step_due"),
        ]

    def __str__(self) -> str:
        return f"{self.failure} day {self.offset_days}"

    @property
    def suspends(self) -> bool:
        return self.action == StepAction.SUSPEND


class DunningEmail(models.Model):
    """A mail of a case, one row for each case that it speaks of; the mail itself is in the outbox."""

    failure = models.ForeignKey(PaymentFailure, on_delete=models.CASCADE, related_name="emails")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    step = models.ForeignKey(DunningStep, null=True, blank=True, on_delete=models.SET_NULL, related_name="emails")
    mail = models.ForeignKey(OutgoingMail, null=True, on_delete=models.SET_NULL, related_name="dunning_emails")
    email_type = models.CharField(max_length=32)
    sent_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "dunning_emails"
        constraints = [models.UniqueConstraint(fields=["failure", "mail"], name="dunning_email_once")]

    def __str__(self) -> str:
        return f"{self.email_type} for {self.failure}"
