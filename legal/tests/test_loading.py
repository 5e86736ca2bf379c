"""The first texts come from files, once; what is published, no file touches."""

from pathlib import Path

import pytest
from pytest_django import Settings

from legal import loading
from legal.catalogue import DOCUMENTS, CataloguedDocument
from legal.drafting import discard
from legal.loading import Outcome, load_after_migrate, load_documents
from legal.models import Document, DocumentVersion, Origin
from legal.publishing import publish
from legal.tests.make import NOW, days, make_draft, make_source, make_staff
from levqor.lib.states import StaleStateError

pytestmark = pytest.mark.django_db


class Folder:
    """A catalogue of one document whose file the test writes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "house-rules.md"
        monkeypatch.setattr("legal.catalogue.SOURCES", folder)

    def load(self, source: str | None = None, *, day: float = 0) -> Outcome:
        if source is not None:
            self.file.write_text(source, encoding="utf-8")
        catalogue = [CataloguedDocument("house-rules", "House rules")]
        return load_documents(at=NOW + days(day), catalogue=catalogue)[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path, monkeypatch)


def versions() -> list[tuple[int | None, str, str]]:
    return list(
        DocumentVersion.objects.filter(document__slug="house-rules")
        .order_by("pk")
        .values_list("number", "status", "origin")
    )


def test_every_document_of_the_catalogue_is_in_force_after_migrating() -> None:
    in_force = DocumentVersion.objects.in_force(at=NOW).values_list("document__slug", flat=True)

    assert set(in_force) == {document.slug for document in DOCUMENTS}


def test_a_new_file_becomes_the_first_version(folder: Folder) -> None:
    assert folder.load(make_source()).result == "published"
    assert versions() == [(1, "in_force", "file")]


def test_loading_again_changes_nothing(folder: Folder) -> None:
    folder.load(make_source())

    assert folder.load(day=1).result == "unchanged"
    assert len(versions()) == 1


def test_a_changed_file_drafts_the_next_version(folder: Folder) -> None:
    folder.load(make_source())

    assert folder.load(make_source("We answer within one day."), day=1).result == "drafted"
    assert versions() == [(1, "in_force", "file"), (None, "draft", "file")]
    assert folder.load(make_source("We answer at once."), day=2).result == "drafted"
    assert DocumentVersion.objects.get(document__slug="house-rules", status="draft").source == make_source(
        "We answer at once."
    )


def test_a_draft_of_people_is_left_alone(folder: Folder) -> None:
    folder.load(make_source())
    make_draft("Our own words.", document=Document.objects.get(slug="house-rules"), by=make_staff("author"))

    assert folder.load(make_source("We answer at once."), day=1).result == "held"
    assert "Our own words." in DocumentVersion.objects.get(document__slug="house-rules", status="draft").source


def test_a_file_that_a_draft_of_people_held_up_is_drafted_after_it(folder: Folder) -> None:
    folder.load(make_source())
    theirs = make_draft("Our own words.", document=Document.objects.get(slug="house-rules"), by=make_staff("author"))
    folder.load(make_source("We answer at once."), day=1)

    discard(theirs, by=make_staff("other"), at=NOW + days(2), reason="No need.")

    assert folder.load(day=2).result == "drafted"


def test_words_that_the_file_changed_are_not_published_unseen(folder: Folder) -> None:
    folder.load(make_source())
    folder.load(make_source("We answer within one day."), day=1)
    seen = DocumentVersion.objects.get(document__slug="house-rules", status="draft")

    folder.load(make_source("We answer at once."), day=2)

    with pytest.raises(StaleStateError):
        publish(seen, by=make_staff("publisher"), at=NOW + days(3), reason="Clearer words.")


def test_a_text_that_needs_a_missing_fact_waits_for_it(folder: Folder, settings: Settings) -> None:
    settings.COMPANY_NUMBER = ""
    outcome = folder.load(make_source("Our number is {{ company.number }}."))

    assert outcome.problems == ["“company.number” is empty and the text needs it: fill in the setting COMPANY_NUMBER."]
    assert versions() == [(None, "draft", "file")]
    settings.COMPANY_NUMBER = "01234567"
    assert folder.load(day=1).result == "published"
    assert DocumentVersion.objects.get(document__slug="house-rules").origin == Origin.FILE


def test_a_missing_file_is_no_error(folder: Folder) -> None:
    assert folder.load().result == "missing"


def test_emptying_the_tables_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[object] = []
    monkeypatch.setattr(loading, "load_documents", lambda **kwargs: loads.append(kwargs))

    load_after_migrate(using="default", verbosity=0)

    assert loads == []
