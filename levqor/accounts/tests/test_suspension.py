import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from levqor.accounts.models import Account, Standing, Suspension
from levqor.accounts.tests.make import NOW, make_account
from levqor.audit.models import AuditEntry
from levqor.lib import events
from levqor.lib.actors import SYSTEM

pytestmark = pytest.mark.django_db

BILLING, ABUSE = Suspension.Reason.BILLING, Suspension.Reason.ABUSE


def lift(account: Account, reason: str) -> bool:
    return account.lift_suspension(reason, back_to=Standing.ACTIVE, by=SYSTEM, at=NOW)


def test_paying_lifts_the_billing_suspension() -> None:
    account = make_account()
    account.suspend(BILLING, by=SYSTEM, at=NOW, note="day 14")

    assert lift(account, BILLING)
    assert (account.standing, account.live_suspensions().count()) == (Standing.ACTIVE, 0)


def test_paying_never_lifts_an_abuse_suspension() -> None:
    account = make_account()
    account.suspend(BILLING, by=SYSTEM, at=NOW)
    account.suspend(ABUSE, by=SYSTEM, at=NOW)

    assert not lift(account, BILLING)
    account.refresh_from_db()
    assert account.standing == Standing.SUSPENDED
    assert lift(account, ABUSE)


def test_suspending_twice_for_one_reason_is_once() -> None:
    account = make_account()

    assert [account.suspend(BILLING, by=SYSTEM, at=NOW) for _ in range(2)] == [True, False]
    assert account.suspensions.count() == 1
    assert AuditEntry.objects.about(account).count() == 1


def test_lifting_what_is_not_there_changes_nothing() -> None:
    account = make_account()

    assert not lift(account, BILLING)
    assert not AuditEntry.objects.about(account).exists()


def test_an_account_may_be_suspended_again_after_it_came_back() -> None:
    account = make_account()
    account.suspend(BILLING, by=SYSTEM, at=NOW)
    lift(account, BILLING)

    assert account.suspend(BILLING, by=SYSTEM, at=NOW)
    assert account.suspensions.count() == 2


@pytest.mark.parametrize("rows", [[BILLING, BILLING], ["mood"]])
def test_the_database_refuses_two_live_rows_of_a_reason_and_unknown_reasons(rows: list[str]) -> None:
    account = make_account()
    suspensions = [Suspension(account=account, reason=reason, suspended_at=NOW) for reason in rows]

    with pytest.raises(IntegrityError), transaction.atomic():
        Suspension.objects.bulk_create(suspensions)


def test_an_unknown_standing_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(standing="vip")


@pytest.mark.parametrize("zone", ["Europe/Lodnon", "", "/etc/passwd", "../../etc/passwd"])
def test_a_time_zone_that_nobody_knows_is_refused_in_forms_and_read_as_london(zone: str) -> None:
    account = make_account(time_zone=zone)

    with pytest.raises(ValidationError):
        account.full_clean()
    assert account.zone.key == "Europe/London"


def test_a_known_time_zone_is_the_accounts() -> None:
    assert make_account(time_zone="Asia/Kathmandu").zone.key == "Asia/Kathmandu"


def test_mail_goes_to_each_billing_address_once_best_first() -> None:
    account = make_account("Ada@example.com")
    account.contacts.create(email="second@example.com", position=2)
    account.contacts.create(email="first@example.com", position=1)
    account.contacts.create(email="ADA@example.com", position=0)

    assert account.billing_addresses() == ["Ada@example.com", "first@example.com", "second@example.com"]


def test_whoever_listens_hears_once_that_the_service_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setitem(events._handlers, "standing.suspended", [lambda **fact: heard.append(fact["reason"])])
    monkeypatch.setitem(events._handlers, "standing.restored", [lambda **fact: heard.append("restored")])
    account = make_account()

    for reason in (BILLING, ABUSE):
        account.suspend(reason, by=SYSTEM, at=NOW)
    for reason in (BILLING, ABUSE):
        lift(account, reason)

    assert heard == [BILLING, "restored"]
