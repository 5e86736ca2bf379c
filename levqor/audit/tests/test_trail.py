from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from levqor.accounts.models import Account, Standing
from levqor.audit.models import AuditEntry, AuditNote, AuditSeal, record
from levqor.audit.trail import seal_entries, verify
from levqor.lib.actors import SYSTEM
from levqor.lib.states import IllegalMoveError, StaleStateError, move

pytestmark = pytest.mark.django_db


def make_entries(count: int = 3) -> list[AuditEntry]:
    account = Account.objects.create(name="Audited Ltd")
    return [record("looked", account, by=SYSTEM, at=timezone.now(), reason=f"reason {n}") for n in range(count)]


def tamper(statement: str) -> None:
    """Runs the statement as somebody who can drop triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # PostgreSQL alters no table whose deferred foreign keys are still to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in ("audit_auditentry", "audit_auditseal", "audit_auditnote"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%%'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute(statement)


@pytest.mark.parametrize("verb", ["UPDATE audit_auditentry SET verb = 'x'", "DELETE FROM audit_auditentry"])
def test_the_database_refuses_to_change_the_trail(verb: str) -> None:
    make_entries()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)


def test_a_reason_may_be_erased_and_the_chain_still_holds() -> None:
    make_entries()
    seal_entries()

    AuditNote.objects.all().delete()

    assert verify(at=timezone.now()).fault == ""


def test_a_reworded_reason_is_found() -> None:
    entry = make_entries()[1]
    tamper(f"UPDATE audit_auditnote SET text = 'other' WHERE entry_id = {entry.pk}")

    assert f"entry {entry.pk}" in verify(at=timezone.now()).fault


@pytest.mark.parametrize(
    "statement",
    [
        lambda pk: f"UPDATE audit_auditentry SET actor_kind = 'staff' WHERE id = {pk}",
        lambda pk: f"DELETE FROM audit_auditentry WHERE id = {pk}",
    ],
    ids=["changed", "removed"],
)
def test_a_sealed_entry_that_was_touched_is_named(statement: Callable[[int], str]) -> None:
    entry = make_entries()[1]
    seal_entries()
    AuditNote.objects.filter(pk=entry.pk).delete()

    tamper(statement(entry.pk))

    with pytest.raises(CommandError, match=f"entry {entry.pk} "):
        call_command("verify_audit")


def test_an_entry_changed_before_it_was_sealed_is_found_too() -> None:
    entry = make_entries()[0]

    tamper(f"UPDATE audit_auditentry SET verb = 'x' WHERE id = {entry.pk}")

    with pytest.raises(CommandError, match=f"entry {entry.pk} "):
        call_command("verify_audit")


def test_a_tail_cut_off_with_its_seals_is_found_by_a_head_kept_elsewhere() -> None:
    last = make_entries()[2]
    seal_entries()
    head = verify(at=timezone.now()).head
    AuditNote.objects.filter(pk=last.pk).delete()
    tamper(f"DELETE FROM audit_auditseal WHERE entry_id = {last.pk}")
    tamper(f"DELETE FROM audit_auditentry WHERE id = {last.pk}")

    assert verify(at=timezone.now()).fault == ""
    assert "expected head" in verify(at=timezone.now(), expected_head=head).fault


def test_sealing_twice_seals_once() -> None:
    make_entries()

    assert [seal_entries(), seal_entries()] == [3, 0]
    assert list(AuditSeal.objects.values_list("position", flat=True)) == [1, 2, 3]


def test_a_move_and_its_entry_stand_together() -> None:
    account = Account.objects.create(name="Moved Ltd")

    move(account, Standing.PAST_DUE, by=SYSTEM, at=timezone.now(), field="standing")

    entry = AuditEntry.objects.about(account).get()
    assert (entry.verb, entry.changes) == ("standing.past_due", {"standing": ["active", "past_due"]})


def test_of_two_people_on_one_old_state_the_second_is_refused() -> None:
    first = Account.objects.create(name="Raced Ltd")
    second = Account.objects.get(pk=first.pk)
    move(first, Standing.SUSPENDED, by=SYSTEM, at=timezone.now(), field="standing")

    with pytest.raises(StaleStateError):
        move(second, Standing.PAST_DUE, by=SYSTEM, at=timezone.now(), field="standing")

    assert AuditEntry.objects.about(first).count() == 1


def test_a_move_that_the_table_forbids_is_refused() -> None:
    account = Account.objects.create(name="Still Ltd")

    with pytest.raises(IllegalMoveError):
        move(account, Standing.ACTIVE, by=SYSTEM, at=timezone.now(), field="standing")
