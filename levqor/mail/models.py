"""Every mail that leaves: rendered once, frozen in a row, delivered from there."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.html import escape

LEASE = timedelta(seconds=60)
# Resend forgets an idempotency key after 24 hours; an hour is kept as distance from that edge.
RETRY_WINDOW = timedelta(hours=23)
LINK_HIDDEN = "[the customer’s own link]"


class MailStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Refused"
    UNKNOWN = "unknown", "Unknown whether it was sent"
    CANCELLED = "cancelled", "Cancelled"


class BounceKind(models.TextChoices):
    """Why a mail did not arrive, as far as the provider's own words tell; unknown counts as a bounce."""

    PERMANENT = "permanent", "Refused for good"
    TRANSIENT = "transient", "Refused for now"
    BLOCKED = "blocked", "Blocked by the provider"
    UNKNOWN = "unknown", "Bounced, kind unknown"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def due(self, *, at: datetime) -> "OutgoingMailQuerySet":
        """What the mail drain may take up now; mails that a flow drives itself are never among them."""
        waiting = Q(status=MailStatus.PENDING, next_attempt_at__lte=at)
        abandoned = Q(status=MailStatus.SENDING, lease_until__lt=at)
        return self.filter(waiting | abandoned, is_driven_by_flow=False).order_by(
            # Ten thousand status mails must not stand before the one that somebody waits for.
            "is_bulk",
            # Somebody waits for a code before a screen, and it is worth nothing some minutes later.
            "-is_secret",
            "next_attempt_at",
            "created_at",
        )

    def cancel_unattempted(self) -> int:
        """Cancels what never reached the provider, or was surely refused; the rest may have arrived and stays as it is."""
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
    headers = models.JSONField(default=dict, blank=True, help_text="Further headers, such as List-Unsubscribe.")
    is_secret = models.BooleanField(default=False, help_text="Holds a code or a link that acts for its reader.")
    is_bulk = models.BooleanField(default=False, help_text="One of many: all other mail goes first.")
    acting_links = models.JSONField(
        default=list, blank=True, help_text="Links that act without a sign-in: hidden from staff, gone after delivery."
    )
    is_driven_by_flow = models.BooleanField(default=False)

    status = models.CharField(max_length=16, choices=MailStatus, default=MailStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    # The first attempt that may have handed it over: a sure refusal leaves it empty.
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
    last_opened_at = models.DateTimeField(null=True, blank=True)
    last_clicked_at = models.DateTimeField(null=True, blank=True)
    open_count = models.PositiveIntegerField(default=0)
    click_count = models.PositiveIntegerField(default=0)
    bounce_kind = models.CharField(max_length=16, choices=BounceKind, blank=True)
    bounce_detail = models.CharField(max_length=500, blank=True, help_text="The provider's own words.")

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        verbose_name = "mail"
        indexes = [
            # The drain: what is due next.
            models.Index(fields=["status", "next_attempt_at"], name="mail_due"),
            # The mails about one row, on its page.
            models.Index(fields=["about"], name="mail_about"),
            # The mail log, newest first: all of it, one status, one kind.
            models.Index(fields=["created_at", "id"], name="mail_created"),
            models.Index(fields=["status", "created_at", "id"], name="mail_of_status"),
            models.Index(fields=["name", "created_at", "id"], name="mail_of_kind"),
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

    def hide_links(self, text: str) -> str:
        """The text without the links that act for whoever has them."""
        for link in self.acting_links:
            text = text.replace(link, LINK_HIDDEN).replace(escape(link), LINK_HIDDEN)
        return text

    @property
    def text_for_staff(self) -> str:
        return self.hide_links(self.text_body)

    @property
    def html_for_staff(self) -> str:
        return self.hide_links(self.html_body)

    def claim(self, *, at: datetime, taken_at: datetime | None = None) -> bool:
        """Takes the mail for one attempt; False where somebody else has it or it is over.

        The lease runs from `taken_at`, which is later than `at` where a long pass keeps the time of its beginning.
        """
        free = Q(status=MailStatus.PENDING) | Q(status=MailStatus.SENDING, lease_until__lt=at)
        first = self.first_attempt_at or at
        claimed = (
            OutgoingMail.objects.filter(free, pk=self.pk)
            .filter(attempts=self.attempts)
            .update(
                status=MailStatus.SENDING,
                lease_until=(taken_at or at) + LEASE,
                first_attempt_at=first,
                attempts=F("attempts") + 1,
            )
        )
        if claimed:
            self.refresh_from_db()
        return bool(claimed)

    def call_off(self, *, at: datetime) -> MailStatus:
        """Nobody wants the mail any more: it is cancelled, or unknown where an attempt had no certain answer. An attempt
        that is under way ends by itself. Returns the status that it has then."""
        stored = OutgoingMail.objects.filter(pk=self.pk)
        stored.cancel_unattempted()
        unanswered = Q(status=MailStatus.PENDING) | Q(status=MailStatus.SENDING, lease_until__lt=at)
        why = "Not tried again, since nobody wants it any more; it may have arrived."
        stored.filter(unanswered).update(status=MailStatus.UNKNOWN, lease_until=None, error=why)
        self.refresh_from_db()
        return MailStatus(self.status)

    def settle(self, status: MailStatus, **changes: object) -> bool:
        """Records how the attempt ended; False where its lease had run out and another attempt took over."""
        stored = OutgoingMail.objects.filter(pk=self.pk, status=MailStatus.SENDING, attempts=self.attempts)
        if not stored.update(status=status, lease_until=None, **changes):
            self.refresh_from_db()
            return False
        for name, value in {"status": status, "lease_until": None, **changes}.items():
            setattr(self, name, value)
        return True


class StoredFile(models.Model):
    """The bytes of an attachment, once however many mails carry them. Never changed."""

    sha256 = models.CharField("SHA-256", primary_key=True, max_length=64)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.sha256


class MailAttachment(models.Model):
    """One file of one mail, frozen with it: every retry hands over the same bytes in the same order."""

    mail = models.ForeignKey(OutgoingMail, on_delete=models.CASCADE, related_name="attachments")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="attachments")
    position = models.PositiveSmallIntegerField()
    filename = models.CharField(max_length=150)
    content_type = models.CharField(max_length=100)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["mail", "position"], name="mail_attachment_position_once")]

    def __str__(self) -> str:
        return self.filename


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def among(self, addresses: Iterable[str]) -> set[str]:
        """Those of the addresses that no mail reaches, in lower case, as they are kept."""
        lowered = [address.lower() for address in addresses]
        return set(self.filter(email__in=lowered).values_list("email", flat=True))


class Suppression(models.Model):
    """An address that no mail reaches or may reach: it bounced for good, or its owner called our mail spam."""

    class Reason(models.TextChoices):
        BOUNCE = "bounce", "Bounced"
        COMPLAINT = "complaint", "Called spam"
        BLOCKED = "blocked", "Blocked by the provider"

    email = models.EmailField(max_length=320, unique=True)
    reason = models.CharField(max_length=16, choices=Reason)
    detail = models.CharField(max_length=500, blank=True)
    suppressed_at = models.DateTimeField()

    objects = SuppressionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.email} ({self.get_reason_display()})"


class TrackingEvent(models.Model):
    """One delivery event as the provider reported it; kept even where it came before our own row was committed."""

    event_id = models.CharField(max_length=200, unique=True)
    provider_id = models.CharField(max_length=100, db_index=True)
    kind = models.CharField(max_length=32)
    bounce_kind = models.CharField(max_length=16, choices=BounceKind, blank=True)
    recipient = models.EmailField(max_length=320, blank=True)
    happened_at = models.DateTimeField()
    detail = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # What a fault left to be applied.
            models.Index(fields=["happened_at"], condition=Q(applied_at__isnull=True), name="tracking_unapplied"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
