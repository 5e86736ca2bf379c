"""Outgoing webhooks: who wants them, what happened, and every attempt to tell."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from levqor.audit.models import record
from levqor.lib.actors import Actor
from levqor.lib.states import move

LEASE: Final = timedelta(seconds=60)
# After a rotation both secrets sign, so that the receiver can change over without losing one.
ROTATION_OVERLAP: Final = timedelta(hours=24)


def new_endpoint_id() -> str:
    return f"ep_{secrets.token_hex(12)}"


def new_message_id() -> str:
    return f"msg_{secrets.token_hex(12)}"


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def wanting(self, owner: str, event_type: str) -> list["Endpoint"]:
        """The live endpoints of an owner that want this type of event."""
        return [row for row in self.filter(owner=owner, disabled_at=None) if event_type in row.event_types]


class Endpoint(models.Model):
    """An address that wants to be told. `owner` names the row it belongs to, as label:id (`accounts.account:12`)."""

    public_id = models.CharField(max_length=40, unique=True, default=new_endpoint_id, editable=False)
    owner = models.CharField(max_length=100, db_index=True)
    url = models.URLField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(default=list)
    secret_version = models.PositiveIntegerField(default=1)
    rotated_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "url"], name="endpoint_once_per_owner")]

    def __str__(self) -> str:
        return self.url

    @property
    def is_live(self) -> bool:
        return self.disabled_at is None

    @property
    def secret(self) -> str:
        """The signing secret as the receiver keeps it; derived, so that no dump of the database holds it."""
        return self._secret_of(self.secret_version)

    def signing_secrets(self, *, at: datetime) -> list[str]:
        """All secrets that sign now: after a rotation the one before for another day."""
        is_changing = self.rotated_at is not None and at - self.rotated_at < ROTATION_OVERLAP
        older = [self._secret_of(self.secret_version - 1)] if is_changing else []
        return [self.secret, *older]

    def _secret_of(self, version: int) -> str:
        name = f"levqor.hooks:{self.public_id}:{version}".encode()
        return "whsec_" + base64.b64encode(hmac.digest(settings.SECRET_KEY.encode(), name, hashlib.sha256)).decode()

    def rotate_secret(self, *, at: datetime) -> str:
        """The next secret; the one before goes on signing beside it for a day."""
        Endpoint.objects.filter(pk=self.pk, secret_version=self.secret_version).update(
            secret_version=F("secret_version") + 1, rotated_at=at
        )
        self.refresh_from_db()
        return self.secret

    def switch_off(self, reason: str, *, by: Actor, at: datetime) -> bool:
        """Nothing more is sent; what waits is cancelled. False where it was off already."""
        with transaction.atomic():
            live = Endpoint.objects.filter(pk=self.pk, disabled_at=None)
            if not live.update(disabled_at=at, disabled_reason=reason[:200]):
                return False
            self.deliveries.filter(status=DeliveryStatus.PENDING).update(status=DeliveryStatus.CANCELLED)
            record("endpoint.switched_off", self, by=by, at=at, reason=reason)
        return True

    def switch_on(self, *, by: Actor, at: datetime, reason: str = "") -> bool:
        """What happens from now on is sent again. False where it was on already."""
        with transaction.atomic():
            off = Endpoint.objects.filter(pk=self.pk, disabled_at__isnull=False)
            if not off.update(disabled_at=None, disabled_reason="", failing_since=None):
                return False
            record("endpoint.switched_on", self, by=by, at=at, reason=reason)
        return True


class HookMessage(models.Model):
    """One thing that happened, in the bytes that every receiver gets. The same `key` is the same thing."""

    public_id = models.CharField(max_length=40, unique=True, default=new_message_id, editable=False)
    key = models.CharField(max_length=200, unique=True)
    type = models.CharField(max_length=60)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    SENDING = "sending", "Being sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Given up"
    CANCELLED = "cancelled", "Cancelled"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, *, at: datetime) -> Self:
        waiting = Q(status=DeliveryStatus.PENDING, next_attempt_at__lte=at)
        abandoned = Q(status=DeliveryStatus.SENDING, lease_until__lt=at)
        return self.filter(waiting | abandoned).order_by("next_attempt_at", "pk")


class Delivery(models.Model):
    """One message for one endpoint."""

    Status = DeliveryStatus
    TRANSITIONS = {
        DeliveryStatus.DELIVERED: {DeliveryStatus.PENDING},
        DeliveryStatus.FAILED: {DeliveryStatus.PENDING},
        DeliveryStatus.CANCELLED: {DeliveryStatus.PENDING},
    }

    message = models.ForeignKey(HookMessage, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=16, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="delivery_once"),
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="delivery_status_known"),
        ]
        indexes = [
            # The drain: what is due next.
            models.Index(
                fields=["next_attempt_at"], condition=Q(status__in=["pending", "sending"]), name="delivery_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message} → {self.endpoint}"

    def claim(self, *, at: datetime) -> bool:
        """Takes the delivery for one attempt; False where another worker has it."""
        free = Q(status=DeliveryStatus.PENDING) | Q(status=DeliveryStatus.SENDING, lease_until__lt=at)
        claimed = Delivery.objects.filter(free, pk=self.pk, attempts=self.attempts).update(
            status=DeliveryStatus.SENDING, lease_until=at + LEASE, attempts=F("attempts") + 1
        )
        self.attempts += claimed
        return bool(claimed)

    def settle(self, status: DeliveryStatus, **changes: Any) -> bool:
        """Ends this worker's attempt; nothing is written where its lease had run out and another took over."""
        mine = Delivery.objects.filter(pk=self.pk, status=DeliveryStatus.SENDING, attempts=self.attempts)
        return bool(mine.update(status=status, lease_until=None, **changes))

    def replay(self, *, by: Actor, at: datetime, reason: str = "") -> None:
        """Sends the same message again, under the same id, by which the receiver knows it."""
        move(self, DeliveryStatus.PENDING, by=by, at=at, reason=reason, attempts=0, next_attempt_at=at)


class DeliveryAttempt(models.Model):
    """What one attempt met: the answer's status and beginning, or why there was none."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.status_code or self.error} at {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_taken(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300
