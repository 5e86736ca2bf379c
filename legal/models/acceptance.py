"""Who accepted which agreement, when, in which words: never changed, and kept until nobody can sue on it any more."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from legal.models.document import DocumentVersion


class BuyerKind(models.TextChoices):
    CONSUMER = "consumer", "Consumer"
    BUSINESS = "business", "Business"


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    def same_as(self, other: "Acceptance") -> "AcceptanceQuerySet":
        """The one that says the same: same person, package, price, declarations and versions."""
        return self.filter(
            email__iexact=other.email,
            company__iexact=other.company,
            package_slug=other.package_slug,
            price_cents=other.price_cents,
            currency=other.currency,
            kind=other.kind,
            wants_early_start=other.wants_early_start,
            acknowledges_loss=other.acknowledges_loss,
            bound_sha256=other.bound_sha256,
        )

    def expired(self, *, at: datetime) -> "AcceptanceQuerySet":
        return self.filter(keep_until__lte=at)


class Acceptance(models.Model):
    """One person's acceptance of the done-for-you agreement. The database refuses UPDATE, and DELETE before its time."""

    reference = models.CharField(max_length=32, unique=True)
    accepted_at = models.DateTimeField()
    full_name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254)
    company = models.CharField(max_length=200, blank=True)
    kind = models.CharField("bought as", max_length=16, choices=BuyerKind)

    package_slug = models.SlugField()
    package_name = models.CharField(max_length=80)
    price_cents = models.PositiveIntegerField(help_text="As it was shown.")
    currency = models.CharField(max_length=3)

    sentence = models.TextField(help_text="The words that stood above the button.")
    button = models.CharField(max_length=80)
    wants_early_start = models.BooleanField("asked to begin within the 14 days")
    acknowledges_loss = models.BooleanField("acknowledged losing the right to cancel")
    declarations = models.JSONField(
        default=dict, help_text="The words beside each box that was shown, and whether ticked."
    )
    locale = models.CharField(max_length=16)
    request_id = models.CharField(max_length=128, blank=True)
    submission = models.UUIDField(help_text="Of the form as it was shown: a second press of its button is the same.")

    bound_sha256 = models.CharField(
        max_length=64, help_text="SHA-256 over the hashes of all bound documents, in order."
    )
    receipt = models.TextField(help_text="The receipt, as JSON.")
    receipt_sha256 = models.CharField("receipt code", max_length=64, unique=True)
    receipt_pdf = models.BinaryField()
    receipt_pdf_sha256 = models.CharField(max_length=64, unique=True)
    keep_until = models.DateTimeField()

    documents: "models.ManyToManyField[DocumentVersion, AcceptedDocument]" = models.ManyToManyField(
        DocumentVersion, through="AcceptedDocument", related_name="acceptances"
    )

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        indexes = [
            # Retention, and the list of the back office.
            models.Index(fields=["keep_until"], name="acceptance_keep_until"),
            models.Index(fields=["accepted_at"], name="acceptance_accepted_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("email"), Lower("company"), "package_slug", "price_cents", "currency", "kind", "wants_early_start",
                "acknowledges_loss", "bound_sha256",
                name="acceptance_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=BuyerKind.values), name="acceptance_kind_is_known"),
            # A business has no right to cancel, so it can neither waive nor shorten it.
            models.CheckConstraint(
                condition=Q(kind="consumer") | Q(wants_early_start=False, acknowledges_loss=False),
                name="acceptance_boxes_are_for_consumers",
            ),
            models.CheckConstraint(
                condition=Q(keep_until__gt=models.F("accepted_at")), name="acceptance_is_kept_for_a_while"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.reference

    @property
    def has_annex(self) -> bool:
        """Whether the address it came from is still known; reads the annex."""
        return hasattr(self, "annex")


class AcceptedDocument(models.Model):
    """One document that an acceptance binds to, with the hash that it had. The database refuses UPDATE."""

    acceptance = models.ForeignKey(Acceptance, on_delete=models.CASCADE, related_name="accepted_documents")
    version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="accepted_documents")
    position = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["acceptance", "version"], name="accepted_document_once"),
            models.UniqueConstraint(fields=["acceptance", "position"], name="accepted_document_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.acceptance}"


class AcceptanceAnnex(models.Model):
    """Where an acceptance came from. Erased after 90 days, or earlier on request, without touching the acceptance."""

    acceptance = models.OneToOneField(Acceptance, primary_key=True, on_delete=models.CASCADE, related_name="annex")
    ip_address = models.CharField("IP address", max_length=64)
    user_agent = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "acceptance annexes"

    def __str__(self) -> str:
        return f"annex of {self.acceptance_id}"


class ReceiptLink(models.Model):
    """A link to a receipt's page: the secret is in the mail alone, its SHA-256 here."""

    acceptance = models.ForeignKey(Acceptance, on_delete=models.CASCADE, related_name="receipt_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"link to {self.acceptance_id}"
