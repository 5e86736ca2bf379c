"""Passes that are cut short or overtaken: what becomes of a send whose case changes in the middle of it."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import OperationalError
from pytest_django import Settings

from billing import staff_actions
from billing.dunning import run_dunning_job
from billing.emails import reminder
from billing.live_check import Checkpoint, Verdict
from billing.models import DunningEmail, DunningStep, PaymentFailure
from billing.tasks import send_due_steps
from billing.tests.make import START, Scene
from levqor.lib.actors import SYSTEM
from levqor.mail.models import OutgoingMail


def lose_mail(settings: Settings, tmp_path: Path) -> None:
    """The provider takes no mail: there is a file where the folder should be."""
    (tmp_path / "no-folder").write_text("")
    options = {"folder": str(tmp_path / "no-folder")}
    settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": options}}


# An attempt without a certain answer, on a case that ends before the next one


def test_a_send_that_was_cut_short_ends_with_its_case_and_is_not_tried_again(
    scene: Scene, settings: Settings, tmp_path: Path
) -> None:
    invoice = scene.fail(next_attempt=None)
    lose_mail(settings, tmp_path)
    scene.run(day=1)
    scene.fake.pay_invoice(invoice)
    scene.hear()

    scene.run(day=1.2)

    case = scene.case(invoice)
    assert (case.status, case.flag) == ("recovered", "")
    assert list(case.steps.values_list("status", flat=True)) == ["unknown", "cancelled", "cancelled"]
    assert OutgoingMail.objects.get().status == "unknown"


def test_a_mail_that_left_just_before_a_crash_is_recorded_though_the_case_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = scene.fail(next_attempt=None)
    with monkeypatch.context() as crashing:
        crashing.setattr("billing.dunning._record", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            scene.run(day=1)
    scene.fake.pay_invoice(invoice)
    scene.hear()

    scene.run(day=1.2)

    step = scene.case(invoice).steps.get(attempt_number=1)
    assert (step.status, step.sent_at) == ("sent", OutgoingMail.objects.get().sent_at)


def test_a_notice_that_was_cut_short_ends_with_its_case(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    invoice = scene.fake.require_action(next_attempt=None)
    scene.hear()
    lose_mail(settings, tmp_path)
    scene.run(day=0.01)
    scene.fake.pay_invoice(invoice)
    scene.hear()

    scene.run(day=0.02)

    assert OutgoingMail.objects.get().status == "unknown"
    assert not DunningEmail.objects.exclude(wanted_at=None).exists()


def test_whoever_is_exempted_while_a_pass_is_under_way_gets_no_mail(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    def exempt_just_then(checkpoint: Checkpoint, case: PaymentFailure, *, is_final: bool) -> Verdict:
        staff_actions.exempt(case.account, by=SYSTEM, at=scene.now, reason="agreed on the phone")
        return Verdict.OWED

    monkeypatch.setattr(Checkpoint, "look_at", exempt_just_then)

    assert scene.run(day=1).sent == 0
    assert list(case.steps.values_list("status", flat=True)) == ["pending"] * 3


# A pass among others


def test_what_nobody_foresaw_about_one_customer_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = (scene.fail(next_attempt=None) for _ in range(2))

    def break_down(steps: list[DunningStep], **options: object) -> OutgoingMail:
        if steps[0].invoice_id == broken:
            raise ZeroDivisionError
        return reminder(steps, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr("billing.emails.reminder", break_down)

    report = scene.run(day=1)

    assert (report.sent, report.crashed) == (1, 1)
    assert scene.case(fine).steps.filter(status="sent").count() == 1


def test_what_may_have_left_and_asks_for_what_is_paid_is_followed_by_a_mail_that_does_not(
    scene: Scene, settings: Settings, tmp_path: Path
) -> None:
    mailers = settings.MAILERS
    subscription = scene.fake.add_subscription(scene.fake.add_customer(email="two@example.com"))
    paid, owed = (scene.fail(subscription=subscription, next_attempt=None) for _ in range(2))
    lose_mail(settings, tmp_path)
    scene.run(day=1)
    doubtful = OutgoingMail.objects.get()
    scene.fake.pay_invoice(paid)
    scene.hear()
    settings.MAILERS = mailers

    scene.run(day=1.5, hour=15)

    doubtful.refresh_from_db()
    sent = OutgoingMail.objects.get(status="sent")
    assert doubtful.status == "unknown"
    assert (str(scene.case(paid)) in sent.text_body, str(scene.case(owed)) in sent.text_body) == (False, True)
    assert scene.case(owed).steps.get(attempt_number=1).mail == sent


def test_a_lock_that_one_customer_waited_for_too_long_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, fine = (scene.fail(next_attempt=None) for _ in range(2))

    def wait_in_vain(steps: list[DunningStep], **options: object) -> OutgoingMail:
        if steps[0].invoice_id == locked:
            raise OperationalError("canceling statement due to lock timeout")
        return reminder(steps, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr("billing.emails.reminder", wait_in_vain)

    report = scene.run(day=1)

    assert (report.sent, report.crashed) == (1, 1)
    assert scene.case(fine).steps.filter(status="sent").count() == 1


def test_a_database_that_is_away_ends_the_pass(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.fail(next_attempt=None)

    def lose_connection(steps: list[DunningStep], **options: object) -> OutgoingMail:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("billing.emails.reminder", lose_connection)
    monkeypatch.setattr("billing.dunning.is_database_away", lambda error: True)

    with pytest.raises(OperationalError):
        scene.run(day=1)


def test_a_left_over_send_that_breaks_down_holds_up_no_other(
    scene: Scene, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailers = settings.MAILERS
    cut_short = scene.fail(next_attempt=None)
    lose_mail(settings, tmp_path)
    scene.run(day=1)
    scene.fake.pay_invoice(cut_short)
    fine = scene.fail(next_attempt=None)
    settings.MAILERS = mailers
    monkeypatch.setattr(OutgoingMail, "call_off", lambda mail, **options: 1 / 0)

    report = scene.run(day=3)

    assert (report.sent, report.crashed) == (1, 1)
    assert scene.case(fine).steps.filter(status="sent").count() == 1


def test_a_periodic_pass_that_met_the_unforeseen_stands_as_failed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.fail(next_attempt=None)
    monkeypatch.setattr("billing.emails.reminder", lambda *args, **options: 1 / 0)

    with time_machine.travel(scene.move_to(day=1), tick=False), pytest.raises(RuntimeError, match="1 customers"):
        send_due_steps()


def test_a_pass_without_time_for_all_is_followed_by_another(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        scene.fail(next_attempt=None)
    at, nudged = scene.move_to(day=1), list[str]()
    monkeypatch.setattr("billing.dunning.nudge", nudged.append)

    sent = [run_dunning_job(at=at, seconds=0).sent for _ in range(2)]

    assert (sent, set(nudged)) == ([1, 1], {"billing.send_due_steps"})


def test_stripe_is_not_asked_each_minute_while_its_own_retry_lies_ahead(keyed_scene: Scene) -> None:
    keyed_scene.fail(next_attempt=int((START + timedelta(days=20)).timestamp()))
    for day in (1, 7):
        keyed_scene.run(day=day)
    keyed_scene.fake.requests.clear()

    asked = []
    for minute in (0, 1, 14, 15):
        assert keyed_scene.run(day=14 + minute / 1440).held == 1
        asked.append(len(keyed_scene.fake.requests))

    assert asked[0] == asked[1] == asked[2] < asked[3]
