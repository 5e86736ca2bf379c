from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from levqor.accounts.models import Account, Standing
from levqor.audit.models import AuditEntry, AuditEntryQuerySet, AuditHead, AuditNote, AuditSeal, record
from levqor.audit.tasks import verify as verify_by_night
from levqor.audit.trail import BrokenTrailError, begin_trail, seal_entries, verify
from levqor.desk.models import PeriodicTask
from levqor.desk.schedule import ensure_rows
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


def cut_off_the_end(entry: AuditEntry) -> None:
    """Removes the newest entry with all that hangs on it, as somebody would who leaves no hole."""
    AuditNote.objects.filter(pk=entry.pk).delete()
    tamper(f"DELETE FROM audit_auditseal WHERE entry_id = {entry.pk}")
    tamper(f"DELETE FROM audit_auditentry WHERE id = {entry.pk}")


def fault(**options: Any) -> str:
    return verify(at=timezone.now(), **options).fault


def test_an_end_that_was_cut_off_is_found() -> None:
    last = make_entries()[2]
    seal_entries()

    cut_off_the_end(last)

    assert "its end was cut off" in fault()


def test_a_cut_is_never_sealed_over() -> None:
    last = make_entries()[2]
    seal_entries()
    cut_off_the_end(last)
    make_entries()

    with pytest.raises(BrokenTrailError, match="cut off"):
        seal_entries()
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit")


def test_a_shorter_end_cannot_be_signed_without_the_key() -> None:
    last = make_entries()[2]
    seal_entries()
    cut_off_the_end(last)
    end = AuditSeal.objects.order_by("-position")[0]

    AuditHead.objects.update(position=end.position, hash=end.hash, signature="0" * 64)

    assert "not signed" in fault()


def test_a_head_that_was_removed_is_missed() -> None:
    make_entries()
    seal_entries()

    AuditHead.objects.all().delete()
    begin_trail()

    assert "missing" in fault()


def test_an_older_head_put_back_with_its_end_is_found_by_a_head_kept_elsewhere() -> None:
    make_entries(1)
    seal_entries()
    older = AuditHead.objects.get()
    last = make_entries(1)[0]
    seal_entries()
    kept_elsewhere = verify(at=timezone.now()).head
    cut_off_the_end(last)
    older.save()

    assert fault() == ""
    assert "expected head" in fault(expected_head=kept_elsewhere)


def test_a_changed_secret_key_is_told_and_the_head_signed_anew(settings: Settings) -> None:
    make_entries()
    seal_entries()
    settings.SECRET_KEY = "another key of this installation, quite as long as the first"

    with pytest.raises(CommandError, match="SECRET_KEY"):
        call_command("verify_audit")
    call_command("verify_audit", sign_head=True)

    assert fault() == ""


def test_verifying_writes_nothing_and_the_command_seals_after_its_walk() -> None:
    seal_entries()
    make_entries()
    before = AuditSeal.objects.count()

    assert (fault(), AuditSeal.objects.count()) == ("", before)
    call_command("verify_audit")

    assert AuditSeal.objects.count() == before + 3


def test_the_command_seals_nothing_where_something_was_changed() -> None:
    entry = make_entries()[0]
    tamper(f"UPDATE audit_auditentry SET verb = 'x' WHERE id = {entry.pk}")
    before = AuditSeal.objects.count()

    with pytest.raises(CommandError):
        call_command("verify_audit")

    assert AuditSeal.objects.count() == before


def test_entries_that_nobody_seals_are_a_fault_of_the_night_and_none_of_the_command() -> None:
    seal_entries()
    make_entries()
    later = timezone.now() + timedelta(minutes=11)

    assert "not sealed since" in verify(at=later).fault
    assert verify(at=later, grace=None).fault == ""


def test_the_nightly_verification_stands_as_failed_in_the_back_office() -> None:
    last = make_entries()[2]
    seal_entries()
    ensure_rows()
    verify_by_night.apply()
    assert PeriodicTask.objects.get(task="audit.verify").last_error == ""
    cut_off_the_end(last)

    verify_by_night.apply()

    assert "cut off" in PeriodicTask.objects.get(task="audit.verify").last_error


def replace_every_entry() -> None:
    table = "REPLACE INTO audit_auditentry" if connection.vendor == "sqlite" else "INSERT INTO audit_auditentry"
    columns = ", ".join(f'"{field.column}"' for field in AuditEntry._meta.concrete_fields)
    upsert = "" if connection.vendor == "sqlite" else " ON CONFLICT (id) DO UPDATE SET verb = 'x'"
    with connection.cursor() as cursor:
        cursor.execute(f"{table} ({columns}) SELECT {columns} FROM audit_auditentry{upsert}")


def replace_a_seal() -> None:
    verb = "INSERT OR REPLACE INTO" if connection.vendor == "sqlite" else "INSERT INTO"
    upsert = "" if connection.vendor == "sqlite" else " ON CONFLICT (entry_id) DO UPDATE SET hash = 'x'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{verb} audit_auditseal (position, entry_id, hash) "
            f"SELECT position + 1000, entry_id, hash FROM audit_auditseal WHERE 1 = 1{upsert}"
        )


@pytest.mark.parametrize("replace", [replace_every_entry, replace_a_seal])
def test_replacing_is_changing(replace: Callable[[], None]) -> None:
    make_entries()
    seal_entries()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        replace()

    assert fault() == ""


@pytest.mark.parametrize("table", ["audit_auditentry", "audit_auditseal"])
def test_emptying_a_table_is_refused(table: str) -> None:
    make_entries()
    seal_entries()
    statement = f"TRUNCATE {table} CASCADE" if connection.vendor == "postgresql" else f"DELETE FROM {table}"

    if connection.vendor == "postgresql":
        connection.check_constraints()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_sealing_twice_seals_once() -> None:
    before = AuditSeal.objects.count()
    make_entries()

    assert [seal_entries(), seal_entries()] == [3, 0]
    positions = AuditSeal.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, before + 4))


def test_what_a_long_transaction_wrote_is_sealed_within_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levqor.audit.trail.LATEST", 2)
    late = make_entries(4)[0]
    with monkeypatch.context() as not_committed:
        everything = AuditEntryQuerySet.unsealed
        not_committed.setattr(AuditEntryQuerySet, "unsealed", lambda rows: everything(rows).exclude(pk=late.pk))
        seal_entries()

    by_half_minutes, by_hours = seal_entries(whole=False), seal_entries()

    assert (by_half_minutes, by_hours) == (0, 1)
    assert verify(at=timezone.now()).fault == ""


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
