"""The public pages: what counts now, what is coming, what was, and nothing for an address that names none."""

import gzip
import hashlib

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from legal.catalogue import DOCUMENTS
from legal.models import Document as DocumentRow
from legal.models import DocumentVersion
from legal.publishing import publish, withdraw
from legal.tests.make import NOW, days, make_draft, make_staff
from testing.html import Document

pytestmark = pytest.mark.django_db


def page(client: Client, path: str, status: int = 200) -> Document:
    response = client.get(path)
    assert response.status_code == status, path
    return Document(response.content.decode())


def announce(slug: str, **how: object) -> DocumentVersion:
    """The next version of a first text, from ten days after NOW on."""
    document = DocumentRow.objects.get(slug=slug)
    source = document.versions.latest("number").source
    draft = make_draft(document=document, source=f"{source}\nOne line more.\n")
    options = {
        "by": make_staff(f"publisher-{slug}"),
        "at": NOW,
        "effective_at": NOW + days(10),
        "reason": "A line more.",
    }
    return publish(draft, **(options | how))  # type: ignore[arg-type]  # as publish takes them


@pytest.mark.parametrize("slug", [document.slug for document in DOCUMENTS])
def test_each_document_shows_its_version_in_force(client: Client, slug: str) -> None:
    version = DocumentVersion.objects.get(document__slug=slug)
    body = client.get(f"/{slug}").content.decode()

    head, _, rest = version.html.partition("</header>\n")
    assert head in body
    assert rest in body
    assert version.sha256 in body
    assert list(Document(body).inline_code()) == []


def test_the_contents_lead_to_every_section(client: Client) -> None:
    terms = page(client, "/terms")

    anchors = [link.get("href")[1:] for link in terms.all("a") if link.get("href").startswith("#")]
    ids = {element.get("id") for element in terms.elements}
    assert len(anchors) > 10
    assert set(anchors) <= ids


@pytest.mark.parametrize("path", ["/legal/terms", "/legal/terms/v/1"])
def test_the_text_is_below_legal_as_well(client: Client, path: str) -> None:
    assert "Terms of service" in page(client, path).one("h1").text


@time_machine.travel(NOW, tick=False)
def test_a_change_is_announced_above_the_text(client: Client) -> None:
    announce("terms", is_material=True, effective_at=NOW + days(30))

    notice = page(client, "/terms").one("div", **{"class": "notice"})
    assert "This document changes on 31 December 2096" in notice.text
    assert "you can end your contract before that day" in notice.text
    links = [link.get("href") for link in page(client, "/terms").all("a")]
    assert {"/legal/terms/v/1", "/legal/terms/v/2", "/legal/terms/diff/1/2"} <= set(links)


def test_the_date_switches_the_page_without_a_task(client: Client) -> None:
    announce("terms")

    with time_machine.travel(NOW + days(9), tick=False):
        assert "One line more." not in client.get("/terms").content.decode()
        assert page(client, "/legal/terms/v/2").all("div")
    with time_machine.travel(NOW + days(10), tick=False):
        assert "One line more." in client.get("/terms").content.decode()
        assert "no longer in force" in client.get("/legal/terms/v/1").content.decode()


@time_machine.travel(NOW, tick=False)
def test_a_withdrawn_version_says_so_for_good(client: Client) -> None:
    version = announce("terms")
    withdraw(version, by=make_staff("other"), at=NOW, reason="A mistake.")

    assert "announced and then withdrawn" in client.get("/legal/terms/v/2").content.decode()
    assert "changes on" not in client.get("/terms").content.decode()


def test_each_version_names_its_reason(client: Client) -> None:
    announce("terms", reason="The Ministry <asked> for it.")

    assert "The Ministry &lt;asked&gt; for it." in client.get("/terms").content.decode()


@time_machine.travel(NOW, tick=False)
def test_any_two_versions_are_compared_by_word(client: Client) -> None:
    announce("terms")

    compared = page(client, "/legal/terms/diff/1/2")
    assert "One line more." in " ".join(element.text for element in compared.all("ins"))
    backwards = page(client, "/legal/terms/diff/2/1")
    assert "One line more." in " ".join(element.text for element in backwards.all("del"))


def test_a_version_compared_with_itself_is_the_same(client: Client) -> None:
    assert "say the same, word for word" in client.get("/legal/terms/diff/1/1").content.decode()


def test_the_form_of_two_versions_leads_to_their_comparison(client: Client) -> None:
    response = client.get("/legal/terms/diff", {"from": "1", "to": "2"})

    assert (response.status_code, response.headers["Location"]) == (302, "/legal/terms/diff/1/2")


def test_numbers_in_other_digits_are_numbers_too(client: Client) -> None:
    response = client.get("/legal/terms/diff", {"from": "\u0661", "to": "2"})

    assert (response.status_code, response.headers["Location"]) == (302, "/legal/terms/diff/1/2")


@pytest.mark.parametrize(
    "path",
    [
        "/legal/nothing",
        "/legal/nothing/v/1",
        "/legal/terms/v/9",
        "/legal/terms/v/0",
        "/legal/terms/v/99999999999999999999",
        "/legal/terms/v/9.pdf",
        "/legal/terms/v/9.html",
        "/legal/nothing/v/1.pdf",
        "/legal/terms/diff/1/9",
        "/legal/nothing/diff/1/1",
        "/legal/terms/diff",
        "/legal/terms/diff?from=1&to=%C2%B2",
        "/legal/terms/diff?from=x&to=99999999999999999999",
    ],
)
def test_an_unknown_address_lists_the_documents(client: Client, path: str) -> None:
    links = {link.get("href") for link in page(client, path, 404).all("a")}

    assert {document.path for document in DOCUMENTS} <= links


def test_a_draft_is_nowhere(client: Client) -> None:
    make_draft("A secret plan.", document=DocumentRow.objects.get(slug="terms"))

    assert all(
        "secret plan" not in client.get(path).content.decode() for path in ["/terms", "/legal", "/legal/terms/v/1"]
    )
    assert client.get("/legal/terms/v/2").status_code == 404


def test_the_bytes_are_those_of_the_hash(client: Client) -> None:
    version = DocumentVersion.objects.get(document__slug="terms")
    response = client.get("/legal/terms/v/1.html")

    assert hashlib.sha256(response.content).hexdigest() == version.sha256
    assert response.headers["Content-Type"].startswith("text/plain")


def test_the_pdf_is_the_published_one_for_ever(client: Client) -> None:
    version = DocumentVersion.objects.select_related("pdf").get(document__slug="terms")
    response = client.get("/legal/terms/v/1.pdf")

    assert (response.content, response.headers["Content-Type"]) == (bytes(version.pdf.content), "application/pdf")
    assert "immutable" in response.headers["Cache-Control"]
    again = client.get("/legal/terms/v/1.pdf", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_unchanged_page_is_not_sent_again(client: Client) -> None:
    tag = client.get("/terms").headers["ETag"]

    assert client.get("/terms", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/terms", "/legal/terms/v/1", "/pricing", "/dfy-agreement"])
def test_a_long_page_travels_compressed(client: Client, path: str) -> None:
    plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    assert Document(gzip.decompress(packed.content).decode()).one("h1").text


def test_an_unchanged_page_is_not_sent_again_compressed_either(client: Client) -> None:
    ask = {"Accept-Encoding": "gzip"}
    tag = client.get("/terms", headers=ask).headers["ETag"]

    assert client.get("/terms", headers=ask | {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/terms", "/legal", "/legal/terms/v/1.pdf", "/legal/terms/diff/1/1"])
def test_head_works_and_post_does_not(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/terms/", "/legal/", "/legal/terms/v/1/"])
def test_the_slash_form_moves_for_good(client: Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.headers["Location"]) == (301, path.rstrip("/"))


@pytest.mark.parametrize(
    ("path", "queries"), [("/terms", 2), ("/legal/terms/v/1", 2), ("/legal", 1), ("/legal/terms/diff/1/1", 2)]
)
def test_a_page_asks_the_database_little(
    client: Client, path: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(queries):
        client.get(path)


def test_the_urls_have_names() -> None:
    assert reverse("legal:version", args=["terms", 1]) == "/legal/terms/v/1"
    assert reverse("legal:difference", args=["terms", 1, 2]) == "/legal/terms/diff/1/2"
