"""Drafts: one for each document, written by several, and those that a changed price calls for."""

import pytest

from legal.drafting import discard, edit, follow_facts, open_draft
from legal.models import DfyPackage, Document, DocumentVersion, Origin
from legal.publishing import RefusedError, publish
from legal.tests.make import NOW, make_document, make_draft, make_source, make_staff, make_version
from levqor.lib.states import StaleStateError

pytestmark = pytest.mark.django_db


def test_a_draft_begins_with_the_newest_words() -> None:
    make_version("The newest words.")

    draft = open_draft(make_document(), by=make_staff("author"), at=NOW)
    assert "The newest words." in draft.source


def test_a_second_draft_is_the_first_one() -> None:
    first = open_draft(make_document(), by=make_staff("author"), at=NOW)

    assert open_draft(make_document(), by=make_staff("other"), at=NOW) == first


def test_editing_keeps_who_wrote() -> None:
    draft, editor = make_draft(), make_staff("editor")

    edit(draft, source=make_source("New."), note="Why", is_material=True, edit_count=0, by=editor, at=NOW)

    assert (draft.change_note, draft.is_material, draft.edit_count) == ("Why", True, 1)
    with pytest.raises(RefusedError, match="You wrote in this draft"):
        publish(draft, by=editor, at=NOW, reason="Why")


def test_a_note_alone_makes_no_writer() -> None:
    draft, reader = make_draft(), make_staff("reader")

    edit(draft, source=draft.source, note="A better reason", is_material=False, edit_count=0, by=reader, at=NOW)

    assert not draft.draft_edits.exists()


def test_the_second_of_two_writers_is_told() -> None:
    draft = make_draft()
    edit(draft, source=make_source("First."), note="", is_material=False, edit_count=0, by=make_staff("a"), at=NOW)

    with pytest.raises(StaleStateError, match="changed by somebody else"):
        edit(draft, source=make_source("Second."), note="", is_material=False, edit_count=0, by=make_staff("b"), at=NOW)
    draft.refresh_from_db()
    assert "First." in draft.source


def test_a_published_text_is_not_edited() -> None:
    version = make_version()

    with pytest.raises(StaleStateError):
        edit(version, source="x", note="", is_material=False, edit_count=0, by=make_staff("a"), at=NOW)


def test_a_draft_can_be_thrown_away_and_nothing_else() -> None:
    draft = make_draft()
    discard(draft, by=make_staff("a"), at=NOW, reason="No need.")
    version = make_version()

    assert not DocumentVersion.objects.filter(pk=draft.pk).exists()
    with pytest.raises(RefusedError):
        discard(version, by=make_staff("b"), at=NOW, reason="x")


def test_a_changed_price_drafts_the_documents_that_name_it() -> None:
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)

    drafts = follow_facts(by=make_staff("finance"), at=NOW)

    assert {draft.document.slug for draft in drafts} == {"dfy-agreement", "delivery"}
    assert all(draft.origin == Origin.FACTS for draft in drafts)
    assert all("dfy_table changed" in draft.change_note for draft in drafts)


def test_the_reason_names_the_old_and_the_new_value() -> None:
    make_version("Growth is {{ dfy.growth.price }}.")
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)

    draft = next(draft for draft in follow_facts(by=None, at=NOW) if draft.document == make_document())

    assert draft.change_note == "Changed facts: dfy.growth.price: £249 → £269."


def test_whoever_changed_the_price_does_not_publish_it() -> None:
    make_version("Growth is {{ dfy.growth.price }}.")
    finance = make_staff("finance")
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)
    draft = next(draft for draft in follow_facts(by=finance, at=NOW) if draft.document == make_document())

    with pytest.raises(RefusedError, match="You wrote in this draft"):
        publish(draft, by=finance, at=NOW, reason="x")


def test_nothing_changed_drafts_nothing() -> None:
    assert follow_facts(by=None, at=NOW) == []


def test_following_twice_is_following_once() -> None:
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)
    first = follow_facts(by=None, at=NOW)

    assert follow_facts(by=None, at=NOW) == first


def test_published_texts_keep_the_old_price() -> None:
    version = Document.objects.get(slug="delivery").versions.get()
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)
    follow_facts(by=None, at=NOW)

    version.refresh_from_db()
    assert "£249" in version.html


def test_a_package_that_is_no_longer_sold_makes_the_draft_unpublishable() -> None:
    make_version("Growth is {{ dfy.growth.price }}.")
    DfyPackage.objects.filter(slug="growth").update(is_active=False)
    draft = next(draft for draft in follow_facts(by=None, at=NOW) if draft.document == make_document())

    with pytest.raises(RefusedError, match=r"Unknown variable “dfy.growth.price”"):
        publish(draft, by=make_staff("other"), at=NOW, reason="x")
