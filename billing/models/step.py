"""The steps of a case and the mails that it led to."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.failure import FailureStatus, PaymentFailure
from billing.models.policy import StepAction, StepTemplate
from levqor.mail.models import OutgoingMail


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

    def left_over(self, *, at: datetime) -> "DunningStepQuerySet":
        """Sends that were cut short and whose case has ended since, but for a mail that another case still wants."""
        cut_short = self.filter(status=StepStatus.SENDING, lease_until__lt=at)
        wanted = DunningStep.objects.filter(
            status=StepStatus.SENDING, mail=models.OuterRef("mail"), failure__status=FailureStatus.OPEN
        )
        return cut_short.exclude(failure__status=FailureStatus.OPEN).exclude(models.Exists(wanted))


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
            # The pass: what is due, without reading the thousands that are not. Whole, since SQLite recognises no
            # condition on a status that comes as a parameter.
            models.Index(fields=["status", "scheduled_for"], name="step_due"),
        ]

    def __str__(self) -> str:
        return f"{self.failure} day {self.offset_days}"

    @property
    def suspends(self) -> bool:
        return self.action == StepAction.SUSPEND

    @property
    def is_final(self) -> bool:
        """True for the last notice, which goes to the billing address whoever gets the reminders."""
        return self.suspends or self.template == StepTemplate.FINAL_NOTICE


class DunningEmailQuerySet(models.QuerySet["DunningEmail"]):
    def wanted(self, *, at: datetime) -> "DunningEmailQuerySet":
        """Mails outside the ladder that are yet to leave."""
        return self.filter(wanted_at__lte=at)


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
    wanted_at = models.DateTimeField(
        null=True, blank=True, help_text="Set while a mail outside the ladder is to leave."
    )
    instead_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replacement"
    )

    objects = DunningEmailQuerySet.as_manager()

    class Meta:
        db_table = "dunning_emails"
        constraints = [
            models.UniqueConstraint(fields=["failure", "mail"], name="dunning_email_once"),
            models.UniqueConstraint(
                fields=["failure"], condition=Q(email_type="action_required"), name="action_required_once_per_case"
            ),
        ]
        indexes = [
            # The pass: mails outside the ladder that are yet to leave.
            models.Index(fields=["wanted_at"], condition=Q(wanted_at__isnull=False), name="dunning_email_wanted"),
        ]

    def __str__(self) -> str:
        return f"{self.email_type} for {self.failure}"
