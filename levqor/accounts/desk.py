"""What accounts bring to the back office: customers, their people, plans and promises."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from levqor.accounts.models import Account, User
from levqor.lib.desk import SHOWN, Entry, Finder, Hit, Part, Search, register


def _accounts(search: Search) -> Iterable[Hit]:
    found = Account.objects.in_bulk(search.account_ids[: SHOWN + 1])
    for account in found.values():
        detail = f"{account.billing_email}, {account.get_standing_display().lower()}"
        yield Hit(str(account), detail, reverse("admin:accounts_account_change", args=[account.pk]))


def _people(search: Search) -> Iterable[Hit]:
    people = User.objects.filter(Q(email=search.words.lower()) | Q(full_name__icontains=search.words)).order_by("email")
    for person in people[: SHOWN + 1]:
        yield Hit(person.email, person.full_name, reverse("admin:accounts_user_change", args=[person.pk]))


register(
    Part(
        "accounts",
        menu=(
            Entry("Customers", "Accounts", "accounts_account", "apartment"),
            Entry("Customers", "Plans", "accounts_plan", "sell"),
            Entry("Customers", "SLA terms", "accounts_slaterms", "percent"),
            Entry("Customers", "People", "accounts_user", "person"),
        ),
        finders=(
            Finder("Accounts", "accounts.view_account", _accounts),
            Finder("People", "accounts.view_user", _people),
        ),
        roles={name: ["view_*"] for name in ("Support", "Finance", "Engineering", "Legal")},
    )
)
