"""What the documents say, and how: facts from variables, the law of today, plain British English."""

import re
from statistics import mean

import pytest

from legal.tests.texts import TEXTS, VARIABLE, Text

# The limits of section 75 are the law's and in no row of ours.
AMOUNTS_OF_THE_LAW = {"£100", "£30,000"}
SHARES_OF_A_BUILD = {"25%", "45%", "15%", "10%", "5%"}
SHARES_OF_THE_EXAMPLE = {"22.5%", "75%"}
FORBIDDEN = [
    "ec.europa.eu", "online dispute resolution", r"\bODR\b", "certified adr", "adr entity", "adr entities",
    r"must not (ask for a |start a |file a )?charge ?back", r"(may|can)not charge ?back", "no refunds", "non-refundable",
    "all sales are final", "sole discretion", "subscription contracts? regime", "lorem ipsum", r"\bTO" r"DO\b", r"\bTBC\b",
    "placeholder", "herein", "hereinafter", "hereto", "thereof", "aforementioned", "notwithstanding", "pursuant to",
    "we guarantee", "100% uptime", "legal advice from us",
]  # fmt: skip
AMERICAN = [
    "color", "favor", "honor", "labor", "behavior", "center", "fulfill", "fulfillment", "canceled", "canceling",
    "cancelation", "traveled", "modeling", "labeled", "judgment", "acknowledgment", "defense", "offense", "license",
    "analyze", "organization", "organize", "recognize", "authorize", "authorized", "customize", "realize", "minimize",
    "utilize", "gotten", "catalog", "toward", "afterward",
]  # fmt: skip

each_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


@each_text
def test_amounts_of_money_come_from_variables(text: Text) -> None:
    amounts = set(re.findall(r"£[\d,.]*\d", text.words))

    assert amounts <= (AMOUNTS_OF_THE_LAW if text.slug == "refunds" else set())


@each_text
def test_percentages_come_from_variables(text: Text) -> None:
    shares = set(re.findall(r"[\d.]+ ?%", text.words))

    assert shares <= (SHARES_OF_A_BUILD | SHARES_OF_THE_EXAMPLE if text.slug == "refunds" else set())


def test_the_shares_of_a_build_make_the_whole_price() -> None:
    shares = [int(share) for share in re.findall(r"\| (\d+)% \|", TEXTS["refunds"].body)]

    assert sum(shares) == 100


def test_the_example_of_a_cancelled_build_is_reckoned_by_the_shares() -> None:
    _, build, testing, deployment, support = (
        int(share) for share in re.findall(r"\| (\d+)% \|", TEXTS["refunds"].body)
    )
    being_tested = testing / 2 + deployment + support

    assert f"{being_tested}% of its price" in TEXTS["refunds"].words
    assert f"{build + testing + deployment + support}% of its price" in TEXTS["refunds"].words


@each_text
def test_delivery_windows_and_rounds_come_from_variables(text: Text) -> None:
    assert not re.search(r"\d+[–-]\d+ business days", text.words)
    assert not re.search(r"\b(one|two|three|\d) rounds? of revisions", text.words, flags=re.IGNORECASE)
    assert not re.search(r"\b(one|three|seven|\d) workflows? (within|in|for)\b", text.words, flags=re.IGNORECASE)


@each_text
def test_it_says_nothing_that_is_out_of_date_unfair_or_unfinished(text: Text) -> None:
    found = [phrase for phrase in FORBIDDEN if re.search(phrase, text.words, flags=re.IGNORECASE)]

    assert found == []


@each_text
def test_it_is_spelt_as_in_britain(text: Text) -> None:
    found = [word for word in AMERICAN if re.search(rf"\b{word}\b", text.words, flags=re.IGNORECASE)]

    assert found == []


@each_text
def test_its_sentences_are_short(text: Text) -> None:
    lengths = [len(sentence.split()) for sentence in text.sentences]

    assert mean(lengths) <= 16
    assert max(lengths) <= 48, max(text.sentences, key=lambda sentence: len(sentence.split()))


def test_the_agreement_names_every_fact_of_every_package() -> None:
    named = set(VARIABLE.findall(TEXTS["dfy-agreement"].body))

    assert "{{ dfy_table }}" in named
    for package in ("starter", "growth", "pro"):
        assert {f"{{{{ dfy.{package}.{fact} }}}}" for fact in ("workflows", "delivery", "revisions")} <= named


def test_liability_for_death_injury_and_fraud_is_never_excluded() -> None:
    for slug in ("dfy-agreement", "terms"):
        assert re.search(r"death or personal injury caused by negligence, for fraud", TEXTS[slug].words)


@pytest.mark.parametrize("slug", ["dfy-agreement", "refunds", "terms"])
def test_the_right_to_cancel_is_for_consumers_and_businesses_are_told(slug: str) -> None:
    words = TEXTS[slug].words

    assert "within 14 days" in words
    assert re.search(r"[Bb]usiness(es| customers?)[^.]*(do not|does not)", words)
