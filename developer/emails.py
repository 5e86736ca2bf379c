"""The mails about keys: each member of the account learns of every change, whoever made it. No mail holds a key."""

from datetime import datetime
from typing import Any

from django.conf import settings

from developer.models import ApiKey
from levqor.accounts.models import User
from levqor.mail.outbox import about, send


def key_created(key: ApiKey, *, by: User, at: datetime) -> None:
    _to_members("developer/key_created", key, {"by": by.email}, at=at)


def key_rotated(key: ApiKey, newer: ApiKey, *, ends_at: datetime, by: User, at: datetime) -> None:
    context = {"by": by.email, "newer": newer.masked, "ends_at": ends_at, "has_ended": ends_at <= at}
    _to_members("developer/key_rotated", key, context, at=at)


def key_revoked(key: ApiKey, *, is_by_staff: bool, reason: str, at: datetime) -> None:
    _to_members("developer/key_revoked", key, {"is_by_staff": is_by_staff, "reason_given": reason}, at=at)


def tier_changed(account_id: int, emails: list[str], *, tier: str, quota: int | None, at: datetime) -> None:
    for email in emails:
        key = f"developer:tier:{account_id}:{at.isoformat()}:{email}"
        send("developer/tier_changed", email, {"tier": tier, "quota": quota}, key=key, at=at, account_id=account_id)


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
