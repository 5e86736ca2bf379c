"""May this request pass? Key, scope, standing and quota are asked and counted by one SQL statement.

The statement reads the key and its account and counts one unit in the row of the account's month, or does nothing. Two
callers never get the same unit, on PostgreSQL and SQLite alike, and nothing is cached: a revoked key fails on the next
request, and the first request of a month starts its own row at one.

On PostgreSQL the commit does not wait for the disk: a power cut may forget the units of the last moment, in the
customer's favour, while no request waits for a write of its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import connection

from developer.models import ApiKey, MonthlyUsage, Scope
from levqor.accounts.models import Account, ApiTier, Standing

# Requests in a calendar month; None: as many as one likes.
QUOTAS: Final[dict[str, int | None]] = {ApiTier.SANDBOX: 1_000, ApiTier.PRO: 10_000, ApiTier.ENTERPRISE: None}

TIER: Final = "COALESCE(NULLIF(account.api_tier, ''), plan.api_tier, 'sandbox')"
QUOTA: Final = "CASE {tier} {cases} ELSE {least} END".format(
    tier=TIER,
    cases=" ".join(f"WHEN '{tier.value}' THEN {quota or 'NULL'}" for tier, quota in QUOTAS.items()),  # type: ignore[attr-defined]
    least=QUOTAS[ApiTier.SANDBOX],
)
FROM: Final = """
    FROM developer_apikey AS key
    JOIN accounts_account AS account ON account.id = key.account_id
    LEFT JOIN accounts_plan AS plan ON plan.id = account.plan_id
"""

ADMIT: Final = f"""
    INSERT INTO developer_monthlyusage (account_id, month, used, quota, key_id)
    SELECT account.id, %(month)s, 1, {QUOTA}, key.id
    {FROM}
    WHERE key.digest = %(digest)s AND key.revoked_at IS NULL AND (key.expires_at IS NULL OR key.expires_at > %(now)s)
        AND (key.scopes & %(scope)s) <> 0 AND account.standing <> '{Standing.SUSPENDED.value}' {{commit}}
    ON CONFLICT (account_id, month) DO UPDATE
    SET used = developer_monthlyusage.used + 1, quota = excluded.quota, key_id = excluded.key_id
    WHERE excluded.quota IS NULL OR developer_monthlyusage.used < excluded.quota
    RETURNING account_id, key_id, quota, used
"""  # noqa: S608  # put together from the constants above
ADMITS: Final = {
    "postgresql": ADMIT.format(commit="AND set_config('synchronous_commit', 'off', true) = 'off'"),
    "sqlite": ADMIT.format(commit=""),
}

GIVE_BACK: Final = "UPDATE developer_monthlyusage SET used = used - 1 WHERE account_id = %s AND month = %s AND used > 0"

LOOK_UP: Final = f"""
    SELECT account.id, key.id, {QUOTA}, COALESCE(usage.used, 0), {TIER}, account.standing, key.scopes, key.revoked_at,
        key.expires_at
    {FROM}
    LEFT JOIN developer_monthlyusage AS usage ON usage.account_id = account.id AND usage.month = %(month)s
    WHERE key.digest = %(digest)s
"""


@dataclass(frozen=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        day = moment.astimezone(UTC)
        return cls(day.year, day.month)

    @property
    def name(self) -> str:
        """`2026-11`."""
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def begin(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment of the next month: when the quota starts anew."""
        return datetime(self.year + self.number // 12, self.number % 12 + 1, 1, tzinfo=UTC)

    def seconds_left(self, *, at: datetime) -> int:
        """Whole seconds after which the next month has begun for certain: at least 1."""
        return max(1, -((at - self.end) // timedelta(seconds=1)))


@dataclass(frozen=True)
class Admission:
    """One request that was let in, and where its account stands with it."""

    account_id: int
    key_id: int
    month: Month
    quota: int | None
    used: int

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(0, self.quota - self.used)

    def give_back(self) -> None:
        """The unit was not earned: what failed on our side is free."""
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [self.account_id, self.month.name])


@dataclass(frozen=True)
class KeyHolder(Admission):
    """What is known of a key without counting anything."""

    tier: str
    standing: str
    scopes: int
    revoked_at: datetime | None
    expires_at: datetime | None

    @property
    def is_suspended(self) -> bool:
        return self.standing == Standing.SUSPENDED

    def may(self, scope: Scope | None) -> bool:
        return scope is None or bool(self.scopes & scope)

    def is_key_usable(self, *, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)

    @property
    def is_spent(self) -> bool:
        return self.remaining == 0


def admit(digest: str, scope: Scope, *, at: datetime) -> Admission | None:
    """Counts one unit for the holder of the key, or returns None and counts nothing: `look_up` says why."""
    month = Month.of(at)
    values = {"digest": digest, "month": month.name, "now": _as_stored(at), "scope": int(scope)}
    row = _one_row(ADMITS[connection.vendor], values)
    if row is None:
        return None
    account_id, key_id, quota, used = row
    return Admission(account_id, key_id, month, quota, used)


def _one_row(statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """On PostgreSQL the statement is prepared once for each connection, and not planned anew at each call."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as prepared:
        return prepared.execute(statement, values, prepare=True).fetchone()


def look_up(digest: str, *, at: datetime) -> KeyHolder | None:
    """Whose key it is, and where they stand; None: nobody's. Counts nothing."""
    month = Month.of(at)
    row = _one_row(LOOK_UP, {"digest": digest, "month": month.name})
    if row is None:
        return None
    account_id, key_id, quota, used, tier, standing, scopes, revoked_at, expires_at = row
    ends = [_as_read(value) for value in (revoked_at, expires_at)]
    return KeyHolder(account_id, key_id, month, quota, used, tier, standing, scopes, *ends)


def used_in(account_id: int, month: Month) -> int:
    row = MonthlyUsage.objects.filter(account_id=account_id, month=month.name).values_list("used", flat=True).first()
    return row or 0


def tier_of(account: Account) -> ApiTier:
    """The account's own tier, else its plan's, else the sandbox."""
    return ApiTier(account.api_tier or (account.plan.api_tier if account.plan else ApiTier.SANDBOX))


def quota_of(tier: str) -> int | None:
    return QUOTAS.get(tier, QUOTAS[ApiTier.SANDBOX])


def _as_stored(moment: datetime) -> Any:
    return ApiKey._meta.get_field("expires_at").get_db_prep_value(moment, connection)


def _as_read(value: datetime | None) -> datetime | None:
    """SQLite keeps moments without their zone, which is UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
