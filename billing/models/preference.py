"""Who of a customer's people gets the reminders."""

from django.db import models

from levqor.accounts.models import Account


class ReminderPreference(models.Model):
    """The address that the customer chose for reminders. The final notice goes to the billing address all the same."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="reminder_preference")
    email = models.EmailField(max_length=254)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "billing_reminder_preferences"

    def __str__(self) -> str:
        return f"{self.account}: {self.email}"
