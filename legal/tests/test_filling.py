"""What a source may ask for, and what is said about one that asks for something else."""

import pytest

from legal.filling import MARK, Filled, fill
from legal.variables import Fact

FACTS = {
    "name": Fact("Levqor", "the setting COMPANY_NAME"),
    "number": Fact("", "the setting COMPANY_NUMBER"),
}
HEAD = "---\ntitle: T\nsummary: S\n---\n"


def words(filled: Filled) -> str:
    return " ".join(MARK.sub(filled.value, filled.marked).split())


def test_a_variable_becomes_its_value() -> None:
    assert words(fill(HEAD + "We are {{ name }} and {{name}}.", FACTS)) == "We are Levqor and Levqor."


def test_the_front_matter_names_title_and_summary() -> None:
    filled = fill("---\ntitle: Terms: all of them\nsummary: By {{ name }}\n---\nx", FACTS)

    assert (filled.title, filled.summary) == ("Terms: all of them", "By Levqor")


def test_windows_line_ends_make_no_difference() -> None:
    assert fill(HEAD.replace("\n", "\r\n") + "{{#name}}\r\nkept\r\n{{/name}}", FACTS).problems == []


@pytest.mark.parametrize(
    ("block", "kept"),
    [
        ("{{#name}}\nyes\n{{/name}}", "yes"),
        ("{{#number}}\nNo. {{ number }}\n{{/number}}", ""),
        ("{{^number}}\nnone\n{{/number}}", "none"),
        ("{{^name}}\nnone\n{{/name}}", ""),
    ],
)
def test_a_block_depends_on_its_fact(block: str, kept: str) -> None:
    filled = fill(HEAD + block, FACTS)

    assert (words(filled), filled.problems) == (kept, [])


def test_an_empty_fact_that_decided_over_a_block_is_remembered() -> None:
    assert fill(HEAD + "{{#number}}\nx\n{{/number}}", FACTS).used == {"number": ""}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("no front matter", "The text does not begin with its front matter"),
        ("---\ntitle: T\n---\nx", "The front matter has no summary."),
        ("---\ntitle: T\nsummary: S\nauthor: A\n---\nx", "The front matter has an unknown line “author”."),
        (HEAD + "{{ nme }}", "Unknown variable “nme”."),
        (HEAD + "{{#nme}}\nx\n{{/nme}}", "Unknown variable “nme”."),
        (HEAD + "{{ number }}", "“number” is empty and the text needs it: fill in the setting COMPANY_NUMBER."),
        (HEAD + "{{#name}}\nx", "The block “name” is never closed"),
        (HEAD + "x\n{{/name}}", "“{{/name}}” closes a block that is not open."),
        (
            HEAD + "{{#name}}\n{{#number}}\nx\n{{/number}}\n{{/name}}",
            "The block “number” begins inside the block “name”.",
        ),
        (HEAD + "a {{#name}} b", "“{{#name}}” must stand alone on its line."),
    ],
)
def test_what_is_wrong_is_said(source: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in fill(source, FACTS).problems)


@pytest.mark.parametrize(
    "attack", ["{{ name.__class__ }}", "{{ settings.SECRET_KEY }}", "{{ 7*7 }}", "{{ name|safe }}"]
)
def test_nothing_but_names_is_understood(attack: str) -> None:
    filled = fill(HEAD + attack, FACTS)

    assert words(filled) == ""
    assert filled.problems[0].startswith("Unknown variable")


def test_template_tags_are_plain_text() -> None:
    assert words(fill(HEAD + "{% load x %}", FACTS)) == "{% load x %}"
