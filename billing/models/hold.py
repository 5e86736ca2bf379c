"""Holds: while one is live, no reminder leaves and no suspension happens, for an account or for one invoice of it."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from levqor.accounts.models import Account


class HoldReason(models.TextChoices):
    CHARGEBACK = "chargeback", "A payment is disputed at the bank"
    DISPUTE = "dispute", "The customer disputes what we ask for"
    STAFF = "staff", "Decided by staff"


class DunningHoldQuerySet(models.QuerySet["DunningHold"]):
    def live(self, *, at: datetime) -> "DunningHoldQuerySet":
        return self.filter(Q(until=None) | Q(until__gt=at), lifted_at=None)

    def on_invoice(self, account_id: int, invoice_id: str) -> "DunningHoldQuerySet":
        """Those of the account as a whole, and those of this invoice."""
        return self.filter(account=account_id, invoice_id__in=["", invoice_id])


class DunningHold(models.Model):
    """One reason to wait. `invoice_id` is Stripe's, empty for all invoices; `until` is empty where somebody lifts it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="dunning_holds")
    invoice_id = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=16, choices=HoldReason)
    note = models.CharField(max_length=300, blank=True)
    held_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = DunningHoldQuerySet.as_manager()

    class Meta:
        db_table = "billing_dunning_holds"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "invoice_id", "reason", "note"],
                condition=Q(lifted_at__isnull=True),
                name="hold_once_while_live",
            ),
            models.CheckConstraint(condition=Q(reason__in=HoldReason.values), name="hold_reason_known"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=models.F("held_at")), name="hold_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, since {self.held_at:%d %b %Y}"
