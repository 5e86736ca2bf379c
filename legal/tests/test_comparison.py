"""Word by word, and only the words."""

import time

import pytest

from legal.comparison import compare
from legal.filling import fill
from legal.markdown import head, render


def text(body: str, *, version: str = "Version 1") -> str:
    filled = fill(f"---\ntitle: T\nsummary: S\n---\n{body}", {})
    return head("T", "S", version) + "\n" + render(filled, {}).html


BEFORE = "## Answers {#answers}\n\n1. We answer within two days.\n1. A person reads it.\n"


def parts(before: str, after: str) -> list[tuple[str, str]]:
    compared = compare(text(before), text(after, version="Version 2"))
    return [(part.kind, part.text) for block in compared.blocks for part in block.parts if part.kind != "same"]


def test_one_word_is_one_word() -> None:
    assert parts(BEFORE, BEFORE.replace("two", "three")) == [("removed", "two"), ("added", "three")]


def test_a_changed_phrase_reads_as_one() -> None:
    changed = parts(BEFORE, BEFORE.replace("two days", "three weeks"))

    assert changed == [("removed", "two days"), ("added", "three weeks")]


def test_a_new_clause_changes_no_other_though_their_numbers_move() -> None:
    after = BEFORE.replace("1. We answer", "1. We have a telephone.\n1. We answer")

    assert parts(BEFORE, after) == [("added", "We have a telephone.")]


def test_a_clause_that_goes_is_struck_out() -> None:
    assert parts(BEFORE, BEFORE.replace("1. A person reads it.\n", "")) == [("removed", "A person reads it.")]


def test_a_rewritten_paragraph_is_an_old_and_a_new_one() -> None:
    after = BEFORE.replace("A person reads it.", "Nothing of this kind was ever agreed between them.")

    assert ("removed", "A person reads it.") in parts(BEFORE, after)


def test_a_clause_with_the_same_anchor_is_the_same_clause() -> None:
    before = "## A {#a}\n\n1. Completely different words stood here. {#x}\n"
    after = "## A {#a}\n\n1. Nobody would guess it. {#x}\n"

    compared = compare(text(before), text(after))
    assert [block.change for block in compared.blocks if block.kind == "item" or block.change != "same"] == ["edited"]


def test_cells_of_tables_are_compared() -> None:
    table = "## A {#a}\n\n| Package | Price |\n|---|---|\n| Starter | £99 |\n"

    assert parts(table, table.replace("£99", "£109")) == [("removed", "99"), ("added", "109")]


def test_version_and_date_are_no_change() -> None:
    compared = compare(text(BEFORE), text(BEFORE, version="Version 2, in force from 1 May 2027"))

    assert compared.is_empty


@pytest.mark.proof
def test_two_long_texts_are_compared_within_the_bar() -> None:
    clauses = [f"1. Clause {number} says {'many words of no great weight ' * 6}." for number in range(400)]
    before = "## A {#a}\n\n" + "\n".join(clauses)
    after = "## A {#a}\n\n" + "\n".join(line.replace("great", "small") for line in clauses[::2])

    began = time.process_time()
    changes = [block.change for block in compare(text(before), text(after)).blocks]
    seconds = time.process_time() - began

    print(f"{seconds:.2f} s of processor time")  # noqa: T201  # a figure for the report
    assert (changes.count("edited"), changes.count("removed")) == (200, 200)
