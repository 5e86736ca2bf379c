"""Links and anchors of a text in both directions, before it is published."""

from datetime import date

import pytest

from legal.examination import Examination, examine
from legal.models import DocumentVersion
from legal.tests.make import NOW, make_document, make_source, make_version

pytestmark = pytest.mark.django_db
DAY = date(2096, 12, 1)


def examined(words: str, slug: str = "house-rules") -> Examination:
    return examine(slug, make_source(words), on=DAY, at=NOW)


@pytest.mark.parametrize(
    "link",
    ["/terms", "/terms#availability", "#within", "/status", "/legal", "https://ico.org.uk/x", "mailto:a@b.uk"],
)
def test_a_link_that_leads_somewhere_is_fine(link: str) -> None:
    assert examined(f"See [this]({link}).").problems == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("/terms#nowhere", "leads to an anchor that is not there"),
        ("#nowhere", "leads to an anchor that is not there"),
        ("/nowhere", "leads to a page that is not there"),
        ("/admin-secret/x", "leads to a page that is not there"),
        ("terms", "must begin with “/”"),
        ("../terms", "must begin with “/”"),
    ],
)
def test_a_dead_link_is_named(link: str, problem: str) -> None:
    assert examined(f"See [this]({link}).").problems == [f"The link “{link}” {problem}."]


def test_a_link_to_an_unpublished_document_is_dead() -> None:
    # Nobody has published this one: the rows of the first texts are taken out of sight.
    late = examine("house-rules", make_source("See [this](/terms)."), on=DAY, at=NOW.replace(year=2025))

    assert late.problems == ["The link “/terms” leads to a document that is not published."]


def test_an_anchor_that_others_point_at_must_stay() -> None:
    terms = DocumentVersion.objects.in_force(at=NOW).get(document__slug="refunds")

    problems = examine("refunds", make_source(), on=DAY, at=NOW).problems

    assert any("links to “/refunds#cancellation”, an anchor that this text does not have." in line for line in problems)
    assert all(str(terms) not in line for line in problems)


def test_an_anchor_that_goes_is_a_warning() -> None:
    make_version(document=make_document())

    later = make_source().replace("{#within}", "{#soon}")

    examination = examine("house-rules", later, on=DAY, at=NOW)
    assert examination.problems == []
    assert examination.warnings == [
        "The anchor “within” of house-rules version 1 is gone: links to it from outside lose their place."
    ]


@pytest.mark.parametrize(
    "unseen", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x1b", "\u00ad", "\U000e0041", "\ufe0f", "\u0336"]
)
def test_a_character_that_nobody_sees_is_named_with_its_line(unseen: str) -> None:
    problems = examined(f"We pay {unseen}nothing.").problems

    assert problems == [
        f"Line 8 holds a character that is not seen, or changes how another reads (U+{ord(unseen):04X}): remove it."
    ]


@pytest.mark.parametrize(
    "words", ["Caf\u00e9", "\u0639\u0631\u0628\u064a", "\u05e2\u05d1\u05e8", "\U0001f469\u200d\U0001f4bb"]
)
def test_other_scripts_and_emoji_are_fine(words: str) -> None:
    assert examined(words).problems == []


@pytest.mark.parametrize(
    "words",
    [
        "It costs {{ plan.starter.price a month.",
        "It costs plan.starter.price }} a month.",
        "It costs { plan.starter.price } a month.",
        "It costs {{{ plan.starter.price }}} a month.",
        "It costs {{ plan.starter.price }",
        "{{#company.vat}",
    ],
)
def test_a_variable_that_is_not_whole_is_named_with_its_line(words: str) -> None:
    problems = examined(words).problems

    assert problems == [
        f"“1. {words}” has a brace too many or too few: a fact is written “{{{{ name }}}}”, "
        "an anchor “{#name}” at the end of its line."
    ]


def test_a_link_without_words_is_named() -> None:
    assert examined("See [](/terms) and [**terms**](/terms).").problems == [
        "The link to “/terms” has no words: nobody would see it."
    ]


def test_a_cell_that_no_column_takes_is_named() -> None:
    problems = examined("Prices:\n\n| Plan | Price |\n| --- | --- |\n| Starter | 19 | 1234 |\n\nMore").problems

    assert problems == [
        "“| Starter | 19 | 1234 |” would not be shown as it is written: it has more cells than the first line of its table. "
        "Write “\\|” for a line that is meant."
    ]
