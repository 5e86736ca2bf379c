"""Documents and their versions. What a version says is frozen when it is published: by its SHA-256 and by the database."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from legal.catalogue import BY_SLUG

# How long a material change is announced before it comes into force.
NOTICE = timedelta(days=30)
# The task that notes what the date decided comes every five minutes; what is not noted after two of its runs is stuck.
OVERDUE_AFTER = timedelta(minutes=10)


class DocumentQuerySet(models.QuerySet["Document"]):
    def locked(self, pk: int) -> "Document":
        """The document, locked until the end of the transaction: whoever publishes or withdraws takes this first.

        On SQLite the transaction itself is the lock, since ours begin IMMEDIATE.
        """
        return self.select_for_update().get(pk=pk)

    def hold(self, pks: Iterable[int]) -> None:
        """Locks these documents likewise, so that none of them is being published meanwhile."""
        list(self.select_for_update().filter(pk__in=pks).order_by("pk").values_list("pk", flat=True))


class Document(models.Model):
    """One of the documents of the catalogue; its words are in its versions."""

    slug = models.SlugField(unique=True)
    file_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file that was read last.")

    objects = DocumentQuerySet.as_manager()

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        known = BY_SLUG.get(self.slug)
        return known.title if known else self.slug

    @property
    def path(self) -> str:
        return f"/{self.slug}"


class VersionStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Announced"
    IN_FORCE = "in_force", "In force"
    SUPERSEDED = "superseded", "Superseded"
    WITHDRAWN = "withdrawn", "Withdrawn before it came into force"


class Origin(models.TextChoices):
    STAFF = "staff", "Written by staff"
    FACTS = "facts", "A price or promise changed"
    FILE = "file", "The file in the repository"


HEAVY = ("source", "html", "outline", "facts")


def is_overdue(*, at: datetime) -> Q:
    return Q(status=VersionStatus.SCHEDULED, effective_at__lt=at - OVERDUE_AFTER)


class DocumentVersionQuerySet(models.QuerySet["DocumentVersion"]):
    def published(self) -> "DocumentVersionQuerySet":
        """What was made public under a number, withdrawn versions included, newest first."""
        return self.exclude(status=VersionStatus.DRAFT).order_by("-number")

    def binding(self) -> "DocumentVersionQuerySet":
        """What was, is or will be in force."""
        return self.filter(status__in=[VersionStatus.SCHEDULED, VersionStatus.IN_FORCE, VersionStatus.SUPERSEDED])

    def in_force(self, *, at: datetime) -> "DocumentVersionQuerySet":
        """The version of each document that the date puts in force, whether or not a task has noted it already."""
        later = DocumentVersion.objects.binding().filter(
            document=models.OuterRef("document"), effective_at__lte=at, effective_at__gt=models.OuterRef("effective_at")
        )
        return self.binding().filter(~models.Exists(later), effective_at__lte=at)

    def announced(self, *, at: datetime) -> "DocumentVersionQuerySet":
        """What is public and comes into force later, soonest first."""
        return self.binding().filter(effective_at__gt=at).order_by("effective_at")

    def overdue(self, *, at: datetime) -> "DocumentVersionQuerySet":
        """What the date has put in force and the task could not note."""
        return self.filter(is_overdue(at=at))

    def light(self) -> "DocumentVersionQuerySet":
        """For lists: without the texts."""
        return self.defer(*HEAVY)


class DocumentVersion(models.Model):
    """One version of one document. A draft can be edited; from its publication on nothing but its status moves."""

    Status = VersionStatus
    TRANSITIONS = {
        VersionStatus.DRAFT: {VersionStatus.SCHEDULED, VersionStatus.IN_FORCE},
        VersionStatus.SCHEDULED: {VersionStatus.IN_FORCE, VersionStatus.WITHDRAWN},
        VersionStatus.IN_FORCE: {VersionStatus.SUPERSEDED},
        VersionStatus.SUPERSEDED: set[VersionStatus](),
        VersionStatus.WITHDRAWN: set[VersionStatus](),
    }

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True, help_text="Given at publication; a draft has none.")
    status = models.CharField(max_length=16, choices=VersionStatus, default=VersionStatus.DRAFT)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.STAFF)
    source = models.TextField(help_text="Markdown with variables; legal/documents/README.md explains it.")
    change_note = models.TextField(blank=True, help_text="What changes, and why: shown beside the version.")
    is_material = models.BooleanField(
        "material change",
        default=False,
        help_text="Changes what customers may do, get or pay: announced 30 days ahead.",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    edit_count = models.PositiveIntegerField(default=0)

    title = models.CharField(max_length=200, blank=True)
    summary = models.TextField(blank=True)
    html = models.TextField(blank=True)
    outline = models.JSONField(default=list, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, help_text="Of the text as it is shown.")
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    effective_at = models.DateTimeField(null=True, blank=True)

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "document version"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="version_status_is_known"),
            models.CheckConstraint(
                condition=Q(status="draft", number__isnull=True)
                | (
                    ~Q(status="draft")
                    & Q(number__gte=1, published_at__isnull=False, effective_at__isnull=False)
                    & ~Q(sha256="")
                    & ~Q(change_note="")
                ),
                name="version_is_complete_when_published",
            ),
            models.CheckConstraint(
                condition=Q(author__isnull=True) | Q(published_by__isnull=True) | ~Q(published_by=F("author")),
                name="version_is_not_published_by_its_author",
            ),
            # Nobody but the loader of the first texts publishes without a name.
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_by__isnull=False) | Q(origin="file", number=1),
                name="version_has_a_publisher",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(effective_at__gte=F("published_at")), name="version_is_not_backdated"
            ),
            models.UniqueConstraint(fields=["document", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["document"], condition=Q(status="draft"), name="version_one_open_draft"),
            models.UniqueConstraint(fields=["document"], condition=Q(status="in_force"), name="version_one_in_force"),
            # Two versions of one date would leave it open which of them is in force.
            models.UniqueConstraint(
                fields=["document", "effective_at"],
                condition=Q(status__in=["scheduled", "in_force", "superseded"]),
                name="version_date_once",
            ),
        ]
        permissions = [("publish_documentversion", "Can publish what somebody else wrote")]

    def __str__(self) -> str:
        return f"{self.document} {self.label}"

    @property
    def label(self) -> str:
        return f"version {self.number}" if self.number else "draft"

    @property
    def is_draft(self) -> bool:
        return self.status == VersionStatus.DRAFT

    @property
    def anchors(self) -> set[str]:
        """Every anchor of the published text."""
        return set(re.findall(r' id="([^"]+)"', self.html))

    @property
    def links(self) -> set[str]:
        """Every address that the published text links to."""
        return set(re.findall(r' href="([^"]+)"', self.html))

    def standing(self, *, at: datetime) -> VersionStatus:
        """The status by the date: an announced version is in force from its moment on, noted by a task or not."""
        if self.status == VersionStatus.SCHEDULED and self.effective_at and self.effective_at <= at:
            return VersionStatus.IN_FORCE
        return VersionStatus(self.status)

    def is_overdue(self, *, at: datetime) -> bool:
        """True for one of `overdue`: it counts for readers, and its status still says that it is to come."""
        return (
            self.status == VersionStatus.SCHEDULED
            and self.effective_at is not None
            and self.effective_at < at - OVERDUE_AFTER
        )

    def is_genuine(self) -> bool:
        """True where the stored text is the one that was published."""
        return digest(self.html) == self.sha256


def digest(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()


class DraftEdit(models.Model):
    """Who wrote in a draft: none of them may publish it."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="draft_edits")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="draft_edit_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.version}"


class PublishedPdf(models.Model):
    """The PDF of a version, made once at its publication."""

    version = models.OneToOneField(
        DocumentVersion, primary_key=True, on_delete=models.PROTECT, related_name="pdf", db_index=False
    )
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"PDF of {self.version}"
