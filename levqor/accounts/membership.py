"""How people come into an account: whoever proves to own its billing address is a member of it."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from levqor.accounts.models import Account, Membership, User
from levqor.audit.models import record
from levqor.lib.actors import Actor


def join_accounts_of(user: User, *, at: datetime) -> list[Account]:
    """Makes the user a member of each account that one of their verified addresses names; returns the new ones.

    An address that nobody has verified proves nothing. One that several accounts share does not say which of them is
    meant: there a person of the staff decides.
    """
    verified = EmailAddress.objects.filter(user=user, verified=True).order_by("pk").values_list("email", flat=True)
    joined = []
    for address in verified:
        account = _only_account_billed_at(address)
        if account and _join(account, user, at=at):
            joined.append(account)
    return joined


def _only_account_billed_at(address: str) -> Account | None:
    # Lower() is what the index on the address holds; `iexact` would pass it by on PostgreSQL.
    matches = Account.objects.annotate(address=Lower("billing_email")).filter(address=address.lower())[:2]
    return matches[0] if len(matches) == 1 else None


def _join(account: Account, user: User, *, at: datetime) -> bool:
    with transaction.atomic():
        _, is_new = Membership.objects.get_or_create(account=account, user=user, defaults={"joined_at": at})
        if is_new:
            record("member.joined", account, by=Actor("customer", user.pk), at=at, changes={"member": [None, user.pk]})
    return is_new


def join_on_sign_in(sender: object, user: User, **_: Any) -> None:
    join_accounts_of(user, at=timezone.now())


def join_on_confirmed_address(sender: object, email_address: EmailAddress, **_: Any) -> None:
    join_accounts_of(email_address.user, at=timezone.now())


def first_account_of(user: User) -> Account | None:
    """The account that this person works in: the first they joined."""
    return Account.objects.filter(members=user).order_by("membership__pk").select_related("plan").first()


def account_for(user: User, *, at: datetime) -> Account:
    """The account that this person works in, or a new one of their own, on no plan yet.

    Asked twice at the same moment it is one account.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        known = first_account_of(locked)
        if known:
            return known
        account = Account.objects.create(name=locked.full_name, billing_email=locked.email, created_at=at)
        record("account.opened", account, by=Actor("customer", locked.pk), at=at)
        _join(account, locked, at=at)
        return account
