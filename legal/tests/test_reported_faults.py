"""What others reported of contracts in Markdown and of comparisons: each with what is right here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.test import Client

from legal.blocks import blocks_of
from legal.comparison import Comparison, compare
from legal.examination import read
from legal.filling import fill
from legal.markdown import Rendered, head, render
from legal.publishing import RefusedError
from legal.tests.make import NOW, days, make_document, make_version

FRONT = "---\ntitle: T\nsummary: S\n---\n\n## Fees {#fees}\n\n"


def rendered(body: str) -> Rendered:
    return render(fill(FRONT + body, {}), {})


def text(body: str, *, version: int = 1) -> str:
    return f"{head('T', 'S', f'Version {version}')}\n{rendered(body).html}"


def words_of(body: str) -> str:
    return "\n".join(block.text for block in blocks_of(rendered(body).html))


@pytest.mark.parametrize(
    "line",
    [
        "[Fee]: £99",
        "[Customer]: Acme",
        '[Starter Build]: £99 "one workflow"',
        "[^1]: £99",
        "[x]: <>",
        "[Unused]: https://levqor.ai/terms",
        "[Fee]:\n£99",
        "> [Fee]: £99",
        "1. First.\n\n   [Fee]: £99",
        "See [a].\n\n[a]: #fees\n[A]: £99",
    ],
)
def test_a_line_that_readers_would_not_see_is_named(line: str) -> None:
    problems = rendered(f"Before.\n\n{line}\n\nAfter.").problems

    assert any("would not be shown as it is written" in problem for problem in problems)
    assert "[" in problems[0]


def test_a_target_that_is_used_is_one() -> None:
    made = rendered("See [liability][] and [x].\n\n[liability]: #fees\n\n[x]: /terms\n")

    assert (made.problems, made.links) == ([], ["#fees", "/terms"])


def test_a_bracket_that_is_meant_is_shown() -> None:
    made = rendered("\\[Fee]: £99\n\n**Fee**: £99 & [more] *words* of_no_weight &nbsp; `x`.\n")

    assert made.problems == []
    assert "[Fee]: £99" in made.html


@pytest.mark.django_db
def test_the_preview_names_the_line() -> None:
    examination, _ = read(f"{FRONT}[Fee]: £99\n", on=NOW.date())

    assert examination.problems[0].startswith("“[Fee]: £99” would not be shown")


@pytest.mark.django_db
def test_such_a_draft_is_not_published() -> None:
    with pytest.raises(RefusedError, match="would not be shown"):
        make_version(source=f"{FRONT}1. Due is the fee.\n\n[Fee]: £99\n")


def test_the_title_of_a_link_is_read_by_everybody() -> None:
    assert words_of('See [our policy](/refunds "since May").') == "1. Fees\nSee our policy (since May)."


@pytest.mark.parametrize(
    "line",
    [
        "Levqor may (a) wait, (b) ask, (c) end the order, (r) refund, (p) pause, (tm) or none.",
        "See clause 4(c) and 4(C).",
        "Fees of 1,000 +- 5 %.",
        "Well.. 3--5 days, 10---14 days, what??????",
        "1986. was a year",
        "2027) was another",
    ],
)
def test_signs_stay_as_they_are_written(line: str) -> None:
    assert words_of(line) == f"1. Fees\n{line}"
    assert compare(text(line), text(line)).blocks[-1].parts[0].text == line


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("1. a\n2. b\n\nNote.\n\n3. c", ["1.1", "1.2", "1.3"]),
        ("1. a\n1. b\n\nNote.\n\n1. c", ["1.1", "1.2", "1.3"]),
        ("1. a\n2. b\n\nNote.\n\n1. c\n2. d", ["1.1", "1.2", "1.3", "1.4"]),
        ("3. Three\n\n14. Fourteenth", ["1.3", "1.14"]),
        ("14. Fourteenth\n\n7) Seven", ["1.14", "1.7"]),
        ("5. a\n6. b", ["1.5", "1.6"]),
    ],
)
def test_clauses_have_the_numbers_that_were_written(body: str, numbers: list[str]) -> None:
    made = rendered(body)

    assert [block.marker for block in blocks_of(made.html) if block.kind == "item" or block.depth] == numbers
    assert made.problems == []


def test_a_list_within_a_clause_counts_from_where_it_begins() -> None:
    assert "3. third" in words_of("1. a\n\n   3. third\n   4. fourth")
    assert "• (a) nested" in words_of("1. a\n   - (a) nested")


def test_one_number_names_one_clause() -> None:
    assert rendered("1. a\n2. b\n\nNote.\n\n5. c\n\nNote.\n\n2. d").problems == ["There are two clauses 1.2."]


def changes(comparison: Comparison) -> list[tuple[str, str]]:
    return [
        (part.kind, part.text.strip()) for block in comparison.blocks for part in block.parts if part.kind != "same"
    ]


FIRST = "Refunds follow [our policy](/refunds).\n\nWrite to [complaints](mailto:complaints@levqor.ai).\n"
SECOND = FIRST.replace("/refunds", "/fair-use").replace("mailto:complaints@", "mailto:help@")
THIRD = SECOND.replace("/fair-use)", '/fair-use "since May")')


def test_a_changed_address_is_shown_beside_its_words() -> None:
    compared = compare(text(FIRST), text(SECOND, version=2))

    assert changes(compared) == [
        ("removed", "(/refunds)"),
        ("added", "(/fair-use)"),
        ("removed", "(mailto:complaints@levqor.ai)"),
        ("added", "(mailto:help@levqor.ai)"),
    ]
    assert (compared.added, compared.removed) == (2, 2)


def test_a_changed_title_or_anchor_is_shown() -> None:
    assert changes(compare(text(SECOND), text(THIRD))) == [("added", "(since May)")]
    fees = "See [fees](#fees).\n"
    assert changes(compare(text(fees), text(fees.replace("#fees", "#fees-2")))) == [
        ("removed", "(#fees)"),
        ("added", "(#fees-2)"),
    ]


def test_addresses_that_stay_are_no_noise() -> None:
    compared = compare(text(FIRST), text(FIRST.replace("follow", "observe")))

    assert changes(compared) == [("removed", "follow"), ("added", "observe")]
    assert not any("/refunds" in part.text for block in compared.blocks for part in block.parts)


def test_a_link_in_a_table_is_compared_too() -> None:
    table = "| a | b |\n|---|---|\n| [x](/terms) | 1 |\n"

    assert changes(compare(text(table), text(table.replace("/terms", "/sla")))) == [
        ("removed", "(/terms)"),
        ("added", "(/sla)"),
    ]


@pytest.mark.parametrize("other", ["**Refunds** are made.", "- Refunds are made."])
def test_what_differs_in_looks_alone_is_not_called_the_same(other: str) -> None:
    compared = compare(text("Refunds are made."), text(other))

    assert compared.is_different


@pytest.mark.django_db
def test_the_page_shows_both_addresses_and_a_version_equals_itself(client: Client) -> None:
    document = make_document("terms")
    source = document.versions.get().source
    for number, body in enumerate((FIRST, SECOND), start=1):
        make_version(document=document, source=f"{source}\n{body}", at=NOW + days(number))

    shown, same = (client.get(f"/legal/terms/diff/{pair}").text for pair in ("2/3", "3/3"))
    assert "(/refunds)" in shown
    assert "(/fair-use)" in shown
    assert "no difference" in same


def plans(eighth: int = 17) -> str:
    prices = [(name, price) for name in ("Starter", "Growth", "Pro", "Business") for price in range(10, 30)]
    return "\n\n".join(
        f"Plan {name} per month £ {eighth if place == 7 else price}" for place, (name, price) in enumerate(prices)
    )


def refrain(word: str = "") -> str:
    words = " ".join(["the customer may ask or the customer may wait and the customer may go"] * 40).split()
    return " ".join([*words[:100], word or words[100], *words[101:]])


def clauses(is_changed: bool = False) -> Iterator[str]:
    for number in range(80):
        words = [f"word{number}x{place % 23}" for place in range(60)]
        if is_changed and number % 10 == 5:
            words[30] = "changed"
        yield f"1. {' '.join(words)}"


PAIRS = {
    "a price": (plans(), plans(999), 1),
    "a refrain": (refrain(), refrain("must"), 1),
    "eight words": ("\n".join(clauses()), "\n".join(clauses(is_changed=True)), 8),
}


@pytest.mark.parametrize("name", PAIRS)
def test_only_what_changed_is_marked(name: str) -> None:
    before, after, count = PAIRS[name]

    compared = compare(text(before), text(after))

    assert (compared.added, compared.removed, compared.is_coarse) == (count, count, False)


COMMON = ["the", "of", "and", "to", "may", "must", "we", "you", "they", "a", "or", "in"]


def common_words(is_changed: bool = False) -> str:
    draw = Random(7)  # the same text each time
    words = draw.choices(COMMON, k=6000)
    return " ".join("never" if is_changed and place % 40 == 0 else word for place, word in enumerate(words))


def mirrored(comparison: Comparison) -> list[tuple[str, str]]:
    """What was removed as added and the other way round, in the order in which that is shown."""
    other = {"added": "removed", "removed": "added"}
    return [(other[kind], words) for kind, words in changes(comparison)]


@pytest.mark.parametrize("name", [*PAIRS, "addresses", "frequent words"])
def test_the_other_way_round_is_the_mirror_image(name: str) -> None:
    more = {"addresses": (FIRST, SECOND), "frequent words": (common_words(), common_words(is_changed=True))}
    before, after = (more.get(name) or PAIRS[name])[:2]

    forth, back = compare(text(before), text(after)), compare(text(after), text(before))

    assert sorted(changes(back)) == sorted(mirrored(forth))
    assert (back.added, back.removed) == (forth.removed, forth.added)


def test_a_long_text_of_frequent_words_is_exact_within_the_bound() -> None:
    compared = compare(text(common_words()), text(common_words(is_changed=True)))

    assert (compared.added, compared.removed, compared.is_coarse) == (150, 150, False)


def test_texts_with_nothing_in_common_are_given_up_and_it_is_said() -> None:
    other = " ".join(Random(8).choices(COMMON, k=6000))  # the same text each time

    assert compare(text(common_words()), text(other)).is_coarse


def test_twenty_who_ask_at_once_cost_one_comparison() -> None:
    pair = text(common_words()), text(common_words(is_changed=True), version=3)

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: compare(*pair), range(20)))

    assert all(one is found[0] for one in found)
