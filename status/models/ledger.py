"""The uptime ledger: what was measured of each component, as intervals. Time that no interval covers is no data."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from status.component_states import ComponentState
from status.models.components import Component


class StateIntervalQuerySet(models.QuerySet["StateInterval"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Intervals that touch the span."""
        return self.filter(started_at__lt=end, seen_at__gt=start)


class StateInterval(models.Model):
    """A span in which one state was measured. It grows by `seen_at` while the state stays the same."""

    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="intervals")
    state = models.CharField(max_length=24, choices=ComponentState)
    cause = models.CharField(max_length=40, blank=True, help_text="What was found at fault, in one word.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="Until when the state was seen.")
    is_open = models.BooleanField(default=True)

    objects = StateIntervalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["component"], condition=Q(is_open=True), name="interval_one_open"),
            models.CheckConstraint(condition=Q(state__in=ComponentState.values), name="interval_state_known"),
            models.CheckConstraint(condition=Q(seen_at__gte=F("started_at")), name="interval_forwards"),
        ]
        indexes = [
            # The spans of one component in one month.
            models.Index(fields=["component", "started_at", "seen_at"], name="interval_of_component"),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.state} since {self.started_at:%Y-%m-%d %H:%M}"
