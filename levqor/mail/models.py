"""Every mail that leaves: rendered once, frozen in a row, delivered from there."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

LEASE = timedelta(seconds=60)
# Resend forgets an idempotency key after 24 hours; an hour is kept as distance from that edge.
RETRY_WINDOW = timedelta(hours=23)


class MailStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Refused"
    UNKNOWN = "unknown", "Unknown whether it was sent"
    CANCELLED = "cancelled", "Cancelled"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def due(self, *, at: datetime) -> "OutgoingMailQuerySet":
        """What the mail drain may take up now; mails that a flow drives itself are never among them."""
        waiting = Q(status=MailStatus.PENDING, next_attempt_at__lte=at)
        abandoned = Q(status=MailStatus.SENDING, lease_until__lt=at)
        return self.filter(waiting | abandoned, is_driven_by_flow=False).order_by("next_attempt_at", "created_at")

    def cancel_unattempted(self) -> int:
        """Cancels what was never handed to the provider; the rest may have arrived and stays as it is."""
        return self.filter(status=MailStatus.PENDING, first_attempt_at=None).update(status=MailStatus.CANCELLED)


class OutgoingMail(models.Model):
    """One mail to one person. Subject, text and HTML are frozen, so that every retry is the same bytes."""

    Status = MailStatus

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=200, unique=True, help_text="What makes this mail one: a second one is refused.")
    name = models.CharField(max_length=80, help_text="The templates it was rendered from.")
    about = models.CharField(max_length=100, blank=True, help_text="The row it is about, as label:id.")
    account_id = models.BigIntegerField(null=True, blank=True)
    to_email = models.EmailField(max_length=320)
    from_email = models.CharField(max_length=320)
    reply_to = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=200)
    text_body = models.TextField()
    html_body = models.TextField()
    is_secret = models.BooleanField(default=False, help_text="Holds a code or a link that signs in.")
    is_driven_by_flow = models.BooleanField(default=False)

    status = models.CharField(max_length=16, choices=MailStatus, default=MailStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=100, blank=True, db_index=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    request_id = models.CharField(max_length=128, blank=True)

    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    open_count = models.PositiveIntegerField(default=0)
    click_count = models.PositiveIntegerField(default=0)
    bounce_detail = models.CharField(max_length=500, blank=True)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        verbose_name = "mail"
        indexes = [
            # The drain: what is due next.
            models.Index(fields=["status", "next_attempt_at"], name="mail_due"),
            # The mails about one row, on its page.
            models.Index(fields=["about"], name="mail_about"),
            models.Index(fields=["created_at"], name="mail_created"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=MailStatus.values), name="mail_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="mail_sent_has_its_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.to_email}"

    @property
    def has_bounced(self) -> bool:
        return bool(self.bounced_at or self.complained_at)

    def claim(self, *, at: datetime) -> bool:
        """Takes the mail for one attempt; False where somebody else has it or it is over."""
        free = Q(status=MailStatus.PENDING) | Q(status=MailStatus.SENDING, lease_until__lt=at)
        first = self.first_attempt_at or at
        claimed = (
            OutgoingMail.objects.filter(free, pk=self.pk)
            .filter(attempts=self.attempts)
            .update(
                status=MailStatus.SENDING, lease_until=at + LEASE, first_attempt_at=first, attempts=F("attempts") + 1
            )
        )
        if claimed:
            self.refresh_from_db()
        return bool(claimed)

    def settle(self, status: MailStatus, **changes: object) -> bool:
        """Records how the attempt ended; False where its lease had run out and another attempt took over."""
        stored = OutgoingMail.objects.filter(pk=self.pk, status=MailStatus.SENDING, attempts=self.attempts)
        settled = stored.update(status=status, lease_until=None, **changes)
        self.refresh_from_db()
        return bool(settled)


class Suppression(models.Model):
    """An address that no mail reaches or may reach: it bounced for good, or its owner called our mail spam."""

    email = models.EmailField(max_length=320, unique=True)
    reason = models.CharField(max_length=16, choices=[("bounce", "Bounced"), ("complaint", "Called spam")])
    detail = models.CharField(max_length=500, blank=True)
    suppressed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.email} ({self.get_reason_display()})"


class TrackingEvent(models.Model):
    """One delivery event as the provider reported it; kept even where it came before our own row was committed."""

    event_id = models.CharField(max_length=200, unique=True)
    provider_id = models.CharField(max_length=100, db_index=True)
    kind = models.CharField(max_length=32)
    recipient = models.EmailField(max_length=320, blank=True)
    happened_at = models.DateTimeField()
    detail = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
