"""A draft becomes public by two people, under the next number, and counts from its date."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from legal.models import Document, DocumentVersion, VersionStatus
from legal.publishing import RefusedError, bring_into_force, earliest_for_material, publish, withdraw
from legal.tests.make import NOW, days, make_document, make_draft, make_source, make_staff, make_version
from levqor.audit.models import AuditEntry
from levqor.lib.states import IllegalMoveError, StaleStateError

pytestmark = pytest.mark.django_db


def test_numbers_count_up_without_a_gap() -> None:
    first = make_version()
    make_draft("Thrown away.").delete()
    second = make_version("We answer within one day.", at=NOW + days(1))

    assert (first.number, second.number) == (1, 2)


def test_what_is_published_names_its_version_and_date() -> None:
    version = make_version()

    assert "<h1>House rules</h1>" in version.html
    assert "Version 1, in force from 1 December 2096" in version.html
    assert version.is_genuine()


def test_the_new_version_replaces_the_old_one() -> None:
    first = make_version()
    second = make_version("We answer within one day.", at=NOW + days(1))
    first.refresh_from_db()

    assert (first.status, second.status) == (VersionStatus.SUPERSEDED, VersionStatus.IN_FORCE)


def test_each_move_is_in_the_trail_with_its_reason() -> None:
    version = make_version(reason="Because we can.")

    entry = AuditEntry.objects.about(version).get(verb="status.in_force")
    assert entry.reason == "Because we can."


def test_an_announced_version_counts_from_its_day_even_if_no_task_ran() -> None:
    first = make_version()
    second = make_version("We answer within one day.", effective_at=NOW + days(5))

    assert second.status == VersionStatus.SCHEDULED
    assert DocumentVersion.objects.in_force(at=NOW + days(4.99)).get(document=first.document) == first
    assert DocumentVersion.objects.in_force(at=NOW + days(5)).get(document=first.document) == second


def test_the_task_notes_what_the_date_decided() -> None:
    first = make_version()
    second = make_version("We answer within one day.", effective_at=NOW + days(5))

    assert bring_into_force(at=NOW + days(4)) == 0
    assert bring_into_force(at=NOW + days(6)) == 1
    assert bring_into_force(at=NOW + days(6)) == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (VersionStatus.SUPERSEDED, VersionStatus.IN_FORCE)


def test_a_document_that_fails_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = (make_version(document=make_document(slug), effective_at=NOW + days(1)) for slug in ("a", "b"))

    with monkeypatch.context() as patch:
        patch.setattr("legal.publishing._supersede", _breaks_for(broken.document))
        assert bring_into_force(at=NOW + days(2)) == 1
    assert (_status(broken), _status(fine)) == ("scheduled", "in_force")
    assert "version_not_in_force" in caplog.text
    assert [row.pk for row in DocumentVersion.objects.overdue(at=NOW + days(2))] == [broken.pk]

    assert bring_into_force(at=NOW + days(2.01)) == 1
    assert (_status(broken), _status(fine)) == ("in_force", "in_force")


def _breaks_for(document: Document) -> Callable[..., None]:
    """What the database itself refuses for one document, so that its transaction is lost."""

    def supersede(other: Document, *, at: datetime) -> None:
        if other == document:
            DocumentVersion.objects.filter(document=document).update(status="nonsense")

    return supersede


def _status(version: DocumentVersion) -> str:
    return DocumentVersion.objects.values_list("status", flat=True).get(pk=version.pk)


def test_what_the_next_run_will_note_is_not_overdue_yet() -> None:
    version = make_version(effective_at=NOW + days(1))
    due = NOW + days(1)

    moments = [due, due + timedelta(minutes=9), due + timedelta(minutes=11)]
    assert [version.is_overdue(at=moment) for moment in moments] == [False, False, True]
    assert [DocumentVersion.objects.overdue(at=moment).exists() for moment in moments] == [False, False, True]


def test_two_versions_that_fell_due_come_in_order() -> None:
    make_version()
    for day in (2, 3):
        make_version(f"We answer within {day} days, at last.", effective_at=NOW + days(day))

    bring_into_force(at=NOW + days(9))

    statuses = make_document().versions.order_by("number").values_list("status", flat=True)
    assert list(statuses) == ["superseded", "superseded", "in_force"]


def test_a_version_published_past_a_due_one_stands_last() -> None:
    make_version()
    make_version("Announced.", effective_at=NOW + days(2))

    latest = make_version("At once.", at=NOW + days(3))
    bring_into_force(at=NOW + days(4))

    latest.refresh_from_db()
    assert latest.status == VersionStatus.IN_FORCE


def test_nobody_publishes_what_they_wrote() -> None:
    author = make_staff("author")
    draft = make_draft(by=author)

    with pytest.raises(RefusedError, match="somebody else has to publish it"):
        publish(draft, by=author, at=NOW, reason="x")


def test_whoever_changed_a_word_counts_as_a_writer() -> None:
    author, editor = make_staff("author"), make_staff("editor")
    draft = make_draft(by=author)
    draft.draft_edits.create(user=editor, edited_at=NOW)

    with pytest.raises(RefusedError, match="somebody else has to publish it"):
        publish(draft, by=editor, at=NOW, reason="x")


@pytest.mark.parametrize("source", ["no front matter", make_source("{{ nothing }}"), make_source("[x](/nowhere)")])
def test_a_broken_draft_stays_a_draft(source: str) -> None:
    draft = make_draft(source=source)

    with pytest.raises(RefusedError):
        publish(draft, by=make_staff("other"), at=NOW, reason="x")
    draft.refresh_from_db()
    assert (draft.status, draft.number, hasattr(draft, "pdf")) == (VersionStatus.DRAFT, None, False)


def test_a_reason_is_asked_for() -> None:
    with pytest.raises(RefusedError, match="Say what changes"):
        make_version(reason="  ")


def test_a_material_change_is_announced_thirty_days_ahead() -> None:
    make_version()

    with pytest.raises(RefusedError, match="the earliest day is 31 December 2096"):
        make_version("Less.", is_material=True, effective_at=NOW + days(29))


def test_a_material_change_may_count_from_the_thirtieth_day() -> None:
    make_version()

    version = make_version("Less.", is_material=True, effective_at=earliest_for_material(at=NOW))

    assert timezone.localdate(version.effective_at).isoformat() == "2096-12-31"


def test_a_first_version_needs_no_notice() -> None:
    assert make_version(is_material=True).status == VersionStatus.IN_FORCE


def test_no_version_counts_before_one_that_is_announced() -> None:
    make_version()
    make_version("Announced.", effective_at=NOW + days(10))

    with pytest.raises(RefusedError, match="version 2 counts from 11 December 2096"):
        make_version("Earlier.", effective_at=NOW + days(5))


def test_the_past_is_not_rewritten() -> None:
    with pytest.raises(RefusedError, match="before it is published"):
        make_version(effective_at=NOW - days(1))


def test_an_announcement_can_be_taken_back_before_its_day() -> None:
    first, by = make_version(), make_staff("other")
    second = make_version("Announced.", effective_at=NOW + days(10))

    withdraw(second, by=by, at=NOW + days(1), reason="A mistake.")

    assert second.status == VersionStatus.WITHDRAWN
    assert DocumentVersion.objects.in_force(at=NOW + days(20)).get(document=first.document) == first


def test_what_is_in_force_cannot_be_taken_back() -> None:
    version = make_version(effective_at=NOW + days(1))

    with pytest.raises(RefusedError, match="is in force already"):
        withdraw(version, by=make_staff("other"), at=NOW + days(2), reason="x")


def test_nothing_is_published_twice() -> None:
    version = make_version()

    with pytest.raises((IllegalMoveError, RefusedError)):
        publish(version, by=make_staff("other"), at=NOW + timedelta(days=1), reason="x")


def test_words_that_were_changed_since_are_not_published() -> None:
    draft = make_draft()
    DocumentVersion.objects.filter(pk=draft.pk).update(source="Something else.", edit_count=1)

    with pytest.raises(StaleStateError, match="changed by somebody else"):
        publish(draft, by=make_staff("publisher"), at=NOW, reason="As read.")
    draft.refresh_from_db()
    assert draft.is_draft


def test_the_table_of_moves() -> None:
    table = {status.value: {to.value for to in moves} for status, moves in DocumentVersion.TRANSITIONS.items()}

    assert table == {
        "draft": {"scheduled", "in_force"},
        "scheduled": {"in_force", "withdrawn"},
        "in_force": {"superseded"},
        "superseded": set(),
        "withdrawn": set(),
    }


def test_facts_are_those_of_the_day_it_counts_from() -> None:
    make_version()

    version = make_version("In force from {{ effective_date }}.", effective_at=NOW + days(31))

    assert version.facts == {"effective_date": "1 January 2097"}
    assert timezone.localdate(version.effective_at).isoformat() == "2097-01-01"
