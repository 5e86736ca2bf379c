"""What the portal shows: where an account stands this month, day by day, and the state of each key."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import QuerySet, Sum

from developer.admission import Month, quota_of, tier_of, used_in
from developer.models import ApiKey, DailyUsage, RecentRequest
from levqor.accounts.models import Account, ApiTier

CHART_HEIGHT = 120
BAR_WIDTH = 20
REQUESTS_SHOWN = 50


@dataclass(frozen=True)
class Bar:
    """One day of the graph, as lengths of an SVG; `refused` stands on top of `succeeded`."""

    day: date
    succeeded: int
    refused: int
    failed: int
    x: int
    good_height: int
    bad_height: int

    @property
    def total(self) -> int:
        return self.succeeded + self.refused + self.failed

    @property
    def good_y(self) -> int:
        return CHART_HEIGHT - self.good_height

    @property
    def bad_y(self) -> int:
        return self.good_y - self.bad_height


@dataclass(frozen=True)
class Standing:
    """Where an account stands this month."""

    tier: ApiTier
    quota: int | None
    used: int
    month: Month
    bars: list[Bar]

    @property
    def remaining(self) -> int | None:
        return None if self.quota is None else max(0, self.quota - self.used)

    @property
    def percent(self) -> int:
        return min(100, self.used * 100 // self.quota) if self.quota else 0

    @property
    def chart_width(self) -> int:
        return len(self.bars) * BAR_WIDTH

    @property
    def has_days(self) -> bool:
        return any(bar.total for bar in self.bars)


def standing_of(account: Account, *, at: datetime) -> Standing:
    month, tier = Month.of(at), tier_of(account)
    return Standing(tier, quota_of(tier), used_in(account.pk, month), month, bars_of(account, month))


def bars_of(account: Account, month: Month) -> list[Bar]:
    """A bar for each day of the month, the tallest filling the graph."""
    rows = (
        DailyUsage.objects.filter(key__account=account, day__gte=month.begin.date(), day__lt=month.end.date())
        .values("day")
        .annotate(good=Sum("succeeded"), bad=Sum("refused"), ours=Sum("failed"))
    )
    counts = {row["day"]: (row["good"], row["bad"], row["ours"]) for row in rows}
    most = max((sum(count) for count in counts.values()), default=0) or 1
    bars = []
    for number in range(monthrange(month.year, month.number)[1]):
        day = date(month.year, month.number, number + 1)
        good, bad, ours = counts.get(day, (0, 0, 0))
        heights = [count * CHART_HEIGHT // most for count in (good, bad + ours)]
        bars.append(Bar(day, good, bad, ours, number * BAR_WIDTH, *heights))
    return bars


def last_requests_of(account: Account) -> QuerySet[RecentRequest]:
    """The last requests with any of the account's keys, newest first."""
    requests = RecentRequest.objects.filter(key__account=account).select_related("key")
    return requests.order_by("-at", "-id")[:REQUESTS_SHOWN]


@dataclass(frozen=True)
class KeyState:
    """A key as its line on the page says it: a word, its tone, and what can still be done."""

    key: ApiKey
    word: str
    tone: str
    is_usable: bool
    may_rotate: bool


def states_of(account: Account, *, at: datetime) -> list[KeyState]:
    """The account's keys: those that work first, the newest of each first."""
    keys = ApiKey.objects.filter(account=account).select_related("replaced_by").order_by("-created_at", "-pk")
    states = [state_of(key, at=at) for key in keys]
    return sorted(states, key=lambda state: not state.is_usable)


def state_of(key: ApiKey, *, at: datetime) -> KeyState:
    is_replaced = getattr(key, "replaced_by", None) is not None
    if key.revoked_at:
        return KeyState(key, f"Revoked {_day(key.revoked_at)}", "danger", False, False)
    if key.expires_at and key.expires_at <= at:
        word = "Replaced" if is_replaced else "Expired"
        return KeyState(key, f"{word} {_day(key.expires_at)}", "", False, False)
    if is_replaced and key.expires_at:
        return KeyState(
            key, f"Replaced; works until {_day(key.expires_at)}, {key.expires_at:%H:%M} UTC", "warning", True, False
        )
    return KeyState(key, "Active", "success", True, True)


def _day(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y}"
