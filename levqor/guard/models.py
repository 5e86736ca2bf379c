"""What the guards remember: places taken under a limit, answers under a key, the last number of a series."""

from datetime import datetime, timedelta

from django.db import models
from django.http import HttpResponse

# An idempotency key counts for a day.
KEEP_ANSWERS = timedelta(hours=24)


class LimitSlot(models.Model):
    """One of the places that a limit gives to a key each hour, and when it was taken last."""

    digest = models.CharField(max_length=64, help_text="Of the limit and the key, so that no address is kept here.")
    slot = models.PositiveIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "slot"], name="limit_slot_once")]
        # Pruning.
        indexes = [models.Index(fields=["taken_at"], name="limit_slot_taken_at")]

    def __str__(self) -> str:
        return f"place {self.slot} taken at {self.taken_at}"


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    def answered(self, digest: str, *, at: datetime) -> "IdempotentRequest | None":
        """The answer under this key, if it has one and its day is not over."""
        return self.filter(digest=digest, answered_at__gt=at - KEEP_ANSWERS).first()

    def store(
        self, digest: str, fingerprint: str, response: HttpResponse, kept: dict[str, str], *, at: datetime
    ) -> None:
        """Keeps the answer in the caller's transaction, with the work that it is the answer to."""
        values = {
            "fingerprint": fingerprint,
            "answered_at": at,
            "status_code": response.status_code,
            "headers": kept,
            "body": response.content,
        }
        self.update_or_create(digest=digest, defaults=values)


class IdempotentRequest(models.Model):
    """One request that was done under a key, and its answer."""

    digest = models.CharField(max_length=64, unique=True, help_text="Of the path, the account and the key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the body's bytes.")
    answered_at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        # Pruning.
        indexes = [models.Index(fields=["answered_at"], name="idempotent_request_answered")]

    def __str__(self) -> str:
        return f"request of {self.answered_at}"


class ReferenceCounter(models.Model):
    """The last number that a series of references gave out in a year."""

    series = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="reference_counter_once")]

    def __str__(self) -> str:
        return f"{self.series} {self.year}: {self.last_number}"


class CacheEntry(models.Model):
    """The table of Django's database cache, made by a migration so that no deployment needs `createcachetable`."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "guard_cache"

    def __str__(self) -> str:
        return self.cache_key
