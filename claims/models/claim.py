"""A claim for an SLA credit: what the customer says happened, and where its decision stands."""

from datetime import date, datetime

from django.db import models
from django.db.models import Q

from levqor.accounts.models import Plan
from levqor.cases.models import Case
from levqor.lib.actors import Actor
from levqor.lib.states import move


class ClaimStatus(models.TextChoices):
    DRAFTED = "drafted", "Drafted for an incident"
    RECEIVED = "received", "Received"
    IN_REVIEW = "in_review", "In review"
    WAITING = "waiting", "Waiting for the customer"
    PROPOSED = "proposed", "Waiting for approval"
    APPROVED = "approved", "Approved"
    CREDITING = "crediting", "Being credited"
    BY_HAND = "by_hand", "To be credited by hand"
    UNKNOWN = "unknown", "Unknown whether it was credited"
    CREDITED = "credited", "Credited"
    REVERSED = "reversed", "Reversed"
    REJECTED = "rejected", "Not granted"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DISMISSED = "dismissed", "Draft dismissed"


class ClaimQuerySet(models.QuerySet["Claim"]):
    def for_month(self, account_id: int, month: date) -> "ClaimQuerySet":
        return self.filter(case__account=account_id, month=month)


class Claim(models.Model):
    """One claim. Its sender, owner, deadline and messages stand on `case`."""

    Status = ClaimStatus
    TRANSITIONS = {
        ClaimStatus.DRAFTED: {ClaimStatus.PROPOSED, ClaimStatus.DISMISSED},
        ClaimStatus.DISMISSED: set[str](),
        ClaimStatus.RECEIVED: {ClaimStatus.IN_REVIEW, ClaimStatus.WITHDRAWN},
        ClaimStatus.IN_REVIEW: {
            ClaimStatus.WAITING,
            ClaimStatus.PROPOSED,
            ClaimStatus.REJECTED,
            ClaimStatus.WITHDRAWN,
        },
        ClaimStatus.WAITING: {ClaimStatus.IN_REVIEW, ClaimStatus.REJECTED, ClaimStatus.WITHDRAWN},
        # Sent back by whoever should have approved, or approved by as many as it takes.
        ClaimStatus.PROPOSED: {ClaimStatus.IN_REVIEW, ClaimStatus.APPROVED, ClaimStatus.WITHDRAWN},
        ClaimStatus.APPROVED: {ClaimStatus.CREDITING, ClaimStatus.BY_HAND},
        ClaimStatus.CREDITING: {ClaimStatus.CREDITED, ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN},
        # A person found out what became of it.
        ClaimStatus.UNKNOWN: {ClaimStatus.CREDITED, ClaimStatus.BY_HAND},
        ClaimStatus.BY_HAND: {ClaimStatus.CREDITED, ClaimStatus.CREDITING},
        ClaimStatus.CREDITED: {ClaimStatus.REVERSED},
        ClaimStatus.REVERSED: set[str](),
        # A customer may ask for a new decision.
        ClaimStatus.REJECTED: {ClaimStatus.IN_REVIEW},
        ClaimStatus.WITHDRAWN: set[str](),
    }

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="claim")
    status = models.CharField(max_length=16, choices=ClaimStatus, default=ClaimStatus.RECEIVED)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", help_text="As the customer named it.")
    incident_at = models.DateTimeField()
    is_whole_day = models.BooleanField(default=False, help_text="The customer named a day and no time.")
    month = models.DateField(help_text="The first day of the calendar month (UTC) that the credit is for.")
    description = models.TextField()
    # What we told the customer at once, as it was then.
    eligibility = models.JSONField(default=dict)
    joined_to = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="joined",
        help_text="Same account, same month.",
    )

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ClaimStatus.values), name="claim_status_known"),
            models.CheckConstraint(condition=Q(month__day=1), name="claim_month_is_its_first_day"),
        ]
        indexes = [models.Index(fields=["month"], name="claim_month")]

    def __str__(self) -> str:
        return str(self.case)

    @property
    def credited_plan(self) -> Plan:
        """The plan whose price a credit is a share of: the account's, else the one that the customer named."""
        account = self.case.account
        return account.plan if account and account.plan else self.plan

    @property
    def is_open(self) -> bool:
        """Not decided yet: the customer may write about it and withdraw it."""
        undecided = {ClaimStatus.RECEIVED, ClaimStatus.IN_REVIEW, ClaimStatus.WAITING, ClaimStatus.PROPOSED}
        return self.status in undecided

    def review(self, *, by: Actor, at: datetime, reason: str = "") -> None:
        move(self, ClaimStatus.IN_REVIEW, by=by, at=at, reason=reason)

    def dismiss(self, *, by: Actor, at: datetime, reason: str) -> None:
        move(self, ClaimStatus.DISMISSED, by=by, at=at, reason=reason)

    def wait(self, *, by: Actor, at: datetime, reason: str = "") -> None:
        move(self, ClaimStatus.WAITING, by=by, at=at, reason=reason)

    def reject(self, *, by: Actor, at: datetime, reason: str) -> None:
        move(self, ClaimStatus.REJECTED, by=by, at=at, reason=reason)

    def withdraw(self, *, by: Actor, at: datetime) -> None:
        move(self, ClaimStatus.WITHDRAWN, by=by, at=at)
