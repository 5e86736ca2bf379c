"""Every document parses, every anchor is unique, every link leads somewhere."""

import re
from urllib.parse import urldefrag

import pytest

from legal.tests.texts import ANCHOR, PLAIN_WORDS, TEXTS, Text

PAGES = {
    "/", "/pricing", "/status", "/sla-credits", "/disputes", "/developer", "/developer/docs", "/developer/keys",
    "/developer/docs/errors/quota_exceeded", "/health", "/api/status/uptime", "/.well-known/security.txt",
}  # fmt: skip
MUST_LINK = {
    "dfy-agreement": {"/terms", "/privacy", "/refunds", "/acceptable-use"},
    "delivery": {"/dfy-agreement"},
    "revisions": {"/dfy-agreement"},
    "onboarding": {"/dfy-agreement"},
    "sla": {"/refunds", "/fair-use", "/disputes"},
    "refunds": {"/sla", "/fair-use", "/disputes"},
    "fair-use": {"/sla", "/refunds", "/disputes"},
}

# The page around the text has elements with these ids already.
TAKEN = {"content", "contents", "versions"}

each_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


@each_text
def test_it_begins_with_a_title_and_a_summary(text: Text) -> None:
    assert re.match(r"---\ntitle: \S.*\nsummary: \S.*\.\n---\n", text.source)


@each_text
def test_no_anchor_stands_twice(text: Text) -> None:
    assert sorted(set(text.anchors)) == sorted(text.anchors)
    assert TAKEN.isdisjoint(text.anchors)


@each_text
def test_every_section_has_an_anchor_and_a_plain_summary(text: Text) -> None:
    for heading, content in text.sections:
        assert ANCHOR.search(heading), heading
        assert content.strip().startswith(PLAIN_WORDS), heading


@each_text
def test_a_plain_summary_is_short(text: Text) -> None:
    summaries = re.findall(r"^> \*\*In plain words:\*\* (.+)$", text.body, flags=re.MULTILINE)

    assert max(len(summary.split()) for summary in summaries) <= 60


@each_text
def test_every_link_leads_to_a_known_page_and_anchor(text: Text) -> None:
    for link in text.links:
        path, anchor = urldefrag(link)
        if path.startswith(("https://", "mailto:")):
            continue
        target = TEXTS.get(path[1:]) if path else text
        assert target or path in PAGES, link
        assert not anchor or (target and anchor in target.anchors), link


@pytest.mark.parametrize(("slug", "pages"), MUST_LINK.items(), ids=MUST_LINK)
def test_it_links_to_what_belongs_to_it(slug: str, pages: set[str]) -> None:
    linked = {urldefrag(link).url for link in TEXTS[slug].links}

    assert pages <= linked


@each_text
def test_clauses_are_referred_to_by_name_and_never_by_number(text: Text) -> None:
    words = text.words.replace("Section 75.", "")

    assert not re.search(
        r"\b(?:clause|section|paragraph)s? \d\d?(?:\.\d+)?\b(?! of the Consumer)", words, flags=re.IGNORECASE
    )


def test_the_agreement_has_its_nine_sections() -> None:
    headings = [ANCHOR.sub("", heading).strip() for heading, _ in TEXTS["dfy-agreement"].sections]

    assert headings == [
        "Service packages",
        "Scope of services",
        "Deliverables timeline",
        "Revisions and change requests",
        "Customer responsibilities",
        "Exclusions and limitations",
        "Payment and refunds",
        "Term and termination",
        "Liability and indemnity",
    ]
