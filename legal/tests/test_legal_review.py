"""The page of dated facts is readable by machine, true to the documents, and not overdue."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from legal.tests.texts import TEXTS

PAGE = Path(settings.BASE_DIR) / "docs" / "legal-review.md"
COLUMNS = ["id", "fact", "source", "stated in", "checked", "review by", "solicitor"]


@dataclass(frozen=True)
class DatedFact:
    id: str
    fact: str
    source: str
    stated_in: list[str]
    checked: date
    review_by: date
    solicitor: str

    def is_fresh(self, *, on: date) -> bool:
        return self.checked <= on < self.review_by


def table_rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, its head first and without the line below it."""
    part = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def dated_facts() -> list[DatedFact]:
    return [
        DatedFact(
            id=id_,
            fact=fact,
            source=source,
            stated_in=places.split(", "),
            checked=date.fromisoformat(checked),
            review_by=date.fromisoformat(review_by),
            solicitor=solicitor,
        )
        for id_, fact, source, places, checked, review_by, solicitor in table_rows("Dated facts")[1:]
    ]


def exists(place: str) -> bool:
    """Whether `slug#anchor` stands in a document; the page /disputes is not one of them and stands for itself."""
    slug, _, anchor = place.partition("#")
    return place == "disputes" or (slug in TEXTS and anchor in TEXTS[slug].anchors)


def test_the_columns_are_those_that_the_page_announces() -> None:
    assert table_rows("Dated facts")[0] == COLUMNS
    assert " | ".join(COLUMNS) in PAGE.read_text(encoding="utf-8")[:600]


def test_each_fact_has_its_own_name_and_every_cell() -> None:
    facts = dated_facts()

    assert len({fact.id for fact in facts}) == len(facts)
    assert all(fact.fact and fact.source and fact.solicitor in {"yes", "no"} for fact in facts)


@pytest.mark.parametrize("fact", dated_facts(), ids=lambda fact: fact.id)
def test_it_is_stated_where_the_page_says(fact: DatedFact) -> None:
    assert [place for place in fact.stated_in if not exists(place)] == []


@pytest.mark.parametrize("fact", dated_facts(), ids=lambda fact: fact.id)
def test_it_was_looked_at_in_time(fact: DatedFact) -> None:
    assert fact.is_fresh(on=timezone.localdate()), f"Check {fact.source}, correct the texts, then renew the row."


@pytest.mark.parametrize("fact", dated_facts(), ids=lambda fact: fact.id)
def test_it_is_overdue_from_its_day_of_review_on(fact: DatedFact) -> None:
    day = timedelta(days=1)

    assert fact.is_fresh(on=fact.review_by - day)
    assert not fact.is_fresh(on=fact.review_by)
    assert not fact.is_fresh(on=fact.checked - day)


def test_the_ops_guide_begins_with_it() -> None:
    guide = (PAGE.parent / "operations.md").read_text(encoding="utf-8")

    first_section = guide.split("\n## ", 2)[1]
    assert "solicitor" in first_section
    assert "review" in first_section
    assert re.findall(r"\]\(([^)]+)\)", guide)[0] == PAGE.name


@pytest.mark.parametrize("heading", ["Statements that a solicitor must read", "Promises that people keep"])
def test_its_other_tables_point_into_the_documents(heading: str) -> None:
    places = [
        place for row in table_rows(heading) for cell in row for place in re.findall(r"`([a-z-]+#[a-z0-9-]+)`", cell)
    ]

    assert places
    assert [place for place in places if not exists(place)] == []


def test_the_settings_that_it_names_exist() -> None:
    named = re.findall(r"`([A-Z][A-Z_]+)`", PAGE.read_text(encoding="utf-8"))

    assert named
    assert [name for name in named if not hasattr(settings, name)] == []
