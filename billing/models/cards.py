"""A new card on an old debt: one attempt for each failing invoice and card, never a second one."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.failure import PaymentFailure

LEASE = timedelta(seconds=120)
# Stripe forgets an idempotency key after 24 hours; an hour is kept as distance from that edge.
KEY_LIFETIME = timedelta(hours=23)


class CardAttemptStatus(models.TextChoices):
    PENDING = "pending", "To be tried"
    CHARGING = "charging", "Being tried"
    PAID = "paid", "Paid"
    SUBMITTED = "submitted", "With the bank, which has not answered yet"
    DECLINED = "declined", "Declined"
    CANCELLED = "cancelled", "Not needed"
    UNKNOWN = "unknown", "Unknown whether it was charged"


class NewCardAttemptQuerySet(models.QuerySet["NewCardAttempt"]):
    def due(self, *, at: datetime) -> "NewCardAttemptQuerySet":
        """What may be tried now: not while its case is paused or its account exempt, except where a crash cut it short."""
        waiting = Q(status=CardAttemptStatus.PENDING, next_attempt_at__lte=at)
        abandoned = Q(status=CardAttemptStatus.CHARGING, lease_until__lt=at)
        is_free = Q(failure__paused_at=None) | Q(failure__paused_until__lte=at)
        untouched = is_free & Q(failure__account__is_exempt_from_dunning=False)
        return self.filter((waiting & untouched) | abandoned).order_by("next_attempt_at", "pk")


class NewCardAttempt(models.Model):
    """One invoice of a case, to be charged to one card that the customer gave after it had failed."""

    Status = CardAttemptStatus
    TRANSITIONS = {
        CardAttemptStatus.PENDING: {CardAttemptStatus.CHARGING, CardAttemptStatus.CANCELLED},
        CardAttemptStatus.CHARGING: {
            CardAttemptStatus.PENDING,
            CardAttemptStatus.PAID,
            CardAttemptStatus.SUBMITTED,
            CardAttemptStatus.DECLINED,
            CardAttemptStatus.CANCELLED,
            CardAttemptStatus.UNKNOWN,
        },
        CardAttemptStatus.PAID: set[str](),
        CardAttemptStatus.SUBMITTED: set[str](),
        CardAttemptStatus.DECLINED: set[str](),
        CardAttemptStatus.CANCELLED: set[str](),
        CardAttemptStatus.UNKNOWN: set[str](),
    }

    failure = models.ForeignKey(PaymentFailure, on_delete=models.CASCADE, related_name="card_attempts")
    payment_method_id = models.CharField(max_length=255)
    card = models.CharField(max_length=60, blank=True, help_text="The card as people know it.")
    status = models.CharField(max_length=16, choices=CardAttemptStatus, default=CardAttemptStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe was first asked to charge the card.")
    decline_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = NewCardAttemptQuerySet.as_manager()

    class Meta:
        db_table = "billing_new_card_attempts"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["failure", "payment_method_id"], name="card_once_per_case"),
            models.CheckConstraint(condition=Q(status__in=CardAttemptStatus.values), name="card_status_known"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(status__in=["pending", "charging"]), name="card_attempt_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card or self.payment_method_id} for {self.failure}"

    @property
    def key(self) -> str:
        """What makes the charge one at Stripe, however often it is asked for."""
        return f"levqor-card-attempt-{self.pk}"

    def take_over(self, *, at: datetime) -> bool:
        """Takes up an attempt that a process left half-way; False where another one did so first."""
        abandoned = NewCardAttempt.objects.filter(
            pk=self.pk, status=CardAttemptStatus.CHARGING, attempts=self.attempts, lease_until__lt=at
        )
        taken = abandoned.update(lease_until=at + LEASE, attempts=F("attempts") + 1)
        self.attempts += taken
        return bool(taken)
