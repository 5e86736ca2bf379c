"""Two sealers at the same moment must leave one unbroken chain."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from levqor.accounts.models import Account
from levqor.audit.models import AuditEntry, AuditSeal, record
from levqor.audit.trail import seal_entries, verify
from levqor.lib.actors import SYSTEM

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def seal_together(start: Barrier) -> int:
    try:
        start.wait(10)
        return seal_entries()
    finally:
        connection.close()


def test_sealers_at_the_same_moment_link_every_entry_once() -> None:
    account = Account.objects.create(name="Sealed Ltd")
    # What making the database left in the trail.
    seal_entries()
    for _ in range(50):
        record("looked", account, by=SYSTEM, at=timezone.now())
    start = Barrier(4)

    with ThreadPoolExecutor(4) as pool:
        sealed = sum(pool.map(seal_together, [start] * 4))

    assert sealed == 50
    assert AuditSeal.objects.count() == AuditEntry.objects.count()
    assert verify(at=timezone.now()).fault == ""


def test_the_trail_is_append_only_again_after_a_flush() -> None:
    call_command("flush", interactive=False, verbosity=0)
    record("looked", Account.objects.create(name="Flushed Ltd"), by=SYSTEM, at=timezone.now())

    with pytest.raises(DatabaseError, match="append-only"):
        AuditEntry.objects.all()._raw_delete("default")
