"""While a hold is live nothing leaves and nobody is suspended, on every path."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from billing.holds import hold, lift
from billing.models import DunningHold, HoldReason, PaymentFailure
from billing.tests.make import START, Scene
from levqor.accounts.models import Standing
from levqor.audit.models import AuditEntry
from levqor.lib.actors import SYSTEM

STAFF = HoldReason.STAFF


def put_on_hold(case: PaymentFailure, **options: object) -> bool:
    return hold(case.account, STAFF, by=SYSTEM, at=START, **options)  # type: ignore[arg-type]  # passed on as they are


def test_an_account_on_hold_gets_no_mail_and_no_suspension(scene: Scene) -> None:
    case = scene.case(scene.fail())
    put_on_hold(case)

    reports = [scene.run(day=day, hour=12) for day in (1, 7, 14, 20)]

    assert [(report.sent, report.suspended) for report in reports] == [(0, 0)] * 4
    assert scene.account().standing == Standing.PAST_DUE


def test_lifting_it_lets_the_earliest_step_go(scene: Scene) -> None:
    case = scene.case(scene.fail())
    put_on_hold(case)
    assert scene.run(day=2, hour=12).held == 1

    assert lift(case.account, STAFF, by=SYSTEM, at=scene.now) == 1
    assert scene.run(day=2, hour=13).sent == 1


def test_it_ends_by_itself_at_its_time(scene: Scene) -> None:
    case = scene.case(scene.fail())
    put_on_hold(case, until=START + timedelta(days=3))

    assert [scene.run(day=day, hour=12).sent for day in (2, 4)] == [0, 1]


def test_a_hold_on_one_invoice_leaves_the_other_alone(scene: Scene) -> None:
    case, other = scene.case(scene.fail()), scene.case(scene.fail())
    put_on_hold(case, invoice_id=case.invoice_id)

    report = scene.run(day=2, hour=12)

    assert (report.sent, report.held) == (1, 1)
    assert other.steps.filter(status="sent").count() == 1


def test_a_hold_that_comes_after_the_last_notice_keeps_the_service_on(scene: Scene, settings: object) -> None:
    settings.DUNNING_SUSPEND_AFTER_HOURS = 24  # type: ignore[attr-defined]  # pytest-django's settings
    case = scene.case(scene.fail())
    for day in (1, 7, 14):
        scene.run(day=day, hour=12)
    hold(case.account, STAFF, by=SYSTEM, at=scene.now)

    assert scene.run(day=16, hour=12).suspended == 0
    lift(case.account, STAFF, by=SYSTEM, at=scene.now)
    assert scene.run(day=16, hour=13).suspended == 1


def test_holding_twice_is_once_and_both_ends_are_in_the_trail(scene: Scene) -> None:
    case = scene.case(scene.fail())

    assert [put_on_hold(case), put_on_hold(case)] == [True, False]
    assert [lift(case.account, STAFF, by=SYSTEM, at=START) for _ in range(2)] == [1, 0]
    verbs = AuditEntry.objects.filter(verb__startswith="dunning.").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["dunning.held", "dunning.released"]


def test_one_that_ran_out_makes_room_for_the_next(scene: Scene) -> None:
    case = scene.case(scene.fail())
    put_on_hold(case, until=START + timedelta(days=1))

    assert hold(case.account, STAFF, by=SYSTEM, at=START + timedelta(days=2))
    assert DunningHold.objects.live(at=START + timedelta(days=2)).count() == 1


def test_the_database_refuses_two_live_holds_of_one_kind(scene: Scene) -> None:
    case = scene.case(scene.fail())
    put_on_hold(case)

    with pytest.raises(IntegrityError), transaction.atomic():
        DunningHold.objects.create(account=case.account, reason=STAFF, held_at=START)
