"""What the API brings to the back office."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from developer.keys import PREFIX_SHOWN
from developer.models import KEY_PREFIX, ApiKey
from levqor.lib.desk import SHOWN, Entry, Finder, Hit, Part, Search, register


def _keys(search: Search) -> Iterable[Hit]:
    """By the beginning that people read out; whoever sends a whole key finds it too, and has to be told to revoke it."""
    begins = Q(prefix=search.words[:PREFIX_SHOWN]) if search.words.startswith(KEY_PREFIX) else Q(pk=None)
    keys = ApiKey.objects.filter(Q(account__in=search.account_ids) | begins).select_related("account").order_by("-pk")
    for key in keys[: SHOWN + 1]:
        yield Hit(str(key), str(key.account), reverse("admin:developer_apikey_change", args=[key.pk]))


register(
    Part(
        "developer",
        menu=(
            Entry("Developers", "API keys", "developer_apikey", "key"),
            Entry("Developers", "API usage", "developer_monthlyusage", "monitoring"),
        ),
        finders=(Finder("API keys", "developer.view_apikey", _keys),),
        roles={
            "Support": ["view_*", "change_apikey", "change_tier"],
            "Finance": ["view_*", "change_tier"],
            "Engineering": ["view_*", "change_apikey"],
        },
    )
)
