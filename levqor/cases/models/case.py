"""What every claim and dispute has: who wrote, who has it, and whether it is still open."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.guard.references import Series
from levqor.lib.actors import Actor
from levqor.lib.states import StaleStateError


class Source(models.TextChoices):
    PAGE = "page", "Form on the site"
    API = "api", "API"
    STAFF = "staff", "Entered by staff"
    INCIDENT = "incident", "Drafted for an incident"


class CaseQuerySet(models.QuerySet["Case"]):
    def unsettled(self) -> "CaseQuerySet":
        return self.filter(closed_at__isnull=True)

    def owned_by(self, user_id: int) -> "CaseQuerySet":
        return self.filter(owner_id=user_id)

    def locked(self, pk: int) -> "Case":
        """The case, locked until the end of the transaction, so that of two people one sees what the other did."""
        return self.select_for_update(of=("self",)).get(pk=pk)


class Case(models.Model):
    """The part of a claim or dispute that both have. Its status stands on the claim or the dispute, which point here."""

    series = models.CharField(max_length=3, choices=Series)
    reference = models.CharField(max_length=24, unique=True)
    source = models.CharField(max_length=8, choices=Source)
    full_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    account_name = models.CharField("account or company", max_length=200, blank=True, help_text="As it was typed.")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.PROTECT, related_name="cases")
    submitted_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owned_since = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When staff first answered.")
    closed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When the person’s data was taken out.")
    # Counts what staff and customer did, so that a page that was opened before is told so.
    revision = models.PositiveIntegerField(default=0)
    # Part of the tracking token: a new link makes the old ones worthless.
    link_number = models.PositiveSmallIntegerField(default=1)

    objects = CaseQuerySet.as_manager()

    class Meta:
        permissions = [("erase_person", "May hand out and erase what is held of a person")]
        constraints = [
            models.CheckConstraint(condition=Q(series__in=Series.values), name="case_series_known"),
            models.CheckConstraint(
                condition=Q(owner__isnull=True) | Q(owned_since__isnull=False), name="case_owner_since_when"
            ),
        ]
        indexes = [
            # The queue: what is not closed yet, by owner.
            models.Index(fields=["owner", "submitted_at"], condition=Q(closed_at__isnull=True), name="case_queue"),
            models.Index(fields=["account", "submitted_at"], name="case_of_account"),
            models.Index(fields=["email"], name="case_email"),
        ]

    def __str__(self) -> str:
        return self.reference

    def touch(self, *, read_at_revision: int | None = None) -> None:
        """Counts a change; raises StaleStateError where somebody changed the case since it was read."""
        rows = Case.objects.filter(pk=self.pk)
        if read_at_revision is not None:
            rows = rows.filter(revision=read_at_revision)
        if not rows.update(revision=F("revision") + 1):
            raise StaleStateError(f"{self} was changed by somebody else in the meantime; look at it again.")

    def assign(self, owner_id: int | None, *, by: Actor, at: datetime, reason: str = "") -> None:
        """Gives the case to somebody, or back to nobody; raises StaleStateError where its owner changed meanwhile."""
        since = at if owner_id else None
        unchanged = Case.objects.filter(pk=self.pk, owner=self.owner_id)
        if not unchanged.update(owner=owner_id, owned_since=since, revision=F("revision") + 1):
            raise StaleStateError(f"{self} was given to somebody else in the meantime; look at it again.")
        record("assigned", self, by=by, at=at, reason=reason, changes={"owner": [self.owner_id, owner_id]})
        self.owner_id, self.owned_since = owner_id, since

    def tie_to(self, account: Account | None, *, by: Actor, at: datetime, reason: str) -> None:
        """Says whose case it is, where the address does not."""
        Case.objects.filter(pk=self.pk).update(account=account, revision=F("revision") + 1)
        changes = {"account": [self.account_id, account.pk if account else None]}
        record("tied", self, by=by, at=at, reason=reason, changes=changes)
        self.account = account


class CaseAnnex(models.Model):
    """Where a case came from. Kept apart, so that it can be erased alone and before the rest."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, primary_key=True, related_name="annex")
    network = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    class Meta:
        verbose_name_plural = "case annexes"

    def __str__(self) -> str:
        return f"annex of case {self.case_id}"


class CaseRepeat(models.Model):
    """What came in, as a digest: the same content from the same sender within a day is the same case."""

    digest = models.CharField(max_length=64, primary_key=True)
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"repeat of case {self.case_id}"


class CaseViewer(models.Model):
    """Who of the staff looked at a case when, so that two people on one case see each other."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="viewers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="case_viewer_once")]

    def __str__(self) -> str:
        return f"{self.user_id} looks at case {self.case_id}"
