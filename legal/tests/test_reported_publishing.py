"""What others reported of drafts, approvals and dates: nobody sees a draft, nobody publishes what nobody has read."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from legal.models import DfyPackage, Document, DocumentVersion, PublishedPdf
from legal.publishing import RefusedError, UnreadError, publish
from legal.tests.make import make_draft, make_staff, renew
from legal.tests.test_admin import as_read, sign_in, url
from levqor.accounts.models import User

pytestmark = pytest.mark.django_db
SECRET = "A secret plan of ours."


def terms() -> Document:
    return Document.objects.get(slug="terms")


def save_draft(words: str = SECRET, slug: str = "terms") -> DocumentVersion:
    document = Document.objects.get(slug=slug)
    return make_draft(document=document, source=f"{document.versions.latest('pk').source}\n{words}\n")


@pytest.fixture
def shelf() -> DocumentVersion:
    """Of the terms the first version is superseded, the second in force and the third announced; the draft is returned."""
    renew("terms")
    by = User.objects.get(email="renews-terms@levqor.test")
    later = timezone.now() + timedelta(days=40)
    publish(save_draft("Announced words."), by=by, at=timezone.now(), effective_at=later, reason="Announced.")
    return save_draft()


NOWHERE = [
    *(f"/legal/terms/v/{number}" for number in (4, "4.pdf", "4.html", 5, 0, -1, "04", "01", "1e0", "9" * 20, "4/x")),
    *(f"/legal/terms/diff/{pair}" for pair in ("2/4", "4/2", "4/4", "1/999", "a/b", "01/2")),
    "/legal/terms/diff?from=0&to=4",
]


@pytest.mark.parametrize("who", ["a stranger", "a customer", "staff"])
def test_a_draft_has_no_address(client: Client, shelf: DocumentVersion, who: str) -> None:
    if who != "a stranger":
        client.force_login(make_staff("reader") if who == "staff" else User.objects.create_user("jo@fern.test"))

    answers = [client.get(path) for path in NOWHERE]

    assert {(answer.status_code, answer.text.count("There is no such version")) for answer in answers} == {(404, 1)}
    assert len({answer.content for answer in answers}) == 1
    assert "version 4" not in answers[0].text.lower()
    assert {client.head(path).status_code for path in NOWHERE[:-1]} == {404}


PUBLIC = [
    "/terms",
    "/legal",
    "/sitemap.xml",
    "/llms.txt",
    "/legal/terms/v/3",
    "/legal/terms/diff/2/3",
    "/legal/nothing",
]


def test_saving_a_draft_changes_no_public_byte(client: Client, shelf: DocumentVersion) -> None:
    after = [client.get(path) for path in PUBLIC]
    DocumentVersion.objects.filter(pk=shelf.pk).delete()
    before = [client.get(path) for path in PUBLIC]

    assert [answer.content for answer in after] == [answer.content for answer in before]
    assert [answer.get("ETag") for answer in after] == [answer.get("ETag") for answer in before]
    assert not any("secret plan" in answer.text for answer in after)


def test_only_what_is_in_force_is_offered_to_search_engines(client: Client, shelf: DocumentVersion) -> None:
    pages = [client.get(f"/legal/terms/v/{number}").text for number in (1, 2, 3)]

    assert ["noindex" in page for page in pages] == [True, False, True]
    assert ['rel="canonical"' in page for page in pages] == [False, True, False]
    assert 'href="/terms"' in pages[0]


def standing(draft: DocumentVersion) -> tuple[str, int]:
    draft.refresh_from_db()
    return draft.status, draft.document.versions.get(status="in_force").number or 0


def test_a_price_that_changed_since_the_reading_stops_the_publishing(client: Client) -> None:
    sign_in(client, "publisher")
    draft = save_draft(slug="dfy-agreement")
    said = as_read(client, draft)
    DfyPackage.objects.filter(slug="starter").update(price_cents=19900)

    refused = client.post(url("legal_publish", draft.pk), said).text

    assert "is not the one that you have read" in refused
    assert "199" in refused
    assert standing(draft) == ("draft", 1)


def test_another_day_that_the_text_names_is_read_first(client: Client) -> None:
    sign_in(client, "publisher")
    draft = save_draft("In force from {{ effective_date }}.", slug="refunds")
    said = as_read(client, draft) | {"effective_date": "2096-12-01"}

    refused = client.post(url("legal_publish", draft.pk), said)
    fresh = refused.context["shown"]
    assert ("1 December 2096" in refused.text, standing(draft)) == (True, ("draft", 1))
    client.post(url("legal_publish", draft.pk), said | {"shown": fresh})

    assert standing(draft) == ("scheduled", 1)


@pytest.mark.parametrize("shown", ["", "0" * 64, "\0", "x" * 6000])
def test_who_cannot_say_what_was_read_publishes_nothing(client: Client, shown: str) -> None:
    sign_in(client, "publisher")
    draft = save_draft(slug="refunds")

    answer = client.post(url("legal_publish", draft.pk), as_read(client, draft) | {"shown": shown})

    assert (answer.status_code, standing(draft)) == (200, ("draft", 1))


def test_a_draft_made_anew_is_another_one(client: Client) -> None:
    sign_in(client, "publisher")
    draft = save_draft(slug="refunds")
    said = as_read(client, draft)
    address = url("legal_publish", draft.pk)
    draft.delete()
    save_draft("Other words.", slug="refunds")

    assert client.post(address, said).status_code == 404
    assert Document.objects.get(slug="refunds").versions.get(status="in_force").number == 1


def test_what_was_read_is_what_is_frozen() -> None:
    draft = save_draft(slug="refunds")

    with pytest.raises(UnreadError):
        publish(draft, by=make_staff("other"), at=timezone.now(), reason="x", shown="0" * 64)
    assert standing(draft) == ("draft", 1)


def test_a_page_that_cannot_be_drawn_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    draft = save_draft(slug="refunds")

    def fails(version: DocumentVersion) -> bytes:
        raise OSError("No font.")

    monkeypatch.setattr("legal.pdf.of_version", fails)
    with pytest.raises(OSError, match="No font"):
        publish(draft, by=make_staff("other"), at=timezone.now(), reason="x")
    assert standing(draft) == ("draft", 1)


JULY = datetime(2027, 6, 30, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def july() -> DocumentVersion:
    """The second version of the refund policy, in force from 1 July 2027 in London."""
    by = make_staff("other")
    return publish(save_draft(slug="refunds"), by=by, at=timezone.now(), effective_at=JULY, reason="Summer.")


@pytest.mark.parametrize(("at", "number", "day"), [(JULY - SECOND, 1, ""), (JULY, 2, "1 July 2027")])
def test_the_day_begins_in_london_though_no_task_has_run(
    client: Client, july: DocumentVersion, at: datetime, number: int, day: str
) -> None:
    with time_machine.travel(at, tick=False):
        shown, listed = client.get("/refunds"), client.get("/sitemap.xml").text

    assert f"Version {number}, in force from {day}" in shown.text
    assert ("/refunds</loc><lastmod>2027-07-01" in listed) == (number == 2)
    assert "30 June" not in shown.text
    assert shown["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/refunds", "/legal/refunds/v/2", "/legal/refunds/diff/1/2"])
def test_every_page_names_the_day_of_london(client: Client, july: DocumentVersion, path: str) -> None:
    shown = client.get(path).text

    assert "1 July 2027" in shown
    assert "30 June" not in shown


@pytest.mark.parametrize("effective_at", [JULY, None])
def test_what_is_announced_is_not_passed_silently(july: DocumentVersion, effective_at: datetime | None) -> None:
    draft, by = save_draft("Other words.", slug="refunds"), make_staff("third")

    with pytest.raises(RefusedError, match="counts from 1 July 2027"):
        publish(draft, by=by, at=timezone.now(), effective_at=effective_at, reason="x")


def test_a_pdf_is_kept_and_served_by_its_hash(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is made anew, whatever a machine would make of it today.
    monkeypatch.setattr("legal.pdf.of_version", None)
    first = client.get("/legal/terms/v/1.pdf")
    etag, digest = first["ETag"], hashlib.sha256(first.content).hexdigest()

    assert client.get("/legal/terms/v/1.pdf").content == first.content
    assert client.head("/legal/terms/v/1.pdf")["ETag"] == etag == f'"{digest}"'
    for tag in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        assert client.get("/legal/terms/v/1.pdf", headers={"If-None-Match": tag}).status_code == 304


def test_a_damaged_pdf_is_an_alarm_and_no_new_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = PublishedPdf.objects.get(version=terms().versions.get())
    monkeypatch.setattr("legal.views.PublishedPdf.objects.filter", lambda **_: PublishedPdf.objects.none())
    damaged = PublishedPdf(version=pdf.version, content=b"%PDF damaged", sha256=pdf.sha256)
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda self: damaged)

    with pytest.raises(RuntimeError, match="is not the one that was published"):
        client.get("/legal/terms/v/1.pdf")
