from datetime import timedelta

import pytest
from pytest_django import Settings

from billing import staff_actions
from billing.admin.case import consequences
from billing.failures import flag_case
from billing.models import Flag, PaymentFailure
from billing.tests.make import Scene
from levqor.audit.models import AuditEntry
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError, StaleStateError
from levqor.mail.models import MailStatus, OutgoingMail

ANNA = Actor("staff")


def statuses(case: PaymentFailure) -> list[str]:
    return list(case.steps.values_list("status", flat=True))


def run_all(scene: Scene) -> PaymentFailure:
    """A case that went through all of its steps."""
    invoice = scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    return scene.case(invoice)


def test_a_pause_sticks_when_stripe_retries(scene: Scene) -> None:
    case = scene.case(invoice := scene.fail(next_attempt=None))
    staff_actions.pause(case, until=None, by=ANNA, at=scene.now, reason="card is on its way")

    scene.fake.fail_invoice(invoice, next_attempt=None)
    scene.hear()

    assert scene.run(day=14).sent == 0
    assert scene.case(invoice).attempt_count == 2
    assert scene.case(invoice).paused_at is not None


def test_a_pause_ends_on_its_date(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    staff_actions.pause(case, until=scene.now + timedelta(days=3), by=ANNA, at=scene.now, reason="waits for payday")

    assert [scene.run(day=day).sent for day in (2, 3)] == [0, 1]


def test_resuming_lets_the_next_pass_send(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    staff_actions.pause(case, until=None, by=ANNA, at=scene.now, reason="asked for time")

    staff_actions.resume(case, by=ANNA, at=scene.now, reason="time is over")

    assert scene.run(day=1).sent == 1


def test_every_verb_tells_the_trail_who_and_why(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    staff_actions.pause(case, until=None, by=ANNA, at=scene.now, reason="card is on its way")

    entry = AuditEntry.objects.about(case).get(verb="paused")
    assert (entry.actor_kind, entry.reason) == ("staff", "card is on its way")


def test_a_pause_cannot_end_in_the_past(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    with pytest.raises(staff_actions.RefusedError):
        staff_actions.pause(case, until=scene.now, by=ANNA, at=scene.now, reason="by mistake")


def test_a_skipped_step_sends_nothing_and_the_next_one_goes_on(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    staff_actions.skip_step(case.steps.all()[0], by=ANNA, at=scene.now, reason="we spoke on the phone")

    assert [scene.run(day=day).sent for day in (1, 7)] == [0, 1]


def test_skipping_the_last_step_ends_the_case_without_a_suspension(scene: Scene) -> None:
    case = scene.case(invoice := scene.fail(next_attempt=None))
    for step in case.steps.all():
        staff_actions.skip_step(step, by=ANNA, at=scene.now, reason="bank transfer agreed")

    assert scene.run(day=20).suspended == 0
    assert scene.case(invoice).status == "exhausted"


def test_a_step_skipped_by_two_people_is_skipped_once(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    mine, yours = case.steps.all()[0], case.steps.all()[0]
    staff_actions.skip_step(mine, by=ANNA, at=scene.now, reason="first")

    with pytest.raises(StaleStateError):
        staff_actions.skip_step(yours, by=ANNA, at=scene.now, reason="second")


def test_a_sent_step_cannot_be_skipped(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)

    with pytest.raises(IllegalMoveError):
        staff_actions.skip_step(case.steps.all()[0], by=ANNA, at=scene.now, reason="too late")


def test_resending_twice_with_one_token_is_one_mail(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    step = case.steps.all()[0]

    mails = {staff_actions.resend(step, token="t", by=ANNA, at=scene.now, reason="lost").pk for _ in range(2)}
    scene.run(day=1.1, hour=13)

    assert len(mails) == 1
    assert scene.mails() == ["first_notice", "first_notice"]
    assert case.emails.filter(email_type="manual").count() == 1


def test_a_mail_resent_at_night_leaves_in_the_morning_and_not_at_all_once_it_is_paid(scene: Scene) -> None:
    case = scene.case(invoice := scene.fail(next_attempt=None))
    scene.run(day=1)
    night = scene.move_to(day=1, hour=22)
    for token in ("a", "b"):
        staff_actions.resend(case.steps.all()[0], token=token, by=ANNA, at=night, reason="lost")
        scene.run(day=1, hour=23)
        assert len(scene.mails()) == 1 + (token == "b")
        if token == "b":
            scene.fake.pay_invoice(invoice)
            scene.hear()
        scene.run(day=2, hour=8)

    assert scene.mails() == ["first_notice", "first_notice", "recovered"]
    assert not OutgoingMail.objects.filter(status__in=["pending", "sending"]).exists()


def test_a_paused_case_sends_nothing_again(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    staff_actions.pause(case, until=None, by=ANNA, at=scene.now, reason="we talk")

    with pytest.raises(staff_actions.RefusedError, match="paused"):
        staff_actions.resend(case.steps.all()[0], token="t", by=ANNA, at=scene.now, reason="asked for it")


def test_nothing_is_sent_again_for_an_invoice_that_is_paid_at_stripe(keyed_scene: Scene) -> None:
    case = keyed_scene.case(invoice := keyed_scene.fail(next_attempt=None))
    keyed_scene.run(day=1)
    keyed_scene.fake.pay_invoice(invoice)

    with pytest.raises(staff_actions.RefusedError, match="nothing is owed"):
        staff_actions.resend(case.steps.all()[0], token="t", by=ANNA, at=keyed_scene.now, reason="asked for it")

    assert not case.emails.filter(email_type="manual").exists()


def test_nothing_is_sent_again_while_dunning_is_switched_off(scene: Scene, settings: Settings) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    settings.DUNNING_ENABLED = False

    with pytest.raises(staff_actions.RefusedError):
        staff_actions.resend(case.steps.all()[0], token="t", by=ANNA, at=scene.now, reason="asked for it")


def test_stopping_cancels_what_is_planned_and_frees_the_account(scene: Scene) -> None:
    case = scene.case(invoice := scene.fail(next_attempt=None))

    staff_actions.stop(case, by=ANNA, at=scene.now, reason="billed by mistake")

    assert (scene.case(invoice).status, scene.case(invoice).close_reason) == ("closed", "stopped")
    assert set(statuses(case)) == {"cancelled"}
    assert scene.account().standing == "active"


def test_an_exempt_account_gets_no_mail_until_the_exemption_ends(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    staff_actions.exempt(scene.account(), by=ANNA, at=scene.now, reason="key account")
    assert scene.run(day=1).sent == 0

    staff_actions.end_exemption(scene.account(), by=ANNA, at=scene.now, reason="no longer")

    assert scene.run(day=2).sent == 1


def test_a_restored_account_is_not_suspended_again_for_the_same_invoice(scene: Scene) -> None:
    run_all(scene)

    staff_actions.restore_account(scene.account(), by=ANNA, at=scene.now, reason="pays on Friday")

    assert scene.run(day=15).suspended == 0
    assert scene.account().standing == "past_due"


def test_a_lock_that_staff_took_off_does_not_keep_a_later_one_that_is_paid(scene: Scene) -> None:
    first = run_all(scene)
    staff_actions.restore_account(scene.account(), by=ANNA, at=scene.now, reason="disputes the first one")
    customer = scene.account().stripe_customer_id
    second = scene.fail(customer=customer, next_attempt=None)
    assert [scene.run(day=day).suspended for day in (17, 23, 30)] == [0, 0, 1]

    scene.fake.pay_invoice(second)
    scene.hear()

    assert (scene.case(first.invoice_id).status, scene.account().standing) == ("exhausted", "past_due")


def test_an_account_that_is_not_suspended_cannot_be_restored(scene: Scene) -> None:
    scene.fail(next_attempt=None)

    with pytest.raises(staff_actions.RefusedError):
        staff_actions.restore_account(scene.account(), by=ANNA, at=scene.now, reason="by mistake")


def flagged_at_the_end(scene: Scene) -> PaymentFailure:
    invoice = scene.fail(next_attempt=None)
    flag_case(scene.case(invoice), Flag.BOUNCED, at=scene.now)
    for day in (1, 7, 14):
        scene.run(day=day)
    return scene.case(invoice)


def test_a_cleared_flag_lets_the_suspension_go_on(scene: Scene) -> None:
    case = flagged_at_the_end(scene)
    assert scene.account().standing == "past_due"

    staff_actions.clear_flag(case, by=ANNA, at=scene.now, reason="reached them by phone")

    assert scene.run(day=15).suspended == 1


@pytest.mark.parametrize("outcome", [MailStatus.FAILED, MailStatus.UNKNOWN])
def test_dealing_with_a_last_notice_that_did_not_arrive_gives_the_suspension_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, outcome: MailStatus
) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.run(day=1)
    scene.run(day=7)
    with monkeypatch.context() as broken:
        broken.setattr("billing.dunning.deliver", lambda mail, **times: outcome)
        scene.run(day=14)
    assert scene.run(day=15).suspended == 0
    case = scene.case(invoice)
    assert consequences("clear-flag", case, at=scene.now)[0].startswith("The account is suspended with the next pass")

    staff_actions.clear_flag(case, by=ANNA, at=scene.now, reason="told them by phone")

    assert scene.run(day=15.01).suspended == 1


def test_dealing_with_a_flag_suspends_nobody_whose_last_step_was_left_out(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    scene.run(day=1)
    scene.run(day=7)
    staff_actions.skip_step(case.steps.get(attempt_number=3), by=ANNA, at=scene.now, reason="a promise to pay")
    flag_case(case, Flag.BOUNCED, at=scene.now)

    staff_actions.clear_flag(scene.case(case.invoice_id), by=ANNA, at=scene.now, reason="another address")

    assert scene.run(day=15).suspended == 0


def test_a_person_may_suspend_a_flagged_case(scene: Scene) -> None:
    case = flagged_at_the_end(scene)

    staff_actions.suspend_now(case, by=ANNA, at=scene.now, reason="no answer on any channel")

    assert scene.account().standing == "suspended"
    assert scene.case(case.invoice_id).flag == ""


def test_a_case_with_steps_to_come_cannot_be_suspended(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    flag_case(case, Flag.BOUNCED, at=scene.now)

    with pytest.raises(staff_actions.RefusedError):
        staff_actions.suspend_now(scene.case(case.invoice_id), by=ANNA, at=scene.now, reason="too early")
