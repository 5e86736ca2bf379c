"""What the guards remember: places taken under a limit, answers under a key, the last number of a series."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q

# An idempotency key counts for a day; whoever works under it has a minute, after which a repeat may take over.
KEEP_ANSWERS = timedelta(hours=24)
LEASE = timedelta(seconds=60)


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
    def claim(self, digest: str, fingerprint: str, *, at: datetime) -> tuple["IdempotentRequest", bool]:
        """The row of this key, and whether it is the caller's to work on.

        It is where the key is new, where its day is over, and where whoever worked on the same body let the lease pass.
        """
        ours: dict[str, Any] = {
            "fingerprint": fingerprint,
            "token": uuid.uuid4(),
            "claimed_at": at,
            "lease_until": at + LEASE,
            "status_code": None,
            "headers": {},
            "body": b"",
        }
        row, is_new = self.get_or_create(digest=digest, defaults=ours)
        if is_new:
            return row, True
        over = Q(claimed_at__lte=at - KEEP_ANSWERS)
        abandoned = Q(status_code=None, lease_until__lt=at, fingerprint=fingerprint)
        is_ours = bool(self.filter(over | abandoned, pk=row.pk).update(**ours))
        # Where it was answered or released meanwhile, the newest row counts, or what was read of it.
        return self.filter(pk=row.pk).first() or row, is_ours

    def answered(self, *, at: datetime) -> "IdempotentRequestQuerySet":
        return self.filter(status_code__isnull=False, claimed_at__gt=at - KEEP_ANSWERS)


class IdempotentRequest(models.Model):
    """One request under a key, and its answer once there is one."""

    digest = models.CharField(max_length=64, unique=True, help_text="Of the path, the account and the key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the body's bytes.")
    token = models.UUIDField(help_text="Who works on it: a taken-over claim has another one.")
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        # Pruning.
        indexes = [models.Index(fields=["claimed_at"], name="idempotent_request_claimed")]

    def __str__(self) -> str:
        return f"request of {self.claimed_at}"

    def store(self, status_code: int, headers: dict[str, str], body: bytes) -> bool:
        """Keeps the answer; False where the claim was taken over meanwhile, so that this work must not stand."""
        return bool(self._mine().update(status_code=status_code, headers=headers, body=body))

    def release(self) -> None:
        """Gives the key back, as if it had never been used."""
        self._mine().delete()

    def _mine(self) -> IdempotentRequestQuerySet:
        return IdempotentRequest.objects.filter(pk=self.pk, token=self.token, status_code=None)


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
