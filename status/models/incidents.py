"""Incidents and planned maintenance: what is said about them, and which components they touch from when to when."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from levqor.lib.actors import Actor
from levqor.lib.states import move
from status.component_states import ComponentState
from status.models.components import Component


class IncidentKind(models.TextChoices):
    INCIDENT = "incident", "Incident"
    MAINTENANCE = "maintenance", "Planned maintenance"


class IncidentSource(models.TextChoices):
    STAFF = "staff", "Opened by staff"
    PROBES = "probes", "Drafted after bad probes"


class Impact(models.TextChoices):
    NONE = "none", "None"
    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"
    MAINTENANCE = "maintenance", "Maintenance"


class IncidentStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    DISMISSED = "dismissed", "Dismissed"
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    POSTMORTEM = "postmortem", "Postmortem"
    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    VERIFYING = "verifying", "Verifying"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


S = IncidentStatus
RUNNING = [S.INVESTIGATING, S.IDENTIFIED, S.MONITORING]
UNDER_WAY = [S.IN_PROGRESS, S.VERIFYING]
ENDED = [S.RESOLVED, S.POSTMORTEM]
HIDDEN = [S.DRAFT, S.DISMISSED]
# Windows are moved every ten seconds: one that stands still for longer is stuck, or the worker is.
OVERDUE_AFTER = timedelta(minutes=2)
# Maintenance that was announced so long before is left out of the downtime.
ANNOUNCED_AHEAD = timedelta(hours=48)
_STEPS: set[str] = {*RUNNING, S.RESOLVED}


class IncidentQuerySet(models.QuerySet["Incident"]):
    def published(self) -> Self:
        return self.exclude(status__in=HIDDEN)

    def incidents(self) -> Self:
        return self.filter(kind=IncidentKind.INCIDENT)

    def maintenances(self) -> Self:
        return self.filter(kind=IncidentKind.MAINTENANCE)

    def unresolved(self) -> Self:
        return self.filter(status__in=RUNNING)

    def maintenance_due(self, *, at: datetime) -> Self:
        """Windows that begin or end by themselves and should have."""
        begins = Q(status=S.SCHEDULED, starts_itself=True, scheduled_for__lte=at)
        ends = Q(status__in=UNDER_WAY, ends_itself=True, scheduled_until__lte=at)
        return self.maintenances().filter(begins | ends)


def new_public_id() -> str:
    return secrets.token_hex(6)


class Incident(models.Model):
    """One disturbance, or one planned window. Public from the first status that is no draft."""

    Status = IncidentStatus
    # An update may repeat the status, say something new, or go back when a fix did not hold.
    TRANSITIONS: dict[str, set[str]] = {
        S.DRAFT: {*_STEPS, S.SCHEDULED, S.DISMISSED},
        S.DISMISSED: {S.DRAFT},
        S.INVESTIGATING: _STEPS,
        S.IDENTIFIED: _STEPS,
        S.MONITORING: _STEPS,
        S.RESOLVED: {*RUNNING, S.POSTMORTEM},
        S.POSTMORTEM: {S.POSTMORTEM},
        S.SCHEDULED: {S.SCHEDULED, S.IN_PROGRESS, S.CANCELLED},
        S.IN_PROGRESS: {S.IN_PROGRESS, S.VERIFYING, S.COMPLETED},
        S.VERIFYING: {S.IN_PROGRESS, S.VERIFYING, S.COMPLETED},
        S.COMPLETED: set(),
        S.CANCELLED: set(),
    }

    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    kind = models.CharField(max_length=16, choices=IncidentKind, default=IncidentKind.INCIDENT)
    source = models.CharField(max_length=16, choices=IncidentSource, default=IncidentSource.STAFF)
    drafted_for = models.ForeignKey(
        Component, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Whose probes were bad."
    )
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=IncidentStatus, default=IncidentStatus.DRAFT)
    impact = models.CharField(max_length=16, choices=Impact, default=Impact.MINOR)
    started_at = models.DateTimeField(default=timezone.now)
    monitoring_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    recovered_at = models.DateTimeField(null=True, blank=True, help_text="When the probes were good again.")
    relapsed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the probes were bad again soon after it was resolved."
    )
    scheduled_for = models.DateTimeField(null=True, blank=True)
    scheduled_until = models.DateTimeField(null=True, blank=True)
    left_out_from = models.DateTimeField(
        null=True, blank=True, help_text="Where the window was moved: from when it was announced early enough."
    )
    left_out_until = models.DateTimeField(null=True, blank=True)
    starts_itself = models.BooleanField(default=True)
    ends_itself = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        permissions = [("publish_incident", "May publish incidents and maintenance")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=IncidentStatus.values), name="incident_status_known"),
            models.CheckConstraint(condition=Q(impact__in=Impact.values), name="incident_impact_known"),
            models.UniqueConstraint(
                fields=["drafted_for"],
                condition=Q(status=IncidentStatus.DRAFT),
                name="incident_one_draft_per_component",
            ),
            models.CheckConstraint(
                condition=Q(kind=IncidentKind.INCIDENT)
                | Q(scheduled_for__isnull=False, scheduled_until__gt=F("scheduled_for")),
                name="maintenance_has_its_window",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=ENDED) | Q(resolved_at__isnull=False), name="incident_resolved_has_its_time"
            ),
        ]
        indexes = [
            # The newest ones, of the page and of the feeds.
            models.Index(fields=["kind", "-started_at"], name="incident_newest"),
            models.Index(fields=["status"], name="incident_status"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def left_out(self) -> tuple[datetime, datetime] | None:
        """The part of the window that was announced early enough to be no downtime."""
        if self.left_out_from and self.left_out_until:
            return self.left_out_from, self.left_out_until
        begins, ends, said_at = self.scheduled_for, self.scheduled_until, self.published_at
        if not (begins and ends and said_at) or begins - said_at < ANNOUNCED_AHEAD:
            return None
        return begins, ends

    def move_window(self, begins: datetime, ends: datetime, *, at: datetime) -> None:
        """Another time for the window. What of it is left out of the downtime was announced early enough, then or now."""
        known = self.left_out
        if begins - at >= ANNOUNCED_AHEAD:
            known = (begins, ends)
        first, last = known or (begins, begins)
        first = min(max(begins, first), ends)
        self.left_out_from, self.left_out_until = first, max(first, min(ends, last))
        self.scheduled_for, self.scheduled_until, self.started_at = begins, ends, begins
        self.save(update_fields=["left_out_from", "left_out_until", "scheduled_for", "scheduled_until", "started_at"])

    @property
    def is_published(self) -> bool:
        return self.status not in HIDDEN

    @property
    def is_maintenance(self) -> bool:
        return self.kind == IncidentKind.MAINTENANCE

    def is_overdue(self, *, at: datetime) -> bool:
        """True for a window that should have begun or ended by itself some minutes ago and did not."""
        begins = self.scheduled_for if self.status == S.SCHEDULED and self.starts_itself else None
        ends = self.scheduled_until if self.status in UNDER_WAY and self.ends_itself else None
        due = begins or ends
        return due is not None and at - due > OVERDUE_AFTER

    def get_absolute_url(self) -> str:
        return reverse("status:incident", args=[self.public_id])

    def has_begun(self, *, at: datetime) -> bool:
        """True for a window whose work is under way or over, by what was said or by the clock."""
        by_itself = self.starts_itself and self.scheduled_for is not None and self.scheduled_for <= at
        return self.status != S.SCHEDULED or by_itself

    def advance(self, to: str, *, by: Actor, at: datetime, happened_at: datetime | None = None, **changes: Any) -> None:
        """Moves to the status of its next update; the times that go with it are set here and nowhere else."""
        changes |= {"updated_at": at}
        then = happened_at or at
        if not self.is_published and to not in HIDDEN:
            changes["published_at"] = at
        if to == S.MONITORING and self.monitoring_at is None:
            changes["monitoring_at"] = then
        if to in {S.RESOLVED, S.COMPLETED}:
            changes["resolved_at"] = then
        if self.status in ENDED and to in RUNNING:
            changes |= {"resolved_at": None, "relapsed_at": None}
        move(self, to, by=by, at=at, **changes)


class IncidentUpdate(models.Model):
    """One thing that was said, at its time. What was published stays; a slip is corrected by a new one."""

    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    status = models.CharField(max_length=16, choices=IncidentStatus)
    body = models.TextField()
    display_at = models.DateTimeField()
    deliver_notifications = models.BooleanField(default=True)
    affected = models.JSONField(default=list, help_text="Per component: code, name, old_status, new_status.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-display_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=IncidentStatus.values), name="update_status_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.incident}"


class IncidentComponent(models.Model):
    """From when to when an incident put a component into a state; the open one has no end."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="impacts")
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="impacts")
    state = models.CharField(max_length=24, choices=ComponentState)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "component"], condition=Q(ended_at__isnull=True), name="impact_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=ComponentState.values), name="impact_state_known"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="impact_forwards"
            ),
        ]
        indexes = [
            # What weighed on one component in one month.
            models.Index(fields=["component", "started_at"], name="impact_of_component"),
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.get_state_display()}"


class IncidentTemplate(models.Model):
    """A text for common cases, to start from."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=16, choices=IncidentKind, default=IncidentKind.INCIDENT)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=IncidentStatus, default=IncidentStatus.INVESTIGATING)
    impact = models.CharField(max_length=16, choices=Impact, default=Impact.MINOR)
    body = models.TextField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name
