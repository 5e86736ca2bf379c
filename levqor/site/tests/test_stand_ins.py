"""Addresses that customers, errors and documents name before their rooms are there."""

import pytest
from django.test import Client

from levqor.lib.problems import Code
from levqor.site.stand_ins import MEANINGS
from testing.html import Document

pytestmark = pytest.mark.django_db
ROOMS = ["/developer"]


@pytest.mark.parametrize("path", ROOMS)
def test_it_says_whom_to_write_to_and_has_no_form(client: Client, path: str) -> None:
    page = Document(client.get(path).content.decode())

    assert page.all("form") == []
    notice = page.one("div", **{"class": "notice"}).text
    assert "support@levqor.ai" in notice
    assert "yet" in notice


@pytest.mark.parametrize("code", Code, ids=lambda code: code.code)
def test_the_address_in_an_error_explains_it(client: Client, code: Code) -> None:
    answer = client.get(f"/developer/docs/errors/{code.code}")
    page = Document(client.get("/developer").content.decode())

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/developer#{code.code}")
    assert page.one("dt", id=code.code).text == f"{code.code} {code.status}"
    assert MEANINGS[code] in " ".join(entry.text for entry in page.all("dd"))


@pytest.mark.parametrize("part", ["docs", "keys"])
def test_the_pages_below_the_developers_page_lead_to_its_parts(client: Client, part: str) -> None:
    assert client.head(f"/developer/{part}").headers["Location"] == f"/developer#{part}"


def test_an_unknown_error_is_not_explained(client: Client) -> None:
    assert client.get("/developer/docs/errors/made_up").status_code == 404
