"""Mails outside the ladder: "act now" where waiting cannot help (traps 12 and 20), and another contact after a bounce."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from billing import staff_actions
from billing.models import DunningEmail, PaymentFailure
from billing.notices import want_replacements
from billing.stripe_objects import HARD_DECLINES
from billing.tests.make import START, Scene
from levqor.accounts.models import Account, AccountContact
from levqor.lib.actors import Actor
from levqor.mail.models import OutgoingMail, Suppression


def newest(scene: Scene) -> OutgoingMail:
    return OutgoingMail.objects.filter(status="sent").latest("created_at", "sent_at")


# Act now


def test_a_bank_that_asks_for_confirmation_is_told_at_once_and_in_its_own_words(scene: Scene) -> None:
    scene.fake.require_action(amount=4200, currency="gbp")
    scene.hear()

    scene.run(day=0.01)

    assert scene.mails() == ["action_required"]
    assert newest(scene).subject == "Please confirm your payment of £42.00"
    assert DunningEmail.objects.get().email_type == "action_required"


def test_payment_failed_and_action_required_make_one_case_and_one_notice(scene: Scene) -> None:
    scene.fake.require_action()
    for event in reversed(scene.fake.pending_events()):
        scene.fake.deliver(event, times=2)
        scene.hear_stored()

    for minutes in (1, 2, 3):
        scene.run(day=minutes / 1440)

    assert PaymentFailure.objects.count() == 1
    assert scene.mails() == ["action_required"]


def test_the_steps_keep_their_dates_and_use_the_authentication_text(scene: Scene) -> None:
    scene.fake.require_action(next_attempt=None)
    scene.hear()
    scene.run(day=0.01)

    report = scene.run(day=1)

    assert (report.due, report.sent) == (1, 1)
    assert "Please confirm your payment" in newest(scene).subject


@pytest.mark.parametrize("version", ["2024-06-20", "2025-02-24.acacia"])
def test_a_dead_card_is_told_at_once(scene: Scene, version: str) -> None:
    scene.fake.api_version = version
    scene.fail(decline_code="stolen_card", next_attempt=None)

    scene.run(day=0.01)

    assert scene.mails() == ["action_required"]
    assert "can no longer be used" in newest(scene).text_body


@pytest.mark.parametrize("code", sorted(HARD_DECLINES))
def test_stripe_tells_why_the_bank_refused(keyed_scene: Scene, code: str) -> None:
    invoice = keyed_scene.fail(decline_code=code, next_attempt=None)

    assert keyed_scene.case(invoice).decline_code == code
    assert DunningEmail.objects.filter(email_type="action_required").exists()


def test_an_ordinary_refusal_waits_for_its_day(scene: Scene) -> None:
    scene.fail(decline_code="insufficient_funds", next_attempt=None)

    scene.run(day=0.01)

    assert scene.mails() == []


def test_a_notice_at_night_leaves_in_the_morning(scene: Scene) -> None:
    scene.move_to(day=0, hour=20)
    scene.fake.require_action(next_attempt=None)
    scene.hear()

    assert [len(scene.mails()) for hour in (20, 23) if scene.run(day=0, hour=hour)] == [0, 0]
    scene.run(day=1, hour=8)

    assert scene.mails() == ["action_required"]


def test_a_notice_so_late_that_the_first_step_says_it_is_dropped(scene: Scene) -> None:
    scene.fake.require_action(next_attempt=None)
    scene.hear()

    report = scene.run(day=1)

    assert (report.sent, scene.mails()) == (1, ["first_notice"])
    assert not DunningEmail.objects.wanted(at=START + timedelta(days=30)).exists()


def test_nobody_who_has_paid_is_asked_to_act(keyed_scene: Scene) -> None:
    invoice = keyed_scene.fake.require_action(next_attempt=None)
    keyed_scene.hear()
    keyed_scene.fake.pay_invoice(invoice)  # and no webhook tells us

    keyed_scene.run(day=0.01)

    assert keyed_scene.mails() == []
    assert keyed_scene.case(invoice).status == "recovered"


@pytest.mark.parametrize("hold", ["off", "exempt", "paused", "unreachable"])
def test_a_notice_waits_for_what_a_step_waits_for(keyed_scene: Scene, settings: Settings, hold: str) -> None:
    invoice = keyed_scene.fake.require_action(next_attempt=None)
    keyed_scene.hear()
    settings.DUNNING_ENABLED = hold != "off"
    Account.objects.update(is_exempt_from_dunning=hold == "exempt")
    PaymentFailure.objects.update(paused_at=START if hold == "paused" else None)
    keyed_scene.fake.down = hold == "unreachable"

    keyed_scene.run(day=0.01)

    assert (keyed_scene.mails(), keyed_scene.case(invoice).status) == ([], "open")


def test_a_dry_run_sends_no_notice(scene: Scene) -> None:
    scene.fake.require_action(next_attempt=None)
    scene.hear()

    scene.run(day=0.01, dry_run=True)

    assert not OutgoingMail.objects.exists()


def test_stopping_a_case_takes_its_notice_back(scene: Scene) -> None:
    scene.fake.require_action(next_attempt=None)
    scene.hear()
    staff_actions.stop(PaymentFailure.objects.get(), by=Actor("staff"), at=scene.now, reason="billed by mistake")

    scene.run(day=0.01)

    assert scene.mails() == []


# After a bounce


def bounced(scene: Scene) -> OutgoingMail:
    """The first reminder of a case bounces, an hour after it was sent."""
    scene.fail(next_attempt=None)
    scene.run(day=1)
    mail = OutgoingMail.objects.get()
    Suppression.objects.create(email=mail.to_email, reason="bounce", suppressed_at=scene.now)
    want_replacements(mail, at=scene.now)
    return mail


def test_a_bounce_flags_the_case_and_tries_another_contact(scene: Scene) -> None:
    mail = bounced(scene)
    AccountContact.objects.create(account=scene.account(), email="accounts@example.com")

    scene.run(day=1.05)

    assert PaymentFailure.objects.get().flag == "bounced"
    again = newest(scene)
    assert (again.to_email, again.name) == ("accounts@example.com", mail.name)
    assert [row.email_type for row in DunningEmail.objects.order_by("pk")] == ["day_1", "day_1"]


def test_a_bounce_without_another_contact_asks_a_person(scene: Scene) -> None:
    bounced(scene)

    scene.run(day=1.05)

    assert len(scene.mails()) == 1
    assert PaymentFailure.objects.get().flag == "bounced"


def test_a_bounce_told_twice_makes_one_more_mail(scene: Scene) -> None:
    mail = bounced(scene)
    AccountContact.objects.create(account=scene.account(), email="accounts@example.com")

    for minutes in (60, 61, 62):
        want_replacements(mail, at=scene.now)
        scene.run(day=1 + minutes / 1440)

    assert len(scene.mails()) == 2


def test_a_bounced_case_is_not_suspended_by_itself(scene: Scene) -> None:
    bounced(scene)
    AccountContact.objects.create(account=scene.account(), email="accounts@example.com")
    for day in (7, 14, 15):
        scene.run(day=day)

    assert scene.account().standing == "past_due"


def test_a_bounce_after_the_payment_asks_nobody(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.run(day=1)
    scene.fake.pay_invoice(invoice)
    scene.hear()

    want_replacements(OutgoingMail.objects.get(name="billing/first_notice"), at=scene.now)

    assert scene.case(invoice).flag == ""
    assert not DunningEmail.objects.filter(wanted_at__isnull=False).exists()


def test_the_replacement_is_not_sent_for_what_is_paid_at_stripe(keyed_scene: Scene) -> None:
    bounced(keyed_scene)
    AccountContact.objects.create(account=keyed_scene.account(), email="accounts@example.com")
    keyed_scene.fake.pay_invoice(PaymentFailure.objects.get().invoice_id)

    keyed_scene.run(day=1.05)

    assert "accounts@example.com" not in OutgoingMail.objects.filter(name="billing/first_notice").values_list(
        "to_email", flat=True
    )


# What a mail says fits the standing and the days that can still come


def text_of_newest(scene: Scene) -> str:
    return " ".join(newest(scene).text_body.split())


def test_who_is_paused_is_not_told_that_they_will_be(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)
    assert scene.account().standing == "suspended"
    scene.fail(customer=scene.account().stripe_customer_id, next_attempt=None)

    for day in (17, 23):
        assert scene.run(day=day).sent == 1
        text = text_of_newest(scene)
        assert "Your account is paused at this moment." in text
        assert "will be paused" not in text
        assert "interruption" not in text


def test_a_late_mail_names_days_that_can_still_come(scene: Scene) -> None:
    scene.fail(next_attempt=None)

    scene.run(day=20)

    # Each of the two to come leaves 48 hours after the mail before it.
    text = text_of_newest(scene)
    assert f"still unpaid on {scene.account().day_of(START + timedelta(days=22))}" in text
    assert f"will be paused on {scene.account().day_of(START + timedelta(days=24))}" in text


def test_a_day_that_begins_too_early_for_mail_is_named_with_its_hours(scene: Scene) -> None:
    scene.move_to(day=0, hour=19)
    scene.fail(next_attempt=None)

    scene.run(day=2, hour=9)

    # The last notice is due at 19:00 on day 14, and leaves on the morning after.
    assert f"will be paused on {scene.account().day_of(START + timedelta(days=15))}" in text_of_newest(scene)


def test_no_service_is_promised_back_that_paying_does_not_bring_back(scene: Scene) -> None:
    scene.fail(next_attempt=None)
    scene.run(day=1)
    scene.run(day=7)
    scene.account().suspend("abuse", by=Actor("staff"), at=scene.now)

    scene.run(day=14)

    assert "comes back at once" not in text_of_newest(scene)
