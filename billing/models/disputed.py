"""What banks took back: which payment paid which invoice, and how each dispute of a payment stands."""

from django.db import models
from django.utils import timezone


class InvoicePayment(models.Model):
    """Which payment of Stripe's paid which invoice, as its events told: a dispute names the payment alone."""

    livemode = models.BooleanField()
    invoice_id = models.CharField(max_length=255)
    payment_intent_id = models.CharField(max_length=255, blank=True)
    charge_id = models.CharField(max_length=255, blank=True)

    class Meta:
        db_table = "billing_invoice_payments"
        constraints = [
            models.UniqueConstraint(
                fields=["livemode", "invoice_id", "payment_intent_id", "charge_id"], name="invoice_payment_once"
            ),
        ]
        indexes = [
            # From a dispute to its invoice.
            models.Index(fields=["payment_intent_id"], name="invoice_payment_intent"),
            models.Index(fields=["charge_id"], name="invoice_payment_charge"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_intent_id or self.charge_id} for {self.invoice_id}"


class PaymentDispute(models.Model):
    """A dispute as it stands now. `status` is Stripe's own word, kept even where Levqor does not know it."""

    livemode = models.BooleanField()
    dispute_id = models.CharField(max_length=255)
    charge_id = models.CharField(max_length=255, blank=True)
    payment_intent_id = models.CharField(max_length=255, blank=True)
    invoice_id = models.CharField(max_length=255, blank=True, help_text="Empty until a payment of it is known.")
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=60, blank=True)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    taken_cents = models.BigIntegerField(default=0, help_text="What is gone of the payment at present.")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "billing_payment_disputes"
        constraints = [models.UniqueConstraint(fields=["livemode", "dispute_id"], name="dispute_once")]
        indexes = [
            # All disputes about one invoice.
            models.Index(fields=["invoice_id"], name="dispute_of_invoice"),
            models.Index(fields=["payment_intent_id"], name="dispute_of_intent"),
            models.Index(fields=["charge_id"], name="dispute_of_charge"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} ({self.status})"
