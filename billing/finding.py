"""Finding a customer or a failed payment by what people say on the phone.

The shape of the words decides what is asked, so that each question has an index: an address and an id of Stripe's are
looked up whole, and only a name or the number of an invoice by a part of it.
"""

from django.db.models import Q
from django.db.models.functions import Lower

from levqor.accounts.models import Account, AccountContact, User

MOST_ACCOUNTS = 200
OTHER_IDS = ("in_", "sub_", "evt_", "pi_", "ch_")


def accounts_matching(words: str) -> list[Account]:
    """Customers by address (their own, a contact's or a member's), by Stripe's id, or by a part of the name."""
    if words.startswith("cus_"):
        return list(Account.objects.filter(stripe_customer_id=words))
    if words.startswith(OTHER_IDS):
        return []
    if "@" not in words:
        named = Q(name__icontains=words) | Q(billing_email__icontains=words)
        return list(Account.objects.filter(named).order_by("name", "pk")[:MOST_ACCOUNTS])
    lowered = words.lower()
    contacts = AccountContact.objects.alias(address=Lower("email")).filter(address=lowered)
    billed = Account.objects.alias(address=Lower("billing_email")).filter(address=lowered)
    members = User.objects.filter(email=lowered)
    ids = {
        *billed.values_list("pk", flat=True),
        *contacts.values_list("account_id", flat=True),
        *members.values_list("membership__account_id", flat=True),
    }
    return list(Account.objects.filter(pk__in=ids - {None}).order_by("name", "pk")[:MOST_ACCOUNTS])


def cases_matching(words: str, accounts: list[Account] | None = None) -> Q:
    """Which failed payments fit; `accounts` are those that fit, where the caller knows them already."""
    if words.startswith("in_"):
        return Q(invoice_id=words)
    if words.startswith("sub_"):
        return Q(subscription_id=words)
    known = accounts_matching(words) if accounts is None else accounts
    theirs = Q(account__in=[account.pk for account in known])
    return theirs if "@" in words or words.startswith("cus_") else theirs | Q(invoice_number__istartswith=words)
