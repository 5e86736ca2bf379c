"""The filters of the queue of failed payments, and the sums of what they leave."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models import FailureStatus, Flag, PaymentFailure
from billing.models.failure import PaymentFailureQuerySet
from levqor.accounts.models import Standing
from levqor.lib.admin import DropdownFilter, ListView, list_views
from levqor.lib.big_lists import CappedPaginator
from levqor.lib.money import THREE_DECIMAL, ZERO_DECIMAL, format_money

if TYPE_CHECKING:
    RangeFilter = admin.SimpleListFilter
else:
    from unfold.contrib.filters.admin import RangeNumericListFilter as RangeFilter
# How long a new currency or plan may be missing from the choices. Its cases are in the list at once.
FOUND_FOR = timedelta(minutes=10)
type Choices = list[tuple[str, str]]
type Cases = QuerySet[PaymentFailure]


def quick_views(request: HttpRequest) -> list[ListView]:
    """The queue's."""
    return list_views(
        request,
        [
            ("Still owed", ""),
            ("Waits for a person", "flag=any"),
            ("Due today", "due=today"),
            ("Held", "held=yes"),
            ("Bounced", "flag=bounced"),
            ("Paused", "paused=yes"),
            ("Suspended", "standing=suspended"),
            ("Recovered", "status=recovered"),
            ("Closed", "status=closed"),
            ("All", "status=all"),
        ],
    )


def inbox_views(request: HttpRequest) -> list[ListView]:
    """The Stripe inbox's."""
    return list_views(
        request,
        [
            ("All", ""),
            ("Failed", "status__exact=failed"),
            ("Waiting", "status__in=stored,processing"),
            ("Stored only", "status__exact=ignored"),
        ],
    )


class StatusFilter(DropdownFilter):
    """What is still owed, unless something else is asked for: the queue is for work. A search looks everywhere."""

    title = "status"
    parameter_name = "status"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("", "Still owed"),
            *((str(value), str(label)) for value, label in FailureStatus.choices),
            ("all", "All"),
        ]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        value = self.value() or ("all" if request.GET.get("q") else "")
        if value in FailureStatus.values:
            return queryset.filter(status=value)
        return queryset if value == "all" else queryset.filter(resolved_at=None)


class StandingFilter(DropdownFilter):
    title = "standing of the account"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(str(value), str(label)) for value, label in Standing.choices]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(account__standing=self.value()) if self.value() in Standing.values else queryset


class DueFilter(DropdownFilter):
    title = "step due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("today", "Today or before"), ("week", "Within 7 days")]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        days = {"today": 1, "week": 7}.get(self.value() or "")
        assert isinstance(queryset, PaymentFailureQuerySet)  # noqa: S101  # as the admin's own manager gives it
        return queryset.due_within(days, at=timezone.now()) if days else queryset


class HeldFilter(DropdownFilter):
    title = "held"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "Held by the last pass"), ("no", "Not held")]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        if self.value() == "yes":
            return queryset.exclude(hold_reason="")
        return queryset.filter(hold_reason="") if self.value() == "no" else queryset


class FlagFilter(DropdownFilter):
    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("any", "Any flag"), *((str(value), str(label)) for value, label in Flag.choices)]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        if self.value() == "any":
            return queryset.exclude(flag="")
        return queryset.filter(flag=self.value()) if self.value() in Flag.values else queryset


class PausedFilter(DropdownFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "Paused now"), ("no", "Not paused")]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        endless_or_later = Q(paused_until=None) | Q(paused_until__gt=timezone.now())
        paused = Q(paused_at__isnull=False) & endless_or_later
        if self.value() == "yes":
            return queryset.filter(paused)
        return queryset.exclude(paused) if self.value() == "no" else queryset


class FoundValuesFilter(DropdownFilter):
    """A column by the values that are found in it, which are looked for now and then and not for every page."""

    column: str
    most_values = 100

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        key = f"billing:queue_{self.parameter_name}"
        found: list[str] | None = cache.get(key)
        if found is None:
            found = self._find()
            # What is empty fills up with the first case.
            cache.set(key, found, FOUND_FOR.total_seconds() if found else 0)
        return [(value, self.label(value)) for value in found]

    def has_output(self) -> bool:
        # Whether the list of values knows a value or not, it is filtered by.
        return True

    def _find(self) -> list[str]:
        known = PaymentFailure.objects.exclude(**{self.column: ""}).order_by(self.column)
        found = known.values_list(self.column, flat=True)
        return [str(value) for value in found.distinct()[: self.most_values]]

    def label(self, value: str) -> str:
        return value

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class CurrencyFilter(FoundValuesFilter):
    title = parameter_name = column = "currency"

    def label(self, value: str) -> str:
        return value.upper()


class PlanFilter(FoundValuesFilter):
    title = parameter_name = "plan"
    column = "plan_name"


class AmountFilter(RangeFilter):
    """From and to, in whole units of whatever currency the case is in: 50 is £50.00 and also ¥50."""

    title = "amount"
    parameter_name = "amount"

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        bounds = {"amount_cents__gte": self._bound("from"), "amount_cents__lte": self._bound("to")}
        wanted = Q()
        for lookup, bound in bounds.items():
            if bound is not None:
                wanted &= _in_every_currency(lookup, bound)
        return queryset.filter(wanted)

    def _bound(self, end: str) -> Decimal | None:
        raw = self.used_parameters.get(f"amount_{end}")
        try:
            bound = Decimal(str(raw)) if raw not in {None, ""} else None
        except InvalidOperation:
            return None
        # What is not a number that a 64-bit column can hold is no bound at all.
        return bound if bound is not None and bound.is_finite() and abs(bound) < 10**15 else None


def _in_every_currency(lookup: str, bound: Decimal) -> Q:
    without, thousandths = [[code.lower() for code in codes] for codes in (ZERO_DECIMAL, THREE_DECIMAL)]
    hundredths = ~Q(currency__in=without + thousandths)
    return (
        Q(hundredths, **{lookup: int(bound * 100)})
        | Q(**{"currency__in": without, lookup: int(bound)})
        | Q(**{"currency__in": thousandths, lookup: int(bound * 1000)})
    )


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
