"""Lists whose tables grow without end: no page of one counts, sorts or holds more than a bounded number of rows.

Rows are counted up to a limit, and beyond it the page says so in words. A chosen order is finished by the list's own, in the
same direction, so that one index serves both directions: (chosen columns, own columns, key).
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ORDER_VAR
from django.core.paginator import Paginator
from django.db import connections, transaction
from django.db.models import QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList as UnfoldChangeList
else:
    from unfold.views import ChangeList as UnfoldChangeList

MOST_COUNTED = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # Django takes no parameter at run time
    """Pages of the first MOST_COUNTED rows. What lies behind them is found by a filter, a search or the export."""

    object_list: Any
    most_counted = MOST_COUNTED

    @cached_property
    def counted(self) -> int:
        """How many rows there are; one more than `most_counted` where there are more."""
        some = self.object_list.order_by().values("pk")[: self.most_counted + 1]
        return int(some.count())

    @property
    def is_capped(self) -> bool:
        return self.counted > self.most_counted

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.most_counted)

    @property
    def count_in_words(self) -> str:
        return f"more than {self.most_counted:,}" if self.is_capped else f"{self.count:,}"


class BigChangeList(UnfoldChangeList):
    model_admin: Any
    own_ordering: list[Any]

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.own_ordering = list(self.model_admin.get_ordering(request))
        ordering = list(super().get_ordering(request, queryset))
        if not self.params.get(ORDER_VAR):
            return ordering
        if ordering[-1] == "-pk":
            del ordering[-1]
        known = {_column(part) for part in ordering}
        sign = "-" if ordering and _is_descending(ordering[-1]) else ""
        own = [_column(part) for part in [*self.own_ordering, "pk"]]
        return [*ordering, *(sign + name for name in dict.fromkeys(own) if name not in known)]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.model_admin.for_one_page(self.result_list)

    def _get_default_ordering(self) -> list[Any]:
        # Django asks the class, which knows nothing of an order that depends on the filters.
        return self.own_ordering


class RowsAlone(BigChangeList):
    """The rows behind a list's filters, for who wants them all: nothing is counted and nothing paged."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list = self.queryset


def _column(part: Any) -> str:
    column = getattr(part.expression, "name", part.expression) if isinstance(part, OrderBy) else part
    return str(column).removeprefix("-")


def _is_descending(part: Any) -> bool:
    return part.descending if isinstance(part, OrderBy) else str(part).startswith("-")


def streamed(rows: QuerySet[Any], size: int = 500) -> Iterator[Any]:
    """The rows one after the other, the first at once: PostgreSQL reads a cursor outside of a transaction to its end
    before it gives the first row. SQLite streams by itself, and a transaction there would keep every writer waiting."""
    if connections[rows.db].vendor != "postgresql":
        yield from rows.iterator(chunk_size=size)
        return
    with transaction.atomic(using=rows.db):
        yield from rows.iterator(chunk_size=size)
