"""One search box for everything that staff are given over the phone: a name, an address, an invoice, an id of Stripe's.

Ids and addresses are looked up whole, by their indexes; names and numbers of invoices by a part of them.
"""

from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from billing.finding import accounts_matching
from levqor.lib.desk import SHOWN, Finder, Hit, Search, parts


@dataclass(frozen=True)
class Group:
    """The hits of one kind, the first ten of them, and whether there are more."""

    title: str
    hits: list[Hit]
    has_more: bool
    is_case: bool


def find_view(request: HttpRequest) -> HttpResponse:
    """The page of results; where a single failed payment fits, its case at once."""
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    groups = find(words, request) if words else []
    only = _only_hit(groups)
    if only:
        return redirect(only.url)
    context = admin.site.each_context(request) | {
        "title": f"Search: {words}" if words else "Search",
        "has_own_heading": True,
        "words": words,
        "groups": groups,
    }
    return TemplateResponse(request, "admin/desk/search.html", context)


def _only_hit(groups: list[Group]) -> Hit | None:
    cases = [hit for group in groups if group.is_case for hit in group.hits]
    hits = cases or [hit for group in groups for hit in group.hits]
    return hits[0] if len(hits) == 1 else None


def find(words: str, request: HttpRequest) -> list[Group]:
    """What fits the words, of the kinds that this person may see; cases first."""
    search = Search(words, [account.pk for account in accounts_matching(words)])
    finders = [finder for part in parts() for finder in part.finders if request.user.has_perm(finder.permission)]
    found = [_group(finder, search) for finder in sorted(finders, key=lambda finder: not finder.is_case)]
    return [group for group in found if group.hits]


def _group(finder: Finder, search: Search) -> Group:
    known = list(finder.find(search))
    return Group(finder.title, known[:SHOWN], len(known) > SHOWN, finder.is_case)
