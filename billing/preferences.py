"""Who gets the reminders: what a customer chose behind the signed link in our mails. The final notice stays where it is."""

from datetime import datetime

from django.db import transaction

from billing import emails
from billing.models import ReminderPreference
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.lib.actors import CUSTOMER


def chosen_address(account: Account) -> str:
    """Where reminders go by the customer's choice; the billing address where nobody chose."""
    chosen = ReminderPreference.objects.filter(account=account).values_list("email", flat=True).first()
    return chosen or (account.billing_addresses() or [""])[0]


def choose(account: Account, email: str, *, at: datetime) -> bool:
    """Sends the account's reminders there from now on; False where they went there already.

    The billing address is told, so that whoever was forwarded a mail cannot take the reminders away unseen.
    """
    with transaction.atomic():
        Account.objects.locked(account.pk)
        if email.lower() == chosen_address(account).lower():
            return False
        first = (account.billing_addresses() or [""])[0]
        if email.lower() == first.lower():
            ReminderPreference.objects.filter(account=account).delete()
        else:
            ReminderPreference.objects.update_or_create(account=account, defaults={"email": email, "changed_at": at})
        record("reminders.redirected", account, by=CUSTOMER, at=at)
        if first:
            emails.reminders_changed(account, to=first, chosen=email, at=at)
    return True
