"""The database itself holds a published text: attacks by raw SQL, past every line of Python."""

from datetime import datetime

import pytest
from django.db import DatabaseError, connection, transaction

from legal.models import DocumentVersion
from legal.tests.make import NOW, days, make_draft, make_staff, make_version

pytestmark = pytest.mark.django_db


def refused(sql: str, *values: int | str | None) -> str:
    """What the database says against it; empty where it obeys. Nothing stays either way."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "change",
    [
        "html = 'x'", "source = 'x'", "sha256 = 'x'", "change_note = 'x'", "title = 'x'", "summary = 'x'", "number = 9",
        "outline = '[1]'", "facts = '[1]'", "is_material = NOT is_material", "published_by_id = NULL",
        "effective_at = published_at", "published_at = NULL", "origin = 'file'", "edit_count = 7", "status = 'draft'",
    ],
)  # fmt: skip
def test_a_published_version_is_never_changed(change: str) -> None:
    version = make_version(effective_at=NOW + days(3))

    assert "never changed" in refused(f"UPDATE legal_documentversion SET {change} WHERE id = %s", version.pk)


def test_a_draft_may_be_changed_and_removed() -> None:
    draft = make_draft()

    assert not refused("UPDATE legal_documentversion SET source = 'x' WHERE id = %s", draft.pk)
    assert not refused("DELETE FROM legal_documentversion WHERE id = %s", draft.pk)


def test_a_published_version_is_never_removed() -> None:
    assert "never removed" in refused("DELETE FROM legal_documentversion WHERE id = %s", make_version().pk)


@pytest.mark.parametrize("sql", ["UPDATE legal_publishedpdf SET content = 'x'", "DELETE FROM legal_publishedpdf"])
def test_its_pdf_stays(sql: str) -> None:
    assert "published PDF is never" in refused(f"{sql} WHERE version_id = %s", make_version().pk)


def test_nothing_is_born_published() -> None:
    version = make_version()
    columns = [str(field.column) for field in DocumentVersion._meta.concrete_fields if not field.primary_key]
    copied = ", ".join("number + 1" if column == "number" else column for column in columns)
    into = f"INSERT INTO legal_documentversion ({', '.join(columns)})"

    said = refused(f"{into} SELECT {copied} FROM legal_documentversion WHERE id = %s", version.pk)
    assert "begins as a draft" in said


def test_the_author_cannot_be_the_publisher() -> None:
    author = make_staff("author")
    draft = make_draft(by=author)
    draft.draft_edits.all().delete()

    assert "version_is_not_published_by_its_author" in _publish_raw(draft, publisher=author.pk)


def test_nor_can_somebody_who_wrote_in_it() -> None:
    editor = make_staff("editor")
    draft = make_draft(by=make_staff("author"))
    draft.draft_edits.create(user=editor, edited_at=NOW)

    assert "nobody publishes what they wrote" in _publish_raw(draft, publisher=editor.pk)


def test_nor_can_nobody() -> None:
    assert "version_has_a_publisher" in _publish_raw(make_draft(), publisher=None)


def test_somebody_else_can() -> None:
    assert not _publish_raw(make_draft(by=make_staff("author")), publisher=make_staff("other").pk)


def _publish_raw(draft: DocumentVersion, *, publisher: int | None, number: int = 1) -> str:
    return refused(
        "UPDATE legal_documentversion SET status = 'scheduled', number = %s, published_at = changed_at, "
        "effective_at = changed_at, sha256 = 'x', change_note = 'x', published_by_id = %s WHERE id = %s",
        number,
        publisher,
        draft.pk,
    )


def test_who_wrote_a_published_version_is_never_forgotten() -> None:
    version = make_version()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO legal_draftedit (version_id, user_id, edited_at) VALUES (%s, %s, %s)",
            [version.pk, make_staff("late").pk, NOW],
        )

    assert "never forgotten" in refused("DELETE FROM legal_draftedit WHERE version_id = %s", version.pk)
    assert "never changed" in refused(
        "UPDATE legal_draftedit SET user_id = user_id + 1 WHERE version_id = %s", version.pk
    )


@pytest.mark.parametrize(
    ("rule", "number", "first_at"), [("number", 1, NOW - days(1)), ("date", 2, NOW)], ids=["number", "date"]
)
def test_two_versions_of_one_document_differ(rule: str, number: int, first_at: datetime) -> None:
    first = make_version(at=first_at)

    said = _publish_raw(make_draft("Another.", document=first.document), publisher=make_staff("x").pk, number=number)
    # SQLite names the columns of a constraint where it has no condition, PostgreSQL the constraint.
    assert f"version_{rule}_once" in said or "UNIQUE constraint failed" in said


def test_a_document_has_one_open_draft() -> None:
    draft = make_draft()

    with pytest.raises(DatabaseError), transaction.atomic():
        make_draft("Another.", document=draft.document)


def test_all_versions_cannot_be_wiped_at_once() -> None:
    make_version()
    if connection.vendor != "postgresql":
        assert "never removed" in refused("DELETE FROM legal_documentversion")
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert "never removed" in refused("TRUNCATE legal_documentversion CASCADE")
