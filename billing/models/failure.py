"""A failed payment as a case: one per invoice, from the first failure to the money or the end."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.policy import DunningPolicy
from levqor.accounts.models import Account
from levqor.lib.actors import Actor
from levqor.lib.money import format_money, format_totals
from levqor.lib.states import move


class FailureStatus(models.TextChoices):
    OPEN = "open", "Open"
    RECOVERED = "recovered", "Recovered"
    EXHAUSTED = "exhausted", "All steps done"
    CLOSED = "closed", "Closed"


class CloseReason(models.TextChoices):
    VOIDED = "voided", "Invoice voided"
    FORGIVEN = "forgiven", "Debt forgiven"
    SUBSCRIPTION_ENDED = "subscription_ended", "Subscription ended"
    CUSTOMER_DELETED = "customer_deleted", "Customer deleted at Stripe"
    STOPPED = "stopped", "Stopped by staff"


class Flag(models.TextChoices):
    """Why a person has to look at the case."""

    BOUNCED = "bounced", "Mail bounced"
    NOT_SENT = "not_sent", "Mail not sent"
    UNKNOWN_SEND = "unknown_send", "Unknown whether a mail was sent"
    UNKNOWN_INVOICE = "unknown_invoice", "Stripe does not know the invoice"
    NO_ADDRESS = "no_address", "No address to write to"
    ODD_STATE = "odd_state", "Unexpected state at Stripe"
    UNKNOWN_CHARGE = "unknown_charge", "Unknown whether the new card was charged"
    RETURNED = "returned", "Pays for a new subscription while an old debt is open"


class RecoveryMethod(models.TextChoices):
    """How the money came in the end."""

    STRIPE_RETRY = "stripe_retry", "Stripe tried the card again"
    NEW_CARD = "new_card", "New card, charged by Levqor"
    CUSTOMER = "customer", "Paid by the customer"
    OUT_OF_BAND = "out_of_band", "Paid outside of Stripe"
    CREDIT_NOTE = "credit_note", "Settled by a credit note"
    UNKNOWN = "unknown", "Stripe did not tell"


def total_of(cases: Iterable["PaymentFailure"]) -> str:
    """What is owed in all of these cases, as people write it: `£30.00 and €12.00`."""
    totals: dict[str, int] = {}
    for case in cases:
        totals[case.currency] = totals.get(case.currency, 0) + case.amount_cents
    return format_totals(totals)


class PaymentFailureQuerySet(models.QuerySet["PaymentFailure"]):
    def unsettled(self) -> "PaymentFailureQuerySet":
        """Cases whose invoice is still owed: open ones and those whose steps are all done."""
        return self.filter(status__in=[FailureStatus.OPEN, FailureStatus.EXHAUSTED])

    def suspension_due(self, *, at: datetime) -> "PaymentFailureQuerySet":
        return self.unsettled().filter(suspend_at__lte=at, suspended_at=None, flag="")

    def due_within(self, days: int, *, at: datetime) -> "PaymentFailureQuerySet":
        """Open cases with a planned step before the end of this day (or of so many days), by our own clock."""
        midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filter(status=FailureStatus.OPEN, next_step_at__lt=midnight + timedelta(days))


IS_OWED = Q(resolved_at__isnull=True)


def _list_indexes() -> list[models.Index]:
    """The pages of the queue: each filter and each order by an index that ends in the queue's own order.

    What is owed is a small part of a table that only grows, so its indexes hold nothing else. Rare marks have one of
    their own. That a case is owed is asked of `resolved_at`: SQLite recognises no condition on a status.
    """
    oldest_first = ["failure_date", "id"]
    return [
        models.Index(fields=["status", *oldest_first], name="failure_queue"),
        models.Index(fields=oldest_first, name="failure_oldest"),
        models.Index(fields=["amount_cents", *oldest_first], name="failure_amount"),
        models.Index(fields=["invoice_number", *oldest_first], name="failure_number"),
        models.Index(fields=["next_step_at", *oldest_first], name="failure_next_step"),
        models.Index(fields=oldest_first, condition=IS_OWED, name="failure_owed"),
        models.Index(fields=["-is_flagged", *oldest_first], condition=IS_OWED, name="failure_owed_flagged"),
        models.Index(fields=["amount_cents", *oldest_first], condition=IS_OWED, name="failure_owed_amount"),
        models.Index(fields=["invoice_number", *oldest_first], condition=IS_OWED, name="failure_owed_number"),
        models.Index(fields=["plan_name", *oldest_first], condition=IS_OWED, name="failure_owed_plan"),
        # With the amount, so that the totals are added up from the index alone.
        models.Index(
            fields=["currency", *oldest_first, "amount_cents"], condition=IS_OWED, name="failure_owed_currency"
        ),
        models.Index(fields=oldest_first, condition=~Q(flag=""), name="failure_flagged"),
        models.Index(fields=oldest_first, condition=~Q(hold_reason=""), name="failure_held"),
        models.Index(fields=oldest_first, condition=Q(paused_at__isnull=False), name="failure_paused"),
    ]


class PaymentFailure(models.Model):
    """One invoice that could not be collected. The ids with a Stripe prefix in their value are Stripe's."""

    Status = FailureStatus
    TRANSITIONS = {
        FailureStatus.OPEN: {FailureStatus.RECOVERED, FailureStatus.EXHAUSTED, FailureStatus.CLOSED},
        FailureStatus.EXHAUSTED: {FailureStatus.RECOVERED, FailureStatus.CLOSED},
        # An uncollectible or given-up invoice may still be paid one day.
        FailureStatus.CLOSED: {FailureStatus.RECOVERED},
        FailureStatus.RECOVERED: set[str](),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payment_failures")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    policy = models.ForeignKey(DunningPolicy, on_delete=models.PROTECT)
    livemode = models.BooleanField()
    invoice_id = models.CharField(max_length=255)
    subscription_id = models.CharField(max_length=255, blank=True)
    invoice_number = models.CharField(max_length=100, blank=True)
    plan_name = models.CharField(max_length=120, blank=True)
    amount_cents = models.BigIntegerField(help_text="What is still owed, in the currency's smallest unit.")
    currency = models.CharField(max_length=3)
    billing_reason = models.CharField(max_length=40, blank=True)
    failure_date = models.DateTimeField(help_text="The first failure; all steps count from here.")
    attempt_count = models.PositiveIntegerField(default=0)
    next_payment_attempt = models.DateTimeField(null=True, blank=True)
    decline_code = models.CharField(max_length=60, blank=True)
    needs_authentication = models.BooleanField(
        default=False, help_text="The bank asks the customer to confirm (3-D Secure)."
    )
    test_clock_id = models.CharField(
        max_length=255, blank=True, help_text="Set where a test clock of Stripe's runs it."
    )

    status = models.CharField(max_length=16, choices=FailureStatus, default=FailureStatus.OPEN)
    close_reason = models.CharField(max_length=32, choices=CloseReason, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True, help_text="Empty while paused: until a person resumes.")
    hold_reason = models.CharField(max_length=40, blank=True, help_text="Why the last pass held a due step.")
    flag = models.CharField(max_length=32, choices=Flag, blank=True)
    is_flagged = models.GeneratedField(  # in the rows themselves, so that an index can put these first
        expression=models.ExpressionWrapper(~Q(flag=""), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    flagged_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the invoice was last read from Stripe.")
    suspend_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    next_step_at = models.DateTimeField(
        null=True, blank=True, help_text="When the first unsent step is due; kept by billing/steps.py, for the queue."
    )
    paid_before_cents = models.BigIntegerField(default=0, help_text="What was paid of the invoice before the case.")
    paid_cents = models.BigIntegerField(default=0, help_text="What was paid of the invoice when it was last read.")
    recovered_cents = models.BigIntegerField(default=0)
    recovered_out_of_band = models.BooleanField(default=False)
    recovered_after_step = models.PositiveSmallIntegerField(null=True, blank=True)
    recovery_method = models.CharField(max_length=16, choices=RecoveryMethod, blank=True)
    reversed_cents = models.BigIntegerField(default=0, help_text="What disputes took back of the recovered money.")
    recovery_reversed_at = models.DateTimeField(null=True, blank=True, help_text="A later dispute took the money back.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = PaymentFailureQuerySet.as_manager()

    class Meta:
        db_table = "payment_failures"
        verbose_name = "failed payment"
        permissions = [("steer_dunning", "May pause, resend, stop, exempt and restore")]
        constraints = [
            models.UniqueConstraint(fields=["invoice_id", "livemode"], name="failure_once_per_invoice"),
            models.CheckConstraint(condition=Q(status__in=FailureStatus.values), name="failure_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=["recovered", "closed"], resolved_at__isnull=False)
                | Q(status__in=["open", "exhausted"], resolved_at__isnull=True),
                name="failure_resolved_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(recovered_cents__gte=0, reversed_cents__gte=0, reversed_cents__lte=F("recovered_cents")),
                name="failure_loses_no_more_than_it_recovered",
            ),
            models.CheckConstraint(
                condition=Q(reversed_cents=0, recovery_reversed_at__isnull=True)
                | Q(reversed_cents__gt=0, recovery_reversed_at__isnull=False),
                name="failure_reversal_has_its_time",
            ),
        ]
        indexes = [
            # Everything one account owes.
            models.Index(fields=["account", "status"], name="failure_of_account"),
            *_list_indexes(),
            models.Index(fields=["subscription_id"], name="failure_of_subscription"),
            # Suspensions that wait for their hour.
            models.Index(
                fields=["status", "suspend_at"], condition=Q(suspended_at__isnull=True), name="failure_suspend_due"
            ),
        ]

    def __str__(self) -> str:
        return self.invoice_number or self.invoice_id

    @property
    def is_unsettled(self) -> bool:
        return self.status in {FailureStatus.OPEN, FailureStatus.EXHAUSTED}

    @property
    def amount(self) -> str:
        """The amount owed as people write it, in the customer's currency."""
        return format_money(self.amount_cents, self.currency)

    def is_paused(self, *, at: datetime) -> bool:
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > at)

    def recover(self, *, by: Actor, at: datetime, **changes: Any) -> None:
        move(self, FailureStatus.RECOVERED, by=by, at=at, resolved_at=at, close_reason="", hold_reason="", **changes)

    def close(self, why: CloseReason, *, by: Actor, at: datetime, reason: str = "", **changes: Any) -> None:
        changes |= {"resolved_at": at, "close_reason": why, "hold_reason": ""}
        move(self, FailureStatus.CLOSED, by=by, at=at, reason=reason, **changes)

    def exhaust(self, *, by: Actor, at: datetime, suspend_at: datetime | None) -> None:
        move(self, FailureStatus.EXHAUSTED, by=by, at=at, suspend_at=suspend_at)
