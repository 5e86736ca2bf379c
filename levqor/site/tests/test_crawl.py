"""One walk over everything that is linked: no dead link, no dead anchor, one price, and nothing that must not be said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag

import pytest
from django.test import Client
from django.utils import timezone

from legal.models import DfyPackage
from legal.sla_example import example_rows
from levqor.accounts.models import Plan, SlaTerms
from levqor.lib.money import format_price
from levqor.site.tests.make import ENTRANCE, PAGES
from testing.html import Document

pytestmark = pytest.mark.django_db

# Credit cards above £100 and up to £30,000: section 75 of the Consumer Credit Act 1974.
AMOUNTS_OF_THE_LAW = {"£100", "£30,000"}
FORBIDDEN = [
    r"ec\.europa\.eu", r"online dispute resolution", r"\bODR\b", r"certified ADR", r"ADR (entity|entities|provider)",
    r"(must|may|can)not (ask for a |start a )?charge ?back", r"no refunds", r"non-refundable", r"lorem ipsum",
    r"placeholder", r"coming soon",
]  # fmt: skip


@dataclass(frozen=True)
class Found:
    """An address as the walk found it; `page` where it is one of ours to read."""

    status: int
    page: Document | None

    @property
    def links(self) -> set[str]:
        return {link.get("href") for link in self.page.all("a")} if self.page else set()

    @property
    def ids(self) -> set[str]:
        return {element.get("id") for element in self.page.elements} if self.page else set()

    @property
    def words(self) -> str:
        """Pieces apart, so that two cells of a table never make one number."""
        return " ".join(self.page.all("body")[0].parts) if self.page else ""


def walk(client: Client) -> dict[str, Found]:
    found: dict[str, Found] = {}
    waiting = [*PAGES, *ENTRANCE]
    while waiting:
        path = waiting.pop()
        answer = client.get(path, follow=True)
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        found[path] = Found(answer.status_code, Document(answer.content.decode()) if is_page else None)
        inner = {urldefrag(link).url for link in found[path].links if link.startswith("/")}
        waiting += inner - found.keys() - set(waiting)
    return found


def amounts_of_the_sla() -> Iterator[str]:
    plans = list(Plan.objects.all())
    plan = plans[(len(plans) - 1) // 2]
    for row in example_rows(SlaTerms.objects.valid_on(timezone.localdate())):
        yield format_price(row.credit_cents(plan.price_cents), plan.currency)


def test_every_link_leads_somewhere_and_every_anchor_is_there(client: Client) -> None:
    found = walk(client)
    anchors = [
        (path, link, urldefrag(link))
        for path, one in found.items()
        for link in one.links
        if link.startswith(("/", "#"))
    ]

    assert {path: one.status for path, one in found.items() if one.status >= 400} == {}
    assert [
        (path, link)
        for path, link, (target, fragment) in anchors
        if fragment and fragment not in found[target or path].ids
    ] == []
    assert len(found) > 50


def test_what_is_said_is_allowed_and_every_price_is_one_of_ours(client: Client) -> None:
    prices = {row.price for rows in (Plan.objects.all(), DfyPackage.objects.all()) for row in rows}
    known = prices | AMOUNTS_OF_THE_LAW | set(amounts_of_the_sla())
    found = walk(client)

    said = {path: set(re.findall(r"£[\d,]+(?:\.\d\d)?", one.words)) for path, one in found.items()}
    assert {path: amounts - known for path, amounts in said.items() if amounts - known} == {}
    assert prices <= set().union(*said.values())
    assert [
        (path, word) for path, one in found.items() for word in FORBIDDEN if re.search(word, one.words, re.IGNORECASE)
    ] == []
