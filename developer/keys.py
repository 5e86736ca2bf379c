"""What people do with keys: make, rotate, revoke. Each is audited and mailed, and pressing twice is pressing once.

A key leaves these functions in the one answer that made it; nobody can ask for it again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from developer import emails
from developer.admission import tier_of
from developer.models import ALL_SCOPES, ApiKey, digest_of, new_secret
from levqor.accounts.models import Account, User
from levqor.audit.models import record
from levqor.lib.actors import Actor

MOST_KEYS: Final = 20
PREFIX_SHOWN: Final = len("lvq_test_") + 4
ENDING_SHOWN: Final = 4
# The first key of an account belongs to no form: this and the account's number stand for one.
FIRST_KEY: Final = UUID("5b0e6a3e-1f0d-4f3b-9f2c-6a7f5f0f3d11")


class KeyRefusedError(Exception):
    """Why it was not done, in words for the person who asked."""


@dataclass(frozen=True)
class Issued:
    """A key, and the secret where this call made it; empty where the same form had made it before."""

    key: ApiKey
    secret: str = ""


@dataclass(frozen=True)
class Order:
    """What a new key shall be. `form_id` names the form it was ordered with."""

    name: str
    scopes: int
    expires_at: datetime | None
    form_id: UUID


def create_key(account: Account, order: Order, *, by: User, at: datetime) -> Issued:
    """A new key; raises KeyRefusedError where the name is taken or there are too many."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        known = ApiKey.objects.filter(form_id=order.form_id).first()
        if known:
            return _known(known, account)
        usable = ApiKey.objects.filter(account=account).usable(at=at)
        if any(key.name.casefold() == order.name.casefold() for key in usable):
            raise KeyRefusedError(
                f"There is a key named “{order.name}” already. Choose another name, or rotate that one."
            )
        if len(usable) >= MOST_KEYS:
            raise KeyRefusedError(f"An account has at most {MOST_KEYS} keys at a time. Revoke one that nobody uses.")
        issued = _issue(account, order, by=by, at=at)
        record("key.created", issued.key, by=Actor("customer", by.pk), at=at, changes=_facts(issued.key))
        emails.key_created(issued.key, by=by, at=at)
    return issued


def first_key(account: Account, *, by: User, at: datetime) -> Issued | None:
    """The key with which somebody who just signed up begins; None where the account has had one."""
    with transaction.atomic():
        Account.objects.locked(account.pk)
        if ApiKey.objects.filter(account=account).exists():
            return None
        order = Order("First key", ALL_SCOPES, at + timedelta(days=90), uuid5(FIRST_KEY, str(account.pk)))
        return create_key(account, order, by=by, at=at)


def rotate_key(key: ApiKey, *, overlap: timedelta, form_id: UUID, by: User, at: datetime) -> Issued:
    """A new key in place of this one, which works on until the overlap is over; raises KeyRefusedError."""
    with transaction.atomic():
        account = Account.objects.locked(key.account_id)
        known = ApiKey.objects.filter(form_id=form_id).first()
        if known:
            return _known(known, account)
        key = ApiKey.objects.get(pk=key.pk)
        newer = ApiKey.objects.filter(replaces=key).first()
        if newer:
            raise KeyRefusedError(f"{key} was rotated already: {newer.masked} stands in its place.")
        if not key.is_usable(at=at):
            raise KeyRefusedError(f"{key} does not work any more. Make a new key instead.")
        lifetime = key.expires_at - key.created_at if key.expires_at else None
        order = Order(key.name, key.scopes, at + lifetime if lifetime else None, form_id)
        issued = _issue(account, order, by=by, at=at, replaces=key)
        ends_at = min(at + overlap, key.expires_at or at + overlap)
        ApiKey.objects.filter(pk=key.pk).update(expires_at=ends_at)
        facts = {"replaced_by": issued.key.pk, "overlap_hours": overlap // timedelta(hours=1)}
        record("key.rotated", key, by=Actor("customer", by.pk), at=at, changes=facts)
        emails.key_rotated(key, issued.key, ends_at=ends_at, by=by, at=at)
    return issued


def revoke_key(key: ApiKey, *, by: Actor, at: datetime, reason: str = "") -> bool:
    """Ends the key: the very next request with it fails. False where it had been revoked before."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=at):
            return False
        record("key.revoked", key, by=by, at=at, reason=reason)
        emails.key_revoked(key, is_by_staff=by.kind == "staff", reason=reason, at=at)
    return True


def change_tier(account: Account, tier: str, *, by: Actor, at: datetime, reason: str) -> bool:
    """Another tier for this account alone, or its plan's again for an empty text. False where it has it already."""
    with transaction.atomic():
        old = account.api_tier
        if old == tier or not Account.objects.filter(pk=account.pk, api_tier=old).update(api_tier=tier):
            return False
        account.api_tier = tier
        record("api_tier.changed", account, by=by, at=at, reason=reason, changes={"api_tier": [old, tier]})
        emails.tier_changed(account, tier_of(account), at=at)
    return True


def _known(key: ApiKey, account: Account) -> Issued:
    if key.account_id != account.pk:
        raise KeyRefusedError("This form was used before. Open the page anew and send it once more.")
    return Issued(key)


def _issue(account: Account, order: Order, *, by: User, at: datetime, replaces: ApiKey | None = None) -> Issued:
    secret = new_secret()
    key = ApiKey.objects.create(
        account=account,
        name=order.name,
        digest=digest_of(secret),
        prefix=secret[:PREFIX_SHOWN],
        ending=secret[-ENDING_SHOWN:],
        scopes=order.scopes,
        form_id=order.form_id,
        created_at=at,
        created_by=by,
        expires_at=order.expires_at,
        replaces=replaces,
    )
    return Issued(key, secret)


def _facts(key: ApiKey) -> dict[str, Any]:
    return {"scopes": key.scope_words, "expires_at": key.expires_at.isoformat() if key.expires_at else None}
