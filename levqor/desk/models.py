"""What the staff's home keeps for itself: when each periodic task last ran, and how that ended."""

from datetime import datetime

from django.db import models


class PeriodicTask(models.Model):
    """One entry of the static beat table with its last run; rows are made from the table, never by hand."""

    name = models.CharField(max_length=100, unique=True)
    task = models.CharField(max_length=100, db_index=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_succeeded_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    last_duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def is_late(self, next_run_at: datetime | None, *, at: datetime) -> bool:
        """True where the next run should have begun and did not."""
        return next_run_at is not None and next_run_at < at
