"""Keys and calls for the tests."""

from datetime import UTC, datetime
from typing import Any

from django.test import Client

from developer.models import ALL_SCOPES, ApiKey, MonthlyUsage, digest_of, new_secret
from levqor.accounts.models import Account

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def make_key(account: Account | None = None, secret: str = "", **changes: Any) -> tuple[str, ApiKey]:
    """A key that works, and its row."""
    secret = secret or new_secret()
    row = ApiKey.objects.create(
        account=account or make_account(),
        digest=digest_of(secret),
        prefix=secret[:13],
        ending=secret[-4:],
        **{"name": "ci", "created_at": NOW, "scopes": ALL_SCOPES} | changes,
    )
    return secret, row


def make_account(name: str = "Fernhill Bakery", **changes: Any) -> Account:
    return Account.objects.create(**{"name": name, "api_tier": "sandbox"} | changes)


def use_up(account: Account, used: int, *, month: str = "2026-11", quota: int | None = 1000) -> MonthlyUsage:
    return MonthlyUsage.objects.create(account=account, month=month, used=used, quota=quota, key_id=0)


class Api:
    """Calls the sandbox with a key, as a program does."""

    def __init__(self, secret: str, client: Client | None = None) -> None:
        self.headers = {"x-api-key": secret}
        self.client = client or Client()

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/sandbox/{path}", headers=self.headers | headers)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        said = "{}" if body is None else body
        return self.client.post(f"/api/sandbox/{path}", said, content_type="application/json", headers=headers)

    def used(self) -> int:
        return int(self.get("usage").json()["used"])
