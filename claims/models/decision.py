"""Deciding a claim by two people, and the money that follows from it."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from claims.models.claim import Claim, ClaimStatus
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.money import format_money
from levqor.lib.states import move

# Above this, and for every amount that a person chose, two have to approve. In the currency's smallest unit.
# A trigger of the database counts by the same number.
SECOND_APPROVAL_ABOVE: Final = 25_000
LEASE: Final = timedelta(minutes=5)


class DecisionError(Exception):
    """What was asked for is not possible; the text says why and is fit for people."""


class ProposalStatus(models.TextChoices):
    PENDING = "pending", "Waiting for approval"
    APPROVED = "approved", "Approved"
    # By whoever should have approved it, or taken back by whoever proposed it.
    RETURNED = "returned", "Not approved"


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def holding(self, account_id: int, month: date) -> "ProposalQuerySet":
        """The credits that were granted to the account for the month, or may be: approved or proposed, and not reversed."""
        granted = Q(status=ProposalStatus.APPROVED) & ~Q(claim__status=ClaimStatus.REVERSED)
        # A proposal dies with its claim: where the customer withdraws it, nobody sends the proposal back.
        proposed = Q(status=ProposalStatus.PENDING, claim__status=ClaimStatus.PROPOSED)
        of_month = self.filter(claim__case__account=account_id, claim__month=month, kind=ProposalKind.CREDIT)
        return of_month.filter(granted | proposed)


class ProposalKind(models.TextChoices):
    CREDIT = "credit", "Credit"
    REVERSAL = "reversal", "Reversal"


class Proposal(models.Model):
    """An amount that somebody of the staff proposes, with the sum it comes from; others approve it or send it back."""

    Status = ProposalStatus
    TRANSITIONS = {
        ProposalStatus.PENDING: {ProposalStatus.APPROVED, ProposalStatus.RETURNED},
        ProposalStatus.APPROVED: set[str](),
        ProposalStatus.RETURNED: set[str](),
    }

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="proposals")
    kind = models.CharField(max_length=8, choices=ProposalKind, default=ProposalKind.CREDIT)
    status = models.CharField(max_length=8, choices=ProposalStatus, default=ProposalStatus.PENDING)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    is_manual = models.BooleanField(
        default=False, help_text="A person chose the amount: it is not what the measurement gives."
    )
    reason = models.TextField(help_text="For those who approve, and for the customer.")
    measurement = models.JSONField(default=dict, help_text="All inputs of the sum, as they were when it was proposed.")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        permissions = [
            ("propose_credit", "May propose and refuse credits"),
            ("approve_credit", "May approve, send back and reverse credits"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ProposalStatus.values), name="proposal_status_known"),
            models.CheckConstraint(condition=Q(kind__in=ProposalKind.values), name="proposal_kind_known"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="proposal_is_of_an_amount"),
            models.CheckConstraint(condition=~Q(reason=""), name="proposal_has_a_reason"),
            models.UniqueConstraint(fields=["claim"], condition=Q(status="pending"), name="proposal_one_at_a_time"),
            models.UniqueConstraint(
                fields=["claim", "kind"], condition=Q(status="approved"), name="proposal_approved_once_of_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.amount} for {self.claim}"

    @property
    def amount(self) -> str:
        return format_money(self.amount_cents, self.currency)

    @property
    def approvals_needed(self) -> int:
        return 2 if self.is_manual or self.amount_cents > SECOND_APPROVAL_ABOVE else 1

    def settle(self, status: ProposalStatus, *, by: Actor, at: datetime, reason: str = "") -> None:
        move(self, status, by=by, at=at, reason=reason)


class Approval(models.Model):
    """One person's yes. The database refuses the proposer's own, and a second one by the same person."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # The proposal's own, repeated here for the constraint: a trigger holds the two equal.
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField()
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proposal", "approver"], name="approval_once_by_a_person"),
            models.CheckConstraint(condition=~Q(approver=F("proposer")), name="approval_not_by_the_proposer"),
        ]

    def __str__(self) -> str:
        return f"approval of {self.proposal_id} by {self.approver_id}"


class CreditStatus(models.TextChoices):
    PENDING = "pending", "To be sent"
    SENDING = "sending", "Being sent"
    APPLIED = "applied", "Applied"
    BY_HAND = "by_hand", "To be done by hand"
    UNKNOWN = "unknown", "Unknown whether it was applied"


class CreditEntryQuerySet(models.QuerySet["CreditEntry"]):
    def due(self, *, at: datetime) -> "CreditEntryQuerySet":
        """What the drain may take up: entries that wait, and those whose sender fell silent."""
        waiting = Q(status=CreditStatus.PENDING, next_attempt_at__lte=at)
        abandoned = Q(status=CreditStatus.SENDING, lease_until__lt=at)
        return self.filter(waiting | abandoned).order_by("next_attempt_at", "pk")


class CreditEntry(models.Model):
    """The ledger: money that goes to a customer's balance at Stripe, or comes back, exactly once per claim and kind."""

    Status = CreditStatus
    TRANSITIONS = {
        CreditStatus.PENDING: {CreditStatus.SENDING, CreditStatus.BY_HAND},
        # A lease that ran out is taken over: sending again with the same key.
        CreditStatus.SENDING: {
            CreditStatus.SENDING,
            CreditStatus.PENDING,
            CreditStatus.APPLIED,
            CreditStatus.BY_HAND,
            CreditStatus.UNKNOWN,
        },
        CreditStatus.BY_HAND: {CreditStatus.APPLIED, CreditStatus.PENDING},
        CreditStatus.UNKNOWN: {CreditStatus.APPLIED, CreditStatus.BY_HAND},
        CreditStatus.APPLIED: set[str](),
    }

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="credit_entries")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="entry")
    kind = models.CharField(max_length=8, choices=ProposalKind)
    status = models.CharField(max_length=8, choices=CreditStatus, default=CreditStatus.PENDING)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    stripe_transaction_id = models.CharField(max_length=255, blank=True)
    external_reference = models.CharField(
        max_length=200, blank=True, help_text="What a person did in place of Stripe's balance."
    )
    attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    # Nullable, so that SQLite adds the column without making the table anew, which would drop its triggers.
    ordered_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person sent it to the balance, whether or not an invoice is to come."
    )
    created_at = models.DateTimeField()

    objects = CreditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "credit"
        verbose_name_plural = "credits"
        constraints = [
            models.UniqueConstraint(fields=["claim", "kind"], name="credit_once_per_claim_and_kind"),
            models.UniqueConstraint(
                fields=["stripe_transaction_id"], condition=~Q(stripe_transaction_id=""), name="credit_transaction_once"
            ),
            models.CheckConstraint(condition=Q(status__in=CreditStatus.values), name="credit_status_known"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="credit_is_of_an_amount"),
            models.CheckConstraint(
                condition=~Q(status="applied") | Q(applied_at__isnull=False), name="credit_applied_has_its_time"
            ),
        ]
        indexes = [models.Index(fields=["status", "next_attempt_at"], name="credit_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.amount} for {self.claim}"

    @property
    def amount(self) -> str:
        return format_money(self.amount_cents, self.currency)

    @property
    def key(self) -> str:
        """What makes it one at Stripe, however often it is sent."""
        return f"credit-{self.claim.case.reference}-{self.kind}"

    @property
    def balance_cents(self) -> int:
        """As Stripe counts the customer's balance: what they gain is negative, what they owe is positive."""
        return -self.amount_cents if self.kind == ProposalKind.CREDIT else self.amount_cents

    def take(self, *, at: datetime) -> bool:
        """Takes the entry for one attempt, in the caller's transaction; False where another process has it."""
        free = CreditEntry.objects.due(at=at).filter(pk=self.pk, attempts=self.attempts)
        first = Coalesce("first_attempt_at", models.Value(at, output_field=models.DateTimeField()))
        if not free.update(attempts=F("attempts") + 1, first_attempt_at=first, lease_until=at + LEASE):
            return False
        self.refresh_from_db(fields=["status", "attempts", "first_attempt_at", "lease_until", "stripe_customer_id"])
        self.change(CreditStatus.SENDING, by=SYSTEM, at=at)
        return True

    def change(self, status: CreditStatus, *, by: Actor, at: datetime, **changes: Any) -> None:
        move(self, status, by=by, at=at, **changes)
