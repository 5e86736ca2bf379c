"""API keys, what accounts have used of their quota, and the jobs of the sandbox."""

import hashlib
import re
import secrets
import zlib
from datetime import datetime
from enum import IntFlag
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from levqor.accounts.models import Account

KEY_PREFIX: Final = "lvq_test_"
SECRET_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6
BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_SHAPE: Final = re.compile(rf"{KEY_PREFIX}[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")
# Works for the demo customer with DEBUG on, so that the documented lines run unchanged on a laptop.
DEMO_KEY: Final = "test_key"


def new_secret() -> str:
    """A key of 32 random base62 digits and their checksum: `lvq_test_…`, 47 characters."""
    return with_checksum(KEY_PREFIX + random_digits(SECRET_LENGTH))


def random_digits(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def with_checksum(beginning: str) -> str:
    """The text and the CRC32 of it in base62, so that a mistyped key is told from a revoked one without asking anybody."""
    left, digits = zlib.crc32(beginning.encode("ascii")), ""
    for _ in range(CHECKSUM_LENGTH):
        left, digit = divmod(left, len(BASE62))
        digits = BASE62[digit] + digits
    return beginning + digits


def may_be_key(text: str) -> bool:
    """True for what has the form and the checksum of a key."""
    if KEY_SHAPE.fullmatch(text):
        return with_checksum(text[:-CHECKSUM_LENGTH]) == text
    return settings.DEBUG and text == DEMO_KEY


def digest_of(secret: str) -> str:
    """What is stored in place of a key. 190 random bits leave nothing to guess, so a slow hash would protect nothing."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


class Scope(IntFlag):
    """What a key may be used for; one bit each, since admission asks for it within its one statement."""

    METRICS_READ = 1
    JOBS_READ = 2
    JOBS_WRITE = 4

    @property
    def words(self) -> str:
        """`jobs:write`."""
        return (self.name or "").lower().replace("_", ":")


ALL_SCOPES: Final = sum(Scope)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, *, at: datetime) -> "ApiKeyQuerySet":
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), revoked_at__isnull=True)


class ApiKey(models.Model):
    """A key by its digest; the key itself was shown once and is kept nowhere."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=16, help_text="How the key begins, to tell keys apart.")
    ending = models.CharField(max_length=4)
    scopes = models.PositiveSmallIntegerField(default=ALL_SCOPES)
    form_id = models.UUIDField(
        unique=True, null=True, editable=False, help_text="The form that made it: sent twice is once."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaced_by", help_text="By a rotation."
    )
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the second or two.")
    last_used_from = models.CharField(max_length=64, blank=True, help_text="The network of the newest request.")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        permissions = [("change_tier", "Can give an account another API tier")]
        constraints = [
            models.CheckConstraint(condition=Q(scopes__gte=1, scopes__lte=ALL_SCOPES), name="api_key_scopes_are_known"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gte=F("created_at")),
                name="api_key_ends_after_its_begin",
            ),
        ]
        indexes = [
            # The keys of an account, newest first.
            models.Index(fields=["account", "-created_at"], name="api_key_of_account"),
            # Search in the back office.
            models.Index(fields=["prefix"], name="api_key_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def masked(self) -> str:
        """`lvq_test_ab12…wxyz`."""
        return f"{self.prefix}…{self.ending}"

    @property
    def scope_words(self) -> list[str]:
        return [scope.words for scope in Scope if scope & self.scopes]

    def is_usable(self, *, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


class MonthlyUsage(models.Model):
    """What an account has used in a calendar month (UTC). Admission counts here, and nothing else does."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_usage")
    month = models.CharField(max_length=7, help_text="As in 2026-11.")
    used = models.PositiveBigIntegerField(default=0)
    quota = models.PositiveBigIntegerField(
        null=True, help_text="What the tier of the newest request allows; empty: any."
    )
    key_id = models.BigIntegerField(help_text="The key of the newest request.")

    class Meta:
        verbose_name_plural = "monthly usage"
        constraints = [models.UniqueConstraint(fields=["account", "month"], name="monthly_usage_once")]

    def __str__(self) -> str:
        return f"{self.used} in {self.month}"


class DailyUsage(models.Model):
    """Requests of a key on a day (UTC), by how they ended; for graphs. Written behind the requests, lossy on a kill."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    succeeded = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0, help_text="Answered with a status of 400 to 499.")
    failed = models.PositiveBigIntegerField(default=0, help_text="Answered with a status of 500 or above.")

    class Meta:
        verbose_name_plural = "daily usage"
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="daily_usage_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.succeeded}"


class RecentRequest(models.Model):
    """One of the last requests of a key, for people who look for a mistake. Written behind the requests, lossy on a kill."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="recent_requests")
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=200, help_text="Without what stood behind the question mark.")
    status = models.PositiveSmallIntegerField()
    request_id = models.CharField(max_length=200)

    class Meta:
        # The last of a key, newest first; older ones are found from there and deleted.
        indexes = [models.Index(fields=["key", "-id"], name="recent_request_of_key")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"


class SandboxJob(models.Model):
    """A mock job. Nothing is processed: its state follows from its age and its workflow."""

    job_id = models.CharField(max_length=40, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sandbox_jobs")
    workflow = models.CharField(max_length=200, null=True, blank=True)
    # JSON as ASCII text: a database's own type would refuse a NUL and put names in another order.
    input_json = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        # The list of an account, newest first.
        indexes = [models.Index(fields=["account", "-id"], name="sandbox_job_of_account")]

    def __str__(self) -> str:
        return self.job_id
