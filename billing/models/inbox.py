"""The Stripe inbox: every event as it arrived, once, and what became of it."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.states import move

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8


EVENT_WORDS = {
    "invoice.payment_failed": "A payment attempt failed",
    "invoice.payment_action_required": "The bank asks the customer to confirm the payment",
    "invoice.overdue": "The invoice is overdue",
    "invoice.paid": "The invoice was paid",
    "invoice.payment_succeeded": "A payment succeeded",
    "invoice.updated": "The invoice was changed",
    "invoice.voided": "The invoice was voided",
    "invoice.marked_uncollectible": "The invoice was marked as uncollectible",
    "credit_note.created": "A credit note was issued",
    "charge.dispute.created": "The customer’s bank disputes the payment",
    "charge.dispute.closed": "The dispute was closed",
    "charge.dispute.updated": "The dispute was changed",
    "charge.dispute.funds_withdrawn": "The bank took the money back",
    "charge.dispute.funds_reinstated": "The bank gave the money back",
    "charge.failed": "The bank refused the card",
    "invoice_payment.paid": "A payment of the invoice arrived",
}


class EventStatus(models.TextChoices):
    STORED = "stored", "Waiting"
    PROCESSING = "processing", "Being processed"
    DONE = "done", "Done"
    IGNORED = "ignored", "Stored only"
    FAILED = "failed", "Failed"


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def due(self, *, at: datetime) -> "StripeEventQuerySet":
        waiting = Q(status=EventStatus.STORED, next_attempt_at__lte=at)
        abandoned = Q(status=EventStatus.PROCESSING, lease_until__lt=at)
        return self.filter(waiting | abandoned).order_by("next_attempt_at", "pk")

    def acting(self) -> "StripeEventQuerySet":
        """Events of our own account in a mode that acts."""
        return self.filter(livemode__in=acting_modes(), account="")

    def about(self, object_id: str) -> "StripeEventQuerySet":
        return self.filter(object_id=object_id)


class StripeEvent(models.Model):
    """One event, stored before it was acknowledged. The raw body is kept; nothing is derived from it at storing time
    but the columns that find it again."""

    Status = EventStatus
    TRANSITIONS = {EventStatus.FAILED: {EventStatus.STORED}, EventStatus.IGNORED: {EventStatus.STORED}}

    event_id = models.CharField(max_length=255)
    account = models.CharField(max_length=255, blank=True, help_text="A connected account's id; empty for our own.")
    livemode = models.BooleanField()
    type = models.CharField(max_length=100)
    api_version = models.CharField(max_length=40, blank=True)
    created = models.DateTimeField(help_text="Stripe's own time of the event, in whole seconds.")
    object_id = models.CharField(max_length=255, blank=True)
    invoice_id = models.CharField(max_length=255, blank=True, help_text="The invoice it is about or belongs to.")
    customer_id = models.CharField(max_length=255, blank=True)
    body = models.BinaryField()
    received_at = models.DateTimeField(default=timezone.now)
    request_id = models.CharField(max_length=128, blank=True)

    status = models.CharField(max_length=16, choices=EventStatus, default=EventStatus.STORED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    objects = StripeEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "account", "livemode"], name="stripe_event_once"),
            models.CheckConstraint(condition=Q(status__in=EventStatus.values), name="stripe_event_status_known"),
        ]
        indexes = [
            # The drain: what is due next.
            models.Index(fields=["status", "next_attempt_at"], name="stripe_event_due"),
            # The newest stored state of one object.
            models.Index(fields=["object_id", "created"], name="stripe_event_object"),
            # The timeline of one case.
            models.Index(fields=["invoice_id"], name="stripe_event_invoice"),
            # The inbox, newest first: all of it, one status, one type.
            models.Index(fields=["received_at", "id"], name="stripe_event_received"),
            models.Index(fields=["status", "received_at", "id"], name="stripe_event_of_status"),
            models.Index(fields=["type", "received_at", "id"], name="stripe_event_of_type"),
            # A search by the ids that the others do not cover.
            models.Index(fields=["customer_id"], name="stripe_event_customer"),
            models.Index(fields=["request_id"], name="stripe_event_request"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @property
    def words(self) -> str:
        """The type as people say it: `A payment attempt failed`."""
        return EVENT_WORDS.get(self.type, self.type.replace(".", ", ").replace("_", " ").capitalize())

    @property
    def payload(self) -> dict[str, Any]:
        """The event as Stripe sent it."""
        body: dict[str, Any] = json.loads(bytes(self.body))
        return body

    @property
    def stripe_object(self) -> dict[str, Any]:
        """The object that the event carries, in the shape of its endpoint's API version; empty for thin events."""
        data = self.payload.get("data")
        found = data.get("object") if isinstance(data, dict) else None
        return found if isinstance(found, dict) else {}

    def claim(self, *, at: datetime) -> bool:
        """Takes the event for processing; False where another worker has it.

        The attempt counts from here on, so that one which kills its worker is counted as well. Where that happens, the
        event queues up behind what came in before its lease ran out.
        """
        free = Q(status=EventStatus.STORED) | Q(status=EventStatus.PROCESSING, lease_until__lt=at)
        claimed = StripeEvent.objects.filter(free, pk=self.pk, attempts=self.attempts).update(
            status=EventStatus.PROCESSING,
            lease_until=at + LEASE,
            next_attempt_at=at + LEASE,
            attempts=F("attempts") + 1,
        )
        self.attempts += claimed
        return bool(claimed)

    def has_been_tried_enough(self) -> bool:
        """True for a claimed event that took as many workers with it as may try it."""
        return self.attempts > MAX_ATTEMPTS

    def finish(self, status: EventStatus, *, at: datetime, **changes: object) -> None:
        """Ends this worker's claim; nothing is written where the lease had run out and another worker took over."""
        StripeEvent.objects.filter(pk=self.pk, status=EventStatus.PROCESSING, attempts=self.attempts).update(
            status=status, lease_until=None, processed_at=at, **changes
        )

    def process_again(self, *, by: Actor = SYSTEM, at: datetime, reason: str = "") -> None:
        """Puts a failed or ignored event back into the inbox."""
        move(self, EventStatus.STORED, by=by, at=at, reason=reason, attempts=0, next_attempt_at=at, error="")


class WebhookRefusal(models.Model):
    """How many deliveries were refused for their signature, per day: nothing of them is stored but this count."""

    day = models.DateField(unique=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"


def acting_modes() -> list[bool]:
    """The values of `livemode` that act here."""
    return [settings.STRIPE_LIVEMODE] if settings.STRIPE_SECRET_KEY else [False, True]


def mode_of(*, livemode: bool) -> bool:
    """The mode under which something new is kept: the key's, else the one that Stripe names."""
    return bool(settings.STRIPE_LIVEMODE) if settings.STRIPE_SECRET_KEY else livemode
