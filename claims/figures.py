"""How well claims are answered: in time, how fast, and what was credited. Every number leads to the rows behind it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from claims.models import Claim, ClaimStatus, CreditEntry, CreditStatus, ProposalKind
from levqor.cases.models import Deadline, Source
from levqor.guard.references import Series
from levqor.lib.business_time import business_seconds
from levqor.lib.money import format_money

GRANTED = (
    ClaimStatus.APPROVED,
    ClaimStatus.CREDITING,
    ClaimStatus.BY_HAND,
    ClaimStatus.UNKNOWN,
    ClaimStatus.CREDITED,
    ClaimStatus.REVERSED,
)


@dataclass(frozen=True)
class MonthFigures:
    """One month of claims, by the day on which they came in. Hours are business hours, pauses taken off."""

    month: date
    received: int
    granted: int
    refused: int
    decided_in_time: int
    decided: int
    median_hours: float | None
    credited: tuple[str, ...]

    @property
    def on_time(self) -> str:
        return f"{100 * self.decided_in_time // self.decided}%" if self.decided else "–"


def by_month(*, months: int = 12) -> list[MonthFigures]:
    """The last months, newest first; those without a claim are left out."""
    sent = Claim.objects.exclude(case__source=Source.INCIDENT).annotate(came_in=TruncMonth("case__submitted_at"))
    counts = sent.values("came_in").annotate(
        received=Count("pk"),
        granted=Count("pk", filter=Q(status__in=GRANTED)),
        refused=Count("pk", filter=Q(status=ClaimStatus.REJECTED)),
    )
    rows = list(counts.order_by("-came_in")[:months])
    promises = _promises(since=min((row["came_in"] for row in rows), default=timezone.now()))
    credited = _credited()
    return [_figures(row, promises, credited) for row in rows]


def _figures(
    row: Mapping[str, Any], promises: dict[date, list[tuple[bool | None, float]]], credited: dict[date, list[str]]
) -> MonthFigures:
    month = timezone.localtime(row["came_in"]).date()
    return MonthFigures(
        month=month,
        received=row["received"],
        granted=row["granted"],
        refused=row["refused"],
        decided_in_time=sum(bool(kept) for kept, _ in promises[month]),
        decided=len(promises[month]),
        median_hours=_median(hours for _, hours in promises[month]),
        credited=tuple(credited[month]),
    )


def _promises(*, since: object) -> dict[date, list[tuple[bool | None, float]]]:
    """For each month the promises that have ended: whether they were kept, and how long they took."""
    ended = Deadline.objects.filter(
        case__series=Series.SLA_CLAIM, ended_at__isnull=False, case__submitted_at__gte=since
    ).exclude(case__claim__status=ClaimStatus.WITHDRAWN)
    found: dict[date, list[tuple[bool | None, float]]] = defaultdict(list)
    for deadline in ended.select_related("case").prefetch_related("pauses").iterator(chunk_size=500):
        paused = sum(pause.seconds for pause in deadline.pauses.all())
        hours = (business_seconds(deadline.counted_from, deadline.ended_at or deadline.counted_from) - paused) / 3600
        month = timezone.localtime(deadline.case.submitted_at).date().replace(day=1)
        found[month].append((deadline.is_kept, hours))
    return found


def _credited() -> dict[date, list[str]]:
    """Per month and currency what reached the customers' balances, reversals taken off."""
    applied = CreditEntry.objects.filter(status=CreditStatus.APPLIED).annotate(month=TruncMonth("applied_at"))
    sums = applied.values("month", "currency").annotate(
        given=Sum("amount_cents", filter=Q(kind=ProposalKind.CREDIT), default=0),
        taken=Sum("amount_cents", filter=Q(kind=ProposalKind.REVERSAL), default=0),
    )
    found: dict[date, list[str]] = defaultdict(list)
    for row in sums.order_by("month", "currency"):
        words = format_money(row["given"] - row["taken"], row["currency"])
        found[timezone.localtime(row["month"]).date()].append(words)
    return found


def _median(hours: Iterable[float]) -> float | None:
    known = list(hours)
    return round(median(known), 1) if known else None
