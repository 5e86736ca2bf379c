"""Traps 3, 11 and 24: what no program can know about the set-up is confirmed by a person, what the data says is shown."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing import alarms, setup
from billing.models import Alarm, AlarmKind, SetupConfirmation, SetupItem, StripeEvent
from billing.tests.make import START, Scene
from billing.tests.test_admin_case import staff_with
from levqor.accounts.models import User
from levqor.audit.models import AuditEntry

PAGE = "/admin/billing/setupconfirmation/"
ALARMS = "/admin/billing/alarm/"
REASON = {"reason": "Looked at Settings, it is off.", "token": "6a0a4ed2-8a3c-4a57-9d0e-0d8f2b6a7e11"}


@pytest.fixture
def fay(db: None) -> Client:
    """May see failed payments and confirm the set-up."""
    return staff_with("view_paymentfailure", "view_setupconfirmation", "confirm_setup", "view_alarm")


@pytest.fixture
def sam(db: None) -> Client:
    """May see, and confirm nothing."""
    return staff_with("view_paymentfailure", "view_setupconfirmation", "view_alarm")


def confirm_all(client: Client) -> None:
    for item in SetupItem.values:
        assert client.post(f"{PAGE}{item}/confirm/", REASON).status_code == 302


def test_with_a_key_the_first_page_and_the_queue_warn_until_somebody_confirmed_everything(
    fay: Client, keyed_scene: Scene
) -> None:
    pages = ["/admin/", "/admin/billing/paymentfailure/"]
    assert all("not confirmed" in fay.get(page).content.decode() for page in pages)

    confirm_all(fay)

    assert not any("not confirmed" in fay.get(page).content.decode() for page in pages)


def test_without_a_key_nothing_is_warned_of(fay: Client, scene: Scene) -> None:
    assert "not confirmed" not in fay.get("/admin/").content.decode()


def test_a_confirmation_keeps_who_and_when_and_is_in_the_trail(fay: Client, keyed_scene: Scene) -> None:
    fay.post(f"{PAGE}failure_mails_off/confirm/", REASON)

    row = SetupConfirmation.objects.get()
    assert (row.confirmed_by, row.confirmed_name) == (User.objects.get(), User.objects.get().get_full_name())
    assert row.confirmed_at.date() == timezone.now().date()
    entry = AuditEntry.objects.about(row).get(verb="setup.confirmed")
    assert (entry.actor_id, entry.reason) == (row.confirmed_by_id, REASON["reason"])
    assert row.confirmed_name in fay.get(PAGE).content.decode()


def test_a_second_confirmation_is_none(fay: Client, keyed_scene: Scene) -> None:
    for _ in range(2):
        fay.post(f"{PAGE}failure_mails_off/confirm/", REASON)

    assert SetupConfirmation.objects.count() == 1


def test_withdrawing_brings_the_warning_back_and_keeps_the_record(fay: Client, keyed_scene: Scene) -> None:
    confirm_all(fay)

    fay.post(f"{PAGE}failure_mails_off/withdraw/", REASON)

    assert "not confirmed" in fay.get("/admin/").content.decode()
    assert SetupConfirmation.objects.filter(item="failure_mails_off").count() == 1
    assert AuditEntry.objects.filter(verb="setup.withdrawn").exists()


def test_live_mode_has_a_confirmation_of_its_own(fay: Client, keyed_scene: Scene, settings: Settings) -> None:
    confirm_all(fay)

    settings.STRIPE_LIVEMODE = True

    assert setup.warnings(at=timezone.now())


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("verb", ["confirm", "withdraw"])
def test_who_may_only_look_confirms_nothing(sam: Client, keyed_scene: Scene, verb: str, method: str) -> None:
    answer = getattr(sam, method)(f"{PAGE}failure_mails_off/{verb}/", REASON)

    assert answer.status_code == 403
    assert not SetupConfirmation.objects.exists()


def test_a_stranger_sees_none_of_it(db: None) -> None:
    stranger = staff_with()

    assert {stranger.get(page).status_code for page in (PAGE, ALARMS)} == {403}
    assert "not confirmed" not in stranger.get("/admin/").content.decode()


def test_an_item_that_does_not_exist_is_not_found(fay: Client) -> None:
    assert fay.get(f"{PAGE}made_up/confirm/").status_code == 404


def test_the_checklist_names_every_item_and_every_handled_event() -> None:
    assert [check.item for check in setup.CHECKLIST] == list(SetupItem)
    assert "invoice.payment_failed" in setup.CHECK_OF_ITEM[SetupItem.ENDPOINT_EVENTS].where


# What the data says


def titles(at: datetime) -> list[str]:
    return [finding.title for finding in setup.findings(at=at)]


def test_retries_that_outlast_the_final_notice_are_found(scene: Scene) -> None:
    scene.fail(next_attempt=int((START + timedelta(days=13)).timestamp()))
    assert titles(scene.now) == []

    scene.fail(next_attempt=int((START + timedelta(days=20)).timestamp()))

    (finding,) = setup.findings(at=scene.now)
    assert finding.title == "Stripe’s retries outlast the policy"
    assert "1 open cases" in finding.detail
    assert "22 November 2026" in finding.detail


def test_events_that_came_only_because_we_asked_are_found(scene: Scene) -> None:
    scene.fail()
    assert titles(timezone.now()) == []

    StripeEvent.objects.filter(type="invoice.payment_failed").update(request_id="")

    assert titles(timezone.now()) == ["Stripe’s webhook missed events"]


def test_cases_of_a_test_clock_are_found(scene: Scene) -> None:
    scene.fail(test_clock="clock_1")

    assert titles(scene.now) == ["Test clocks"]


# Alarms


def raised(at: datetime) -> Alarm:
    alarms.raise_alarm(AlarmKind.API_VERSION, "2027-03-31.fennel", at=at, detail="evt_1")
    return Alarm.objects.latest("pk")


def test_an_alarm_is_shown_to_staff_until_somebody_clears_it(fay: Client, scene: Scene) -> None:
    alarm = raised(scene.now)
    assert "2027-03-31.fennel" in fay.get("/admin/").content.decode()

    assert fay.post(f"{ALARMS}{alarm.pk}/change/", REASON).status_code == 302

    assert "2027-03-31.fennel" not in fay.get("/admin/").content.decode()
    assert AuditEntry.objects.about(alarm).get(verb="alarm.cleared").reason == REASON["reason"]


def test_what_comes_again_after_it_was_cleared_is_a_new_alarm(fay: Client, scene: Scene) -> None:
    fay.post(f"{ALARMS}{raised(scene.now).pk}/change/", REASON)

    raised(scene.now)

    assert Alarm.objects.filter(cleared_at=None).count() == 1
    assert Alarm.objects.count() == 2


def test_who_may_only_look_clears_no_alarm(sam: Client, scene: Scene) -> None:
    alarm = raised(scene.now)

    page = sam.get(f"{ALARMS}{alarm.pk}/change/")
    assert page.status_code == 200
    assert "Back without doing it" not in page.content.decode()
    assert sam.post(f"{ALARMS}{alarm.pk}/change/", REASON).status_code == 403
    assert Alarm.objects.filter(cleared_at=None).exists()


def test_an_alarm_that_is_met_again_and_again_is_counted_by_the_hour(scene: Scene) -> None:
    for minutes in (0, 1, 59, 61, 62, 130):
        raised(START + timedelta(minutes=minutes))

    alarm = Alarm.objects.get()
    assert (alarm.count, alarm.last_raised_at) == (3, START + timedelta(minutes=130))
