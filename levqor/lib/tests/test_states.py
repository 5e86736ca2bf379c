from collections import defaultdict

import pytest
from django.db import transaction
from django.utils import timezone

from levqor.accounts.models import Account, Standing
from levqor.audit.models import AuditEntry
from levqor.lib import events
from levqor.lib.actors import SYSTEM
from levqor.lib.states import StaleStateError, move

pytestmark = pytest.mark.django_db


def stored(account: Account) -> str:
    return Account.objects.get(pk=account.pk).standing


def test_a_status_does_not_move_where_no_trail_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account.objects.create(name="Unheard Ltd")
    monkeypatch.setattr(events, "_handlers", defaultdict(list))

    with pytest.raises(RuntimeError, match="audit trail"), transaction.atomic():
        move(account, Standing.SUSPENDED, by=SYSTEM, at=timezone.now(), field="standing")

    assert (account.standing, stored(account)) == ("active", "active")


def test_a_move_whose_entry_cannot_be_written_does_not_happen() -> None:
    account = Account.objects.create(name="Refused Ltd")

    def refuse(**payload: object) -> None:
        raise ValueError("the trail is full")

    events.on("row.moved")(refuse)
    try:
        with pytest.raises(ValueError, match="full"), transaction.atomic():
            move(account, Standing.SUSPENDED, by=SYSTEM, at=timezone.now(), field="standing")
    finally:
        events._handlers["row.moved"].remove(refuse)

    assert (account.standing, stored(account)) == ("active", "active")
    assert not AuditEntry.objects.about(account).exists()


@pytest.mark.parametrize("new", [Standing.PAST_DUE, Standing.SUSPENDED])
def test_what_changes_with_the_status_is_written_with_it(new: Standing) -> None:
    account = Account.objects.create(name="Old Ltd")

    move(account, new, by=SYSTEM, at=timezone.now(), field="standing", name="New Ltd")

    assert (account.name, Account.objects.get(pk=account.pk).name, stored(account)) == ("New Ltd", "New Ltd", new)


def test_who_comes_too_late_is_told_and_may_go_on() -> None:
    account = Account.objects.create(name="Raced Ltd")
    late = Account.objects.get(pk=account.pk)
    move(account, Standing.SUSPENDED, by=SYSTEM, at=timezone.now(), field="standing")

    with transaction.atomic():
        with pytest.raises(StaleStateError):
            move(late, Standing.PAST_DUE, by=SYSTEM, at=timezone.now(), field="standing")
        assert stored(account) == "suspended"

    assert AuditEntry.objects.about(account).count() == 1
