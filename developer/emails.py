"""The mails about keys: each member of the account learns of every change, whoever made it. No mail holds a key."""

from datetime import datetime
from typing import Any

from django.conf import settings

from developer.admission import quota_of
from developer.models import ApiKey
from levqor.accounts.models import Account, ApiTier, User
from levqor.mail.outbox import about, send


def key_created(key: ApiKey, *, by: User, at: datetime) -> None:
    _to_members("developer/key_created", key, {"by": by.email}, at=at)


def key_rotated(key: ApiKey, newer: ApiKey, *, ends_at: datetime, by: User, at: datetime) -> None:
    context = {"by": by.email, "newer": newer.masked, "ends_at": ends_at, "has_ended": ends_at <= at}
    _to_members("developer/key_rotated", key, context, at=at)


def key_revoked(key: ApiKey, *, is_by_staff: bool, reason: str, at: datetime) -> None:
    _to_members("developer/key_revoked", key, {"is_by_staff": is_by_staff, "reason_given": reason}, at=at)


def tier_changed(account: Account, tier: ApiTier, *, at: datetime) -> None:
    context = {"tier": tier.label, "quota": quota_of(tier)}
    for email in members_of(account.pk):
        key = f"developer:tier:{account.pk}:{at.isoformat()}:{email}"
        send("developer/tier_changed", email, context, key=key, at=at, account_id=account.pk)


def members_of(account_id: int) -> list[str]:
    members = User.objects.filter(accounts=account_id, is_active=True).order_by("pk")
    return list(members.values_list("email", flat=True))


def _to_members(name: str, key: ApiKey, context: dict[str, Any], *, at: datetime) -> None:
    facts = {"key": key, "scopes": key.scope_words, "at": at, "keys_url": f"{settings.SITE_URL}/developer/keys"}
    for email in members_of(key.account_id):
        send(
            name,
            email,
            facts | context,
            key=f"{name}:{key.pk}:{email}",
            at=at,
            about=about(key),
            account_id=key.account_id,
        )
