"""A dispute: what it is about, at which stage of our procedure it stands, and whether we or the customer have to act."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import PaymentDispute
from levqor.cases.models import Case
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError, move


class Category(models.TextChoices):
    BILLING = "billing", "Billing"
    SERVICE = "service", "Service"
    SLA = "sla", "Uptime and SLA credits"
    CONTRACT = "contract", "Contract"
    PRIVACY = "privacy", "Privacy and personal data"
    ACCOUNT = "account", "Account"
    OTHER = "other", "Something else"


class Stage(models.TextChoices):
    SUPPORT = "support", "Support"
    ESCALATION = "escalation", "Escalation"
    COMPLAINT = "complaint", "Formal complaint"
    EXTERNAL = "external", "Outside of Levqor"


class DisputeStatus(models.TextChoices):
    OPEN = "open", "With us"
    WAITING = "waiting", "Waiting for the customer"
    ANSWERED = "answered", "Answered"
    RESOLVED = "resolved", "Resolved"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Outcome(models.TextChoices):
    AGREED = "agreed", "We agreed with the customer"
    PARTLY = "partly", "We agreed in part"
    NOT_AGREED = "not_agreed", "We did not agree"
    ACCEPTED = "accepted", "The customer accepted our answer"
    SILENT = "silent", "The customer did not reply to our answer"
    DUPLICATE = "duplicate", "Goes on under another reference"


class Dispute(models.Model):
    """One dispute. Its sender, owner, deadlines and messages stand on `case`."""

    # Two fields move through one table: no stage has the name of a state.
    TRANSITIONS: Final[dict[str, set[str]]] = {
        Stage.SUPPORT: {Stage.ESCALATION},
        Stage.ESCALATION: {Stage.COMPLAINT},
        Stage.COMPLAINT: {Stage.EXTERNAL},
        Stage.EXTERNAL: set(),
        DisputeStatus.OPEN: {
            DisputeStatus.WAITING,
            DisputeStatus.ANSWERED,
            DisputeStatus.RESOLVED,
            DisputeStatus.WITHDRAWN,
        },
        DisputeStatus.WAITING: {
            DisputeStatus.OPEN,
            DisputeStatus.ANSWERED,
            DisputeStatus.RESOLVED,
            DisputeStatus.WITHDRAWN,
        },
        # The customer writes again or goes a stage up, or is content.
        DisputeStatus.ANSWERED: {DisputeStatus.OPEN, DisputeStatus.RESOLVED, DisputeStatus.WITHDRAWN},
        # Who is not content with how it ended goes a stage up; staff may take it up again.
        DisputeStatus.RESOLVED: {DisputeStatus.OPEN},
        DisputeStatus.WITHDRAWN: set(),
    }

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="dispute")
    category = models.CharField(max_length=8, choices=Category)
    subject = models.CharField(max_length=200)
    description = models.TextField()
    desired_resolution = models.TextField(blank=True)
    ticket_numbers = models.JSONField(default=list, blank=True)
    stage = models.CharField(max_length=10, choices=Stage)
    filed_stage = models.CharField("filed at", max_length=10, choices=Stage)
    status = models.CharField(max_length=9, choices=DisputeStatus, default=DisputeStatus.OPEN)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(category__in=Category.values), name="dispute_category_known"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="dispute_stage_known"),
            models.CheckConstraint(
                condition=Q(filed_stage__in=[stage for stage in Stage.values if stage != Stage.EXTERNAL]),
                name="dispute_filed_at_a_stage_of_ours",
            ),
            models.CheckConstraint(condition=Q(status__in=DisputeStatus.values), name="dispute_status_known"),
            models.CheckConstraint(
                condition=~Q(stage=Stage.EXTERNAL, status=DisputeStatus.WAITING),
                name="dispute_outside_waits_for_nobody",
            ),
            models.CheckConstraint(
                condition=Q(status=DisputeStatus.RESOLVED, outcome__in=Outcome.values)
                | (~Q(status=DisputeStatus.RESOLVED) & Q(outcome="")),
                name="dispute_resolved_has_its_outcome",
            ),
        ]

    def __str__(self) -> str:
        return str(self.case)

    @property
    def is_open(self) -> bool:
        """Neither settled nor withdrawn: the customer may write about it."""
        return self.status in {DisputeStatus.OPEN, DisputeStatus.WAITING, DisputeStatus.ANSWERED}

    @property
    def next_stage(self) -> Stage | None:
        """The only stage that it can move to."""
        following = self.TRANSITIONS[self.stage]
        return Stage(min(following)) if following else None

    def _become(self, status: DisputeStatus, *, by: Actor, at: datetime, reason: str = "", **changes: Any) -> None:
        move(self, status, by=by, at=at, reason=reason, **changes)

    def wait(self, *, by: Actor, at: datetime) -> None:
        self._become(DisputeStatus.WAITING, by=by, at=at)

    def answer(self, *, by: Actor, at: datetime) -> None:
        self._become(DisputeStatus.ANSWERED, by=by, at=at)

    def open_again(self, *, by: Actor, at: datetime, reason: str = "") -> None:
        self._become(DisputeStatus.OPEN, by=by, at=at, reason=reason, outcome="")

    def resolve(self, outcome: Outcome, *, by: Actor, at: datetime, reason: str = "") -> None:
        self._become(DisputeStatus.RESOLVED, by=by, at=at, reason=reason, outcome=outcome)

    def withdraw(self, *, by: Actor, at: datetime) -> None:
        self._become(DisputeStatus.WITHDRAWN, by=by, at=at)

    def move_up(self, *, by: Actor, at: datetime, reason: str = "") -> None:
        """One stage up, and with us again. Raises IllegalMoveError where there is none, or it was withdrawn."""
        to = self.next_stage
        if to is None:
            raise IllegalMoveError(f"{self} is at the last stage already.")
        if self.status != DisputeStatus.OPEN:
            self.open_again(by=by, at=at)
        move(self, to, by=by, at=at, reason=reason, field="stage")


class LetterKind(models.TextChoices):
    DECISION = "decision", "Final response"
    TIME_LIMIT = "time_limit", "Letter at the end of the time limit"


class Letter(models.Model):
    """What ends our procedure in writing: frozen with its PDF, by the database too. Only erasing a person empties it."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="letters")
    kind = models.CharField(max_length=10, choices=LetterKind)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    body = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    issued_at = models.DateTimeField()
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dispute", "kind"], name="dispute_letter_once_of_a_kind"),
            models.CheckConstraint(
                condition=Q(kind=LetterKind.DECISION, author__isnull=False, outcome__in=Outcome.values)
                | Q(kind=LetterKind.TIME_LIMIT, author__isnull=True, outcome=""),
                name="dispute_letter_of_a_person_decides",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in {self.dispute}"

    @property
    def file_name(self) -> str:
        return f"{self.dispute.case.reference}-{self.kind.replace('_', '-')}.pdf"


class Chargeback(models.Model):
    """What a bank asks of us about a payment. Its status and sum stand on billing's row; here is what staff have to do."""

    payment = models.OneToOneField(PaymentDispute, on_delete=models.CASCADE, related_name="chargeback")
    evidence_due_at = models.DateTimeField(null=True, blank=True, help_text="Empty: Stripe takes no evidence.")
    is_answered = models.BooleanField("evidence sent", default=False)
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the last warning.")

    def __str__(self) -> str:
        return self.payment.dispute_id

    @property
    def needs_evidence(self) -> bool:
        """Whether a person can still do something about it."""
        return self.payment.status in NEEDS_EVIDENCE and not self.is_answered and self.evidence_due_at is not None


# Stripe's own words: https://docs.stripe.com/api/disputes/object#dispute_object-status
NEEDS_EVIDENCE: Final = ("warning_needs_response", "needs_response", "appeal_needs_response")
