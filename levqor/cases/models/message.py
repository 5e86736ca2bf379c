"""What was said about a case, to the customer or among staff, and the files that came with it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from levqor.cases.models.case import Case


class Side(models.TextChoices):
    CUSTOMER = "customer", "Customer"
    STAFF = "staff", "Levqor"


class CaseMessageQuerySet(models.QuerySet["CaseMessage"]):
    def public(self) -> "CaseMessageQuerySet":
        """What the customer may read. Every page, mail and export for customers goes through here."""
        return self.filter(is_public=True)


class CaseMessage(models.Model):
    """Something written: public for customer and staff, or a note that stays among staff."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages")
    side = models.CharField(max_length=8, choices=Side)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_public = models.BooleanField(default=False)
    body = models.TextField()
    written_at = models.DateTimeField()
    # Of the form that it was typed into: pressing its button twice writes it once.
    submission = models.UUIDField(unique=True, null=True, editable=False)

    objects = CaseMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(side__in=Side.values), name="case_message_side_known"),
            models.CheckConstraint(
                condition=Q(side="staff") | Q(is_public=True), name="case_message_of_customers_is_public"
            ),
        ]
        indexes = [models.Index(fields=["case", "written_at"], name="case_message_timeline")]

    def __str__(self) -> str:
        return f"message {self.pk} of case {self.case_id}"


class FileContent(models.Model):
    """The bytes of a file, apart from its row, so that lists do not carry them."""

    content = models.BinaryField()

    def __str__(self) -> str:
        return f"content {self.pk}"


class CaseFileQuerySet(models.QuerySet["CaseFile"]):
    def public(self) -> "CaseFileQuerySet":
        """What the customer may have: what they sent themselves, and what hangs on a public message."""
        return self.filter(Q(message__isnull=True, side=Side.CUSTOMER) | Q(message__is_public=True))


class CaseFile(models.Model):
    """A file that came with a case. It is only ever served as a download, under a name that we made safe."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="files")
    message = models.ForeignKey(CaseMessage, null=True, blank=True, on_delete=models.CASCADE, related_name="files")
    side = models.CharField(max_length=8, choices=Side)
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    content = models.OneToOneField(FileContent, on_delete=models.PROTECT, related_name="file")
    uploaded_at = models.DateTimeField()

    objects = CaseFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "name", "sha256"], name="case_file_once_in_a_message")
        ]

    def __str__(self) -> str:
        return self.name
