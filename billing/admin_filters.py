"""The filters of the queue of failed payments."""

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing.models import FailureStatus, Flag, PaymentFailure, StepStatus
from levqor.accounts.models import Standing
from levqor.lib.admin import DropdownFilter
from levqor.lib.money import THREE_DECIMAL, ZERO_DECIMAL

if TYPE_CHECKING:
    RangeFilter = admin.SimpleListFilter
else:
    from unfold.contrib.filters.admin import RangeNumericListFilter as RangeFilter

type Choices = list[tuple[str, str]]
type Cases = QuerySet[PaymentFailure]


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
        return queryset if value == "all" else queryset.filter(status__in=[FailureStatus.OPEN, FailureStatus.EXHAUSTED])


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
        return due_within(queryset, days) if days else queryset


def due_within(cases: Cases, days: int) -> Cases:
    """Open cases with a planned step before the end of this day (or of so many days), by our own clock."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    planned = Q(
        steps__status__in=[StepStatus.PENDING, StepStatus.SENDING], steps__scheduled_for__lt=midnight + timedelta(days)
    )
    return cases.filter(pk__in=PaymentFailure.objects.filter(planned, status=FailureStatus.OPEN).values("pk"))


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


class CurrencyFilter(DropdownFilter):
    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        found = PaymentFailure.objects.order_by("currency").values_list("currency", flat=True).distinct()
        return [(currency, currency.upper()) for currency in found]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(currency=self.value()) if self.value() else queryset


class PlanFilter(DropdownFilter):
    title = "plan"
    parameter_name = "plan"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        found = PaymentFailure.objects.exclude(plan_name="").order_by("plan_name")
        return [(name, name) for name in found.values_list("plan_name", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: Cases) -> Cases:
        return queryset.filter(plan_name=self.value()) if self.value() else queryset


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
