"""The append-only trail: who did what to which row, when, and why.

Entries hold ids and statuses, never personal data, so erasing a person never needs them. The words of a reason may name
people: they live in `AuditNote`, which may be erased, while the entry keeps a salted digest of them.
"""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from levqor.lib.actors import Actor

WHO = {"system": "Levqor", "stripe": "Stripe", "mail": "the mail provider", "customer": "the customer"}


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def about(self, row: models.Model) -> "AuditEntryQuerySet":
        return self.filter(object_type=row._meta.label_lower, object_id=str(row.pk))

    def unsealed(self) -> "AuditEntryQuerySet":
        return self.filter(seal__isnull=True)

    def unsealed_after(self, floor: int) -> "AuditEntryQuerySet":
        """Those of them with a higher id: looks at the ends of both tables alone, however long the trail is."""
        seals = AuditSeal.objects.filter(entry_id=models.OuterRef("pk"), entry_id__gt=floor)
        return self.filter(~models.Exists(seals), pk__gt=floor)


class AuditEntry(models.Model):
    """One thing done to one row. The database refuses UPDATE and DELETE."""

    at = models.DateTimeField(help_text="When it was done, by the clock the flow ran on.")
    recorded_at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=16)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    verb = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    changes = models.JSONField(default=dict)
    note_digest = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, computed when it was written.")

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            # The timeline of one row, newest last.
            models.Index(fields=["object_type", "object_id", "id"], name="audit_entry_object"),
            # What one person did.
            models.Index(fields=["actor", "id"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.did}, {self.object_type.rpartition('.')[2]} {self.object_id}"

    @property
    def did(self) -> str:
        """`status.past_due` as `Status: past due`."""
        return ": ".join(self.verb.replace("_", " ").split(".")).capitalize()

    @property
    def who(self) -> str:
        """The person by their address, or what did it, as in "by the customer"; reads the actor."""
        return str(self.actor) if self.actor else WHO.get(self.actor_kind, self.actor_kind)

    @property
    def reason(self) -> str:
        """The words of the reason, empty where none was given or it was erased; reads the note."""
        note = getattr(self, "note", None)
        return note.text if note else ""

    def content_digest(self) -> str:
        """SHA-256 over every field but the id (unknown before the INSERT), in one fixed form."""
        content = {
            "at": _canonical_time(self.at),
            "recorded_at": _canonical_time(self.recorded_at),
            "actor_kind": self.actor_kind,
            "actor": self.actor_id,
            "verb": self.verb,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "changes": self.changes,
            "note_digest": self.note_digest,
            "request_id": self.request_id,
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


class AuditNote(models.Model):
    """The words that a person gave as the reason; erasable, unlike the entry."""

    entry = models.OneToOneField(AuditEntry, primary_key=True, on_delete=models.PROTECT, related_name="note")
    text = models.TextField()
    salt = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.text

    def is_genuine(self) -> bool:
        """True where the words are those that the entry was recorded with."""
        return note_digest(self.text, self.salt) == self.entry.note_digest


class AuditSeal(models.Model):
    """One link of the hash chain over the entries, in the order of sealing. The database refuses UPDATE and DELETE."""

    position = models.PositiveBigIntegerField(primary_key=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="seal")
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"seal {self.position}"


class AuditHead(models.Model):
    """Where the chain ends, signed with SECRET_KEY: who cuts off its end in the database cannot sign the shorter one."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    signature = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one_row")]

    def __str__(self) -> str:
        return f"head {self.position}"

    def is_genuine(self) -> bool:
        return constant_time_compare(self.signature, head_signature(self.position, self.hash))


def head_signature(position: int, link: str) -> str:
    return salted_hmac("levqor.audit.head", f"{position}:{link}", algorithm="sha256").hexdigest()


def note_digest(text: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()


def record(
    verb: str,
    row: models.Model,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    changes: dict[str, Any] | None = None,
) -> AuditEntry:
    """Writes one entry about `row`, in the caller's transaction. `changes` holds ids, codes and numbers only."""
    salt = secrets.token_hex(16) if reason else ""
    entry = AuditEntry(
        at=at,
        actor_kind=by.kind,
        actor_id=by.user_id,
        verb=verb,
        object_type=row._meta.label_lower,
        object_id=str(row.pk),
        changes=changes or {},
        note_digest=note_digest(reason, salt) if reason else "",
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
    entry.digest = entry.content_digest()
    with transaction.atomic(savepoint=False):
        entry.save(force_insert=True)
        if reason:
            AuditNote.objects.create(entry=entry, text=reason, salt=salt)
    return entry


def _canonical_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
