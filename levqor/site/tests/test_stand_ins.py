"""Addresses that customers, errors and documents name before their rooms are there."""

import pytest
from django.test import Client

from levqor.lib.testing.html import Document

pytestmark = pytest.mark.django_db
ROOMS = ["/disputes"]


@pytest.mark.parametrize("path", ROOMS)
def test_it_says_whom_to_write_to_and_has_no_form(client: Client, path: str) -> None:
    page = Document(client.get(path).content.decode())

    assert page.all("form") == []
    notice = page.one("div", **{"class": "notice"}).text
    assert "support@levqor.ai" in notice
    assert "yet" in notice


def test_the_disputes_page_has_each_step_with_its_days(client: Client) -> None:
    rows = [row.parts for row in Document(client.get("/disputes").content.decode()).all("tr")]

    assert [(row[0], row[-1]) for row in rows[1:]] == [
        ("Support", "1 to 3"), ("Escalation", "2 to 3"), ("Complaint", "5 to 7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fact",
    [
        "whether you write to us first or not",
        "section 75 of the Consumer Credit Act 1974",
        "confirmed within 30 days at the latest",
        "We have not joined a scheme.",
        "If you live in the European Union, you keep the rights",
    ],
)
def test_the_disputes_page_states_the_facts_that_the_legal_review_seeks_there(client: Client, fact: str) -> None:
    assert fact in client.get("/disputes").content.decode()
