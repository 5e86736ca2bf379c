"""The filters of the queue of claims."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from claims.models import Claim, ClaimStatus
from levqor.cases.models import Deadline
from levqor.lib.admin import DropdownFilter, ListView, list_views

type Choices = list[tuple[str, str]]


def quick_views(request: HttpRequest) -> list[ListView]:
    table = [
        ("To decide", ""),
        ("Mine", "owner=me"),
        ("Unassigned", "owner=nobody"),
        ("Overdue", "state=overdue"),
        ("Waiting for the customer", f"state={ClaimStatus.WAITING}"),
        ("To approve", f"state={ClaimStatus.PROPOSED}"),
        ("By hand or unknown", "state=stuck"),
        ("Drafted", f"state={ClaimStatus.DRAFTED}"),
        ("Credited", f"state={ClaimStatus.CREDITED}"),
        ("All", "state=all"),
    ]
    return list_views(request, table)


class StateFilter(DropdownFilter):
    """What is to be decided, unless something else is asked for. A search looks everywhere."""

    title = "state"
    parameter_name = "state"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        states = [(str(value), str(label)) for value, label in ClaimStatus.choices]
        return [("", "To decide"), *states, ("overdue", "Overdue"), ("stuck", "By hand or unknown"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Claim]) -> QuerySet[Claim]:
        value = self.value() or ("all" if request.GET.get("q") else "")
        if value in ClaimStatus.values:
            return queryset.filter(status=value)
        if value == "overdue":
            late = Deadline.objects.running().filter(due_at__lt=timezone.now())
            return queryset.filter(case__in=late.values("case"))
        if value == "stuck":
            return queryset.filter(status__in=[ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN])
        if value == "all":
            return queryset
        return queryset.filter(case__closed_at__isnull=True).exclude(status=ClaimStatus.DRAFTED)
