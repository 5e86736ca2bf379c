"""The HTML of a text: numbered, anchored, and without anything that could run."""

import pytest

from legal.filling import fill
from legal.markdown import Rendered, render
from legal.variables import Fact
from testing.html import Document

FACTS = {
    "name": Fact("A *bold* <b>name</b> [x](/y) | z", "a setting"),
    "mail": Fact("support@levqor.ai", "a setting"),
    "table": Fact("| A | B |\n| --- | --- |\n| 1 | 2 |", "rows", is_table=True),
}


def rendered(body: str) -> Rendered:
    return render(fill(f"---\ntitle: T\nsummary: S\n---\n{body}", FACTS), FACTS)


def test_sections_and_clauses_are_numbered_through() -> None:
    html = rendered("## One {#one}\n\n1. a\n1. b\n\nBetween.\n\n1. c\n\n## Two {#two}\n\n1. d\n").html

    numbers = [element.text for element in Document(html).all("span")]
    assert numbers == ["1.", "1.1", "1.2", "1.3", "2.", "2.1"]


def test_a_list_inside_a_clause_has_no_numbers() -> None:
    html = rendered("## One {#one}\n\n1. a\n   - x\n   1. y\n").html

    assert [element.text for element in Document(html).all("span")] == ["1.", "1.1"]


def test_anchors_stay_whatever_the_number() -> None:
    first = rendered("## One {#one}\n\n1. a {#keep}\n").html
    later = rendered("## New {#new}\n\nx\n\n## One {#one}\n\n1. before\n1. a {#keep}\n").html

    for html in (first, later):
        assert Document(html).one("li", id="keep").text.endswith("a")
        assert Document(html).one("h2", id="one").text.endswith("One")


def test_the_contents_name_each_section() -> None:
    assert rendered("## One *and* two {#one}\n\nx").outline == [{"number": 1, "title": "One and two", "anchor": "one"}]


def test_a_value_is_text_whatever_it_holds() -> None:
    html = rendered("## One {#one}\n\nBy {{ name }}.").html

    assert "<p>By A *bold* &lt;b&gt;name&lt;/b&gt; [x](/y) | z.</p>" in html


def test_a_value_may_stand_in_an_address() -> None:
    assert (
        Document(rendered("## One {#one}\n\n[us](mailto:{{ mail }})").html).one("a").get("href")
        == "mailto:support@levqor.ai"
    )


def test_a_table_of_facts_becomes_a_table() -> None:
    html = rendered("## One {#one}\n\n{{ table }}\n\nAfter.").html

    assert [cell.text for cell in Document(html).all("th", "td")] == ["A", "B", "1", "2"]
    assert "<p></p>" not in html


def test_a_table_in_a_sentence_is_a_problem() -> None:
    assert "“table” is a table" in rendered("## One {#one}\n\nSee {{ table }} here.").problems[0]


def test_a_summary_says_that_it_binds_nobody() -> None:
    html = rendered("## One {#one}\n\n> **In plain words:** pay.\n").html

    assert Document(html).one("blockquote").get("class") == "plain-words"
    assert "a summary, not part of the contract" in html


def test_another_quotation_stays_one() -> None:
    assert Document(rendered("## One {#one}\n\n> Somebody said this.\n").html).one("blockquote").get("class") == ""


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "![x](javascript:alert(1))",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&#58;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        '[x](/y "onmouseover=alert(1)")',
        "<svg onload=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "```\n<script>\n```",
        "## <script>alert(1)</script> {#x}",
        "| <script>alert(1)</script> |\n|---|\n| x |",
        '<div id="a" style="position:fixed">',
        '## x {#a"onclick=alert(1)}',
    ],
)
def test_script_in_a_text_is_inert(attack: str) -> None:
    page = Document(rendered(f"## One {{#one}}\n\n{attack}\n").html)

    assert list(page.inline_code()) == []
    assert page.all("script", "img", "svg", "iframe", "style") == []
    assert all(link.get("href").startswith(("/", "#", "mailto:", "http")) for link in page.all("a"))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("Only a paragraph.", "The text has no section"),
        ("# Big {#big}", "is a heading of the first level"),
        ("## No anchor", "The section “No anchor” has no anchor"),
        ("## One {#One Two}", "is no anchor"),
        ("## One {#one}\n\n1. a {#one}", "The anchor “one” is there twice."),
    ],
)
def test_what_is_wrong_is_said(body: str, problem: str) -> None:
    assert any(problem in found for found in rendered(body).problems)
