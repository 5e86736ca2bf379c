"""Recovered against lost, per month and currency, and which step brought the money back: exact, in the smallest unit.

Recovered is what came in of an invoice from the opening of its case on, less what disputes took back later. Lost is what was
given up: cases closed without money, and cases whose steps are all done and that nobody paid. A voided invoice was
never owed, so it counts as neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncMonth

from billing.models import CloseReason, DunningStep, FailureStatus, PaymentFailure, RecoveryMethod
from billing.models.failure import PaymentFailureQuerySet
from billing.models.inbox import acting_modes
from levqor.lib.money import format_money

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class Month:
    """One month in one currency; amounts in the currency's smallest unit."""

    start: date
    currency: str
    recovered: int = 0
    lost: int = 0

    @property
    def recovered_text(self) -> str:
        return format_money(self.recovered, self.currency)

    @property
    def lost_text(self) -> str:
        return format_money(self.lost, self.currency)


@dataclass(frozen=True)
class StepShare:
    """What was recovered after one step in one currency; step 0 is "before any reminder". `method` is empty for all."""

    step: int
    currency: str
    recovered: int
    cases: int
    method: str = ""

    @property
    def recovered_text(self) -> str:
        return format_money(self.recovered, self.currency)

    @property
    def label(self) -> str:
        return f"After step {self.step}" if self.step else "Before any reminder"

    @property
    def method_label(self) -> str:
        return RecoveryMethod(self.method).label if self.method else "Any"


def _cases() -> PaymentFailureQuerySet:
    return PaymentFailure.objects.filter(livemode__in=acting_modes())


def _kept() -> QuerySet[PaymentFailure]:
    """Cases that brought money in which is still ours, with how much: `kept_cents`."""
    kept = _cases().filter(recovered_cents__gt=F("reversed_cents"), resolved_at__isnull=False)
    return kept.annotate(kept_cents=F("recovered_cents") - F("reversed_cents"))


def _monthly(cases: QuerySet[PaymentFailure], moment: str, amount: str) -> dict[tuple[date, str], int]:
    rows = cases.annotate(month=TruncMonth(moment)).values("month", "currency").order_by()
    return {(row["month"].date(), row["currency"]): row["cents"] for row in rows.annotate(cents=Sum(amount))}


def by_month() -> list[Month]:
    """Every month from the first to the last that has a figure, per currency, gaps filled with zeros."""
    recovered = _monthly(_kept(), "resolved_at", "kept_cents")
    lost = _merge(
        _monthly(_closed_unpaid(), "resolved_at", "amount_cents"),
        _monthly(_exhausted(), "ended_at", "amount_cents"),
        _monthly(_cases().exclude(recovery_reversed_at=None), "recovery_reversed_at", "reversed_cents"),
    )
    keys = recovered.keys() | lost.keys()
    if not keys:
        return []
    return [
        Month(start, currency, recovered.get((start, currency), 0), lost.get((start, currency), 0))
        for currency in sorted({currency for _, currency in keys})
        for start in _months(min(keys)[0], max(keys)[0])
    ]


def _closed_unpaid() -> QuerySet[PaymentFailure]:
    return _cases().filter(status=FailureStatus.CLOSED).exclude(close_reason=CloseReason.VOIDED)


def _exhausted() -> QuerySet[PaymentFailure]:
    """Cases at the end of their steps, with the moment of that: suspension, else last mail, else failure."""
    sent = DunningStep.objects.filter(failure=OuterRef("pk")).exclude(sent_at=None).order_by("-sent_at")
    last_mail = Subquery(sent.values("sent_at")[:1])
    return (
        _cases()
        .filter(status=FailureStatus.EXHAUSTED)
        .annotate(ended_at=Coalesce("suspended_at", "suspend_at", last_mail, "failure_date"))
    )


def _merge(*parts: dict[tuple[date, str], int]) -> dict[tuple[date, str], int]:
    merged: dict[tuple[date, str], int] = {}
    for part in parts:
        for key, cents in part.items():
            merged[key] = merged.get(key, 0) + cents
    return merged


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    index = first.year * 12 + first.month - 1
    return [date((index + step) // 12, (index + step) % 12 + 1, 1) for step in range(count)]


def by_step() -> list[StepShare]:
    """What each step recovered; "step" is the number of the last mail before the money came."""
    return _shares("step", "currency")


def by_step_and_method() -> list[StepShare]:
    """The same money, told apart by how it came: by Stripe's own retry, a new card, the customer, a bank transfer."""
    return _shares("step", "recovery_method", "currency")


@dataclass(frozen=True)
class Total:
    """All that was recovered in one currency."""

    currency: str
    recovered: int
    cases: int

    @property
    def recovered_text(self) -> str:
        return format_money(self.recovered, self.currency)


def totals(shares: Iterable[StepShare]) -> list[Total]:
    """The sums per currency, in the order of the shares; different currencies are never added up."""
    found: dict[str, Total] = {}
    for share in shares:
        known = found.get(share.currency, Total(share.currency, 0, 0))
        found[share.currency] = Total(share.currency, known.recovered + share.recovered, known.cases + share.cases)
    return list(found.values())


def _shares(*keys: str) -> list[StepShare]:
    rows = (
        _kept()
        .annotate(step=Coalesce("recovered_after_step", 0))
        .values(*keys)
        .annotate(recovered=Sum("kept_cents"), cases=Count("pk"))
        .order_by("currency", *(key for key in keys if key != "currency"))
    )
    return [
        StepShare(row["step"], row["currency"], row["recovered"], row["cases"], row.get("recovery_method", ""))
        for row in rows
    ]


def owed_per_currency() -> dict[str, int]:
    """What is owed at this moment, over all unsettled cases."""
    rows = _cases().unsettled().values("currency").annotate(owed=Sum("amount_cents")).order_by("currency")
    return {row["currency"]: row["owed"] for row in rows}


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    height: float
    kind: str
    label: str


@dataclass(frozen=True)
class Chart:
    """One currency's months as bars, computed for a drawing of 640 by 220 units."""

    currency: str
    months: list[Month]
    bars: list[Bar]
    ticks: list[tuple[float, str]]
    names: list[tuple[float, str]]
    bar_width: float

    @property
    def title(self) -> str:
        return f"Recovered and lost per month, {self.currency.upper()}"


BASE, TOP, LEFT, WIDTH = 190.0, 15.0, 90.0, 540.0


def charts(months: Iterable[Month]) -> list[Chart]:
    """One chart for each currency, the busiest first: different currencies are never added up."""
    found: dict[str, list[Month]] = {}
    for month in months:
        found.setdefault(month.currency, []).append(month)
    busiest = sorted(found, key=lambda currency: -sum(bool(row.recovered or row.lost) for row in found[currency]))
    return [_chart(currency, found[currency][-MONTHS_SHOWN:]) for currency in busiest]


def _chart(currency: str, months: list[Month]) -> Chart:
    peak = max([max(month.recovered, month.lost) for month in months] + [1])
    slot = WIDTH / max(len(months), 6)
    width = slot * 0.36
    bars = [
        _bar(
            LEFT + slot * place + slot * 0.12 + offset * width,
            cents,
            peak,
            kind,
            f"{month.start:%B %Y}, {kind}: {text}",
        )
        for place, month in enumerate(months)
        for offset, (kind, cents, text) in enumerate(
            [("recovered", month.recovered, month.recovered_text), ("lost", month.lost, month.lost_text)]
        )
    ]
    ticks = [(BASE - (BASE - TOP) * part / 2, format_money(peak * part // 2, currency)) for part in range(3)]
    names = [(LEFT + slot * (place + 0.5), f"{month.start:%b %y}") for place, month in enumerate(months)]
    return Chart(currency, months, bars, ticks, names, round(width, 1))


def _bar(x: float, cents: int, peak: int, kind: str, label: str) -> Bar:
    height = round((BASE - TOP) * cents / peak, 1)
    return Bar(round(x, 1), round(BASE - height, 1), height, kind, label)
