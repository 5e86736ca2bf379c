"""What a list of failed payments adds up to, per currency: at once where it is short, remembered where it is long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from billing.models import PaymentFailure
from levqor.lib.big_lists import CappedPaginator
from levqor.lib.money import format_money

# How old the totals of a long list may be. They say when they were counted.
KEPT_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Total:
    currency: str
    cases: int
    owed: int

    @property
    def amount(self) -> str:
        return format_money(self.owed, self.currency)


@dataclass(frozen=True)
class Totals:
    """The rows of a list, per currency; `counted_at` only where they are remembered and not of this moment."""

    rows: list[Total]
    counted_at: datetime | None = None


class QueuePaginator(CappedPaginator):
    """Counts and adds up in one go."""

    @cached_property
    def totals(self) -> list[Total]:
        """Of the first rows alone where there are too many to be counted."""
        return add_up(self.object_list, at_most=self.most_counted + 1)

    @cached_property
    def counted(self) -> int:
        return sum(total.cases for total in self.totals)


def totals_of(pages: QueuePaginator, *, asked_for: dict[str, list[str]]) -> Totals:
    """The totals of the whole list. `asked_for` are the filters and the search that made it."""
    if not pages.is_capped:
        return Totals(pages.totals)
    asked = sha256(repr(sorted(asked_for.items())).encode()).hexdigest()
    key = f"billing:queue_totals:{asked}"
    known: Totals | None = cache.get(key)
    if known is None:
        known = Totals(add_up(pages.object_list), counted_at=timezone.now())
        cache.set(key, known, KEPT_FOR.total_seconds())
    return known


def add_up(cases: QuerySet[PaymentFailure], *, at_most: int | None = None) -> list[Total]:
    """Cases and what they owe, per currency; of the first `at_most` that the database comes upon."""
    # Django groups no slice, so the slice is handed to the grouping as it is.
    sliced = cases.order_by().values("currency", "amount_cents")[:at_most]
    connection = connections[cases.db]
    try:
        inner, parameters = sliced.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT currency, COUNT(*), SUM(amount_cents) FROM ({inner}) AS listed GROUP BY currency ORDER BY currency",  # noqa: S608  # the ORM's own
            parameters,
        )
        return [Total(currency, int(cases), int(owed)) for currency, cases, owed in cursor.fetchall()]
