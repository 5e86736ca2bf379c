"""A promise that stands in several documents has the same number in each."""

import re

import pytest

from legal.tests.texts import TEXTS

# What is promised, as a pattern with one group for the number, and the documents that promise it.
PROMISES = {
    "bug-fix support": (r"bug-fix support[^.|]{0,40}?(\d+) days|(\d+)-day post-launch", ["dfy-agreement", "revisions"]),
    "late builds": (r"within (\w+) business days after the last day of the window", ["dfy-agreement", "delivery"]),
    "offers": (r"offer stands for (\d+) days", ["dfy-agreement", "revisions"]),
    "answers to change requests": (r"[Ww]ithin (\w+) business days we tell you", ["dfy-agreement", "revisions"]),
    "answers of customers": (r"test versions within (\w+) business days", ["dfy-agreement", "onboarding"]),
    "dormant builds": (r"(\d+) days (?:while we wait|without an answer)", ["dfy-agreement", "onboarding"]),
    "access deleted": (r"(?:deleted|delete it) within (\d+) days", ["onboarding"]),
    "refund decisions": (r"(?:answers?|decide) within (\w+) business days", ["refunds"]),
    "notice of changes": (r"at least (\d+) days before", ["terms"]),
    "maintenance": (r"at least (\d+) hours before", ["sla"]),
    "network address of an acceptance": (r"(Value) days(?: after you accepted)? \|", ["dfy-agreement", "privacy"]),
}


@pytest.mark.parametrize(("pattern", "slugs"), PROMISES.values(), ids=PROMISES)
def test_the_number_is_the_same_everywhere(pattern: str, slugs: list[str]) -> None:
    found = {
        slug: {next(filter(None, match.groups())) for match in re.finditer(pattern, TEXTS[slug].words)}
        for slug in slugs
    }

    assert all(found.values()), found
    assert len(set().union(*found.values())) == 1, found
