"""Who wants to be told by mail, and what each of them is still to be told."""

from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from levqor.lib.actors import CUSTOMER, Actor
from levqor.lib.states import move
from status.models.components import Component
from status.models.incidents import IncidentUpdate

CONFIRM_WITHIN: Final = timedelta(days=7)


class SubscriberState(models.TextChoices):
    PENDING = "pending", "Not confirmed yet"
    ACTIVE = "active", "Subscribed"
    ENDED = "ended", "Unsubscribed"
    BOUNCED = "bounced", "Stopped: mail came back"


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def concerned(self, update: IncidentUpdate) -> Self:
        """Active subscribers of any touched component, and those who want to hear of everything."""
        touched = update.incident.impacts.values("component")
        chosen = Subscriber.objects.filter(components__in=touched).values("pk")
        return self.filter(Q(wants_all=True) | Q(pk__in=chosen), state=SubscriberState.ACTIVE)


class Subscriber(models.Model):
    """One address that asked to be told; nothing is sent to it before its owner confirmed."""

    State = SubscriberState
    TRANSITIONS: dict[str, set[str]] = {
        SubscriberState.PENDING: {
            SubscriberState.PENDING,
            SubscriberState.ACTIVE,
            SubscriberState.ENDED,
            SubscriberState.BOUNCED,
        },
        SubscriberState.ACTIVE: {SubscriberState.ENDED, SubscriberState.BOUNCED},
        SubscriberState.ENDED: {SubscriberState.PENDING},
        SubscriberState.BOUNCED: {SubscriberState.PENDING, SubscriberState.ENDED},
    }

    email = models.EmailField(max_length=254)
    state = models.CharField(max_length=16, choices=SubscriberState, default=SubscriberState.PENDING)
    wants_all = models.BooleanField(default=True)
    components: "models.ManyToManyField[Component, models.Model]" = models.ManyToManyField(Component, blank=True)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="subscriber_once"),
            models.CheckConstraint(condition=Q(state__in=SubscriberState.values), name="subscriber_state_known"),
        ]
        indexes = [
            # Who is to be told.
            models.Index(fields=["state"], name="subscriber_state"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_active(self) -> bool:
        return self.state == SubscriberState.ACTIVE

    def may_still_confirm(self, *, at: datetime) -> bool:
        return self.state == SubscriberState.PENDING and at - self.asked_at < CONFIRM_WITHIN

    def ask_again(self, *, wants_all: bool, at: datetime) -> None:
        self._move(SubscriberState.PENDING, by=CUSTOMER, at=at, asked_at=at, wants_all=wants_all, ended_at=None)

    def confirm(self, *, at: datetime) -> None:
        self._move(SubscriberState.ACTIVE, by=CUSTOMER, at=at, confirmed_at=at)

    def end(self, state: SubscriberState, *, by: Actor, at: datetime) -> None:
        self._move(state, by=by, at=at, ended_at=at)

    def _move(self, to: SubscriberState, *, by: Actor, at: datetime, **changes: Any) -> None:
        move(self, to, field="state", by=by, at=at, **changes)


class NoticeStatus(models.TextChoices):
    PENDING = "pending", "Waiting"
    WRITTEN = "written", "Written"
    SKIPPED = "skipped", "Skipped"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self) -> Self:
        return self.filter(status=NoticeStatus.PENDING).order_by("pk")


class Notice(models.Model):
    """That one subscriber is to be told of one update: written in bulk with it, rendered when its turn comes."""

    Status = NoticeStatus

    update = models.ForeignKey(IncidentUpdate, on_delete=models.CASCADE, related_name="notices")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="notices")
    status = models.CharField(max_length=16, choices=NoticeStatus, default=NoticeStatus.PENDING)
    reason = models.CharField(max_length=80, blank=True, help_text="Why it was skipped.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["update", "subscriber"], name="notice_once"),
            models.CheckConstraint(condition=Q(status__in=NoticeStatus.values), name="notice_status_known"),
        ]
        indexes = [
            # The drain: what is to be written next.
            models.Index(fields=["id"], condition=Q(status="pending"), name="notice_due"),
        ]

    def __str__(self) -> str:
        return f"{self.update} for {self.subscriber}"

    @property
    def mail_key(self) -> str:
        """What its mail is known by in the outbox."""
        return f"status-update:{self.update_id}:{self.subscriber_id}"
