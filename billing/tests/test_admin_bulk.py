from typing import Any

import pytest
from django.test import Client

from billing.admin.bulk import MOST_ROWS
from billing.models import PaymentFailure, StripeEvent
from billing.staff_actions import newest_entry
from billing.tests.make import Scene
from billing.tests.test_admin_case import TOKEN, staff_with, steer
from levqor.audit.models import AuditEntry

QUEUE = "/admin/billing/paymentfailure/"


@pytest.fixture
def sam(db: None) -> Client:
    return staff_with("view_paymentfailure", "change_paymentfailure", "steer_dunning")


def choose(client: Client, action: str, *cases: PaymentFailure, **answers: object) -> Any:
    """Chooses the cases in the list, and with `confirmed` answers the page that follows."""
    seen = {f"seen-{case.pk}": newest_entry(case) for case in cases}
    chosen = {"action": action, "_selected_action": [case.pk for case in cases]}
    return client.post(f"{QUEUE}?status=all", chosen | seen | answers)


CONFIRMED = {"confirmed": "yes", "token": TOKEN, "reason": "agreed by the board"}


def test_choosing_many_asks_first_and_does_nothing(sam: Client, scene: Scene) -> None:
    cases = [scene.case(scene.fail(next_attempt=None)) for _ in range(2)]

    text = choose(sam, "bulk_pause", *cases).content.decode()

    assert "2 selected" in text
    assert not PaymentFailure.objects.exclude(paused_at=None).exists()


@pytest.mark.parametrize("action", ["bulk_pause", "bulk_stop"])
def test_what_left_the_list_meanwhile_is_told(sam: Client, scene: Scene, action: str) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    steer(sam, case, "stop")

    answer = sam.post(QUEUE, {"action": action, "_selected_action": [case.pk]}, follow=True)

    assert "What you chose has left this list since you opened it" in answer.content.decode()


@pytest.mark.parametrize("key", ["x", "", "\0", "9" * 40])
def test_what_is_no_key_of_a_row_is_a_bad_request(sam: Client, scene: Scene, key: str) -> None:
    scene.fail(next_attempt=None)

    assert sam.post(QUEUE, {"action": "bulk_pause", "_selected_action": [key]}).status_code in {302, 400}


def test_each_row_is_answered_by_itself(sam: Client, scene: Scene) -> None:
    running, over = (scene.case(scene.fail(next_attempt=None)) for _ in range(2))
    steer(sam, over, "stop")

    answer = choose(sam, "bulk_pause", running, over, **CONFIRMED)

    assert [(row.pk, row.is_ok) for row in answer.context["rows"]] == [(running.pk, True), (over.pk, False)]
    assert AuditEntry.objects.about(running).get(verb="paused").reason == "agreed by the board"


def test_a_row_that_somebody_else_changed_is_left_alone(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))
    seen = newest_entry(case)
    steer(staff_with("view_paymentfailure", "steer_dunning", "change_paymentfailure", "view_plan"), case, "pause")

    answer = choose(sam, "bulk_stop", case, **CONFIRMED | {f"seen-{case.pk}": seen})

    assert "It changed since you saw this list: Paused" in answer.content.decode()
    assert scene.case(case.invoice_id).status == "open"


def test_no_reason_no_deed(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    text = choose(sam, "bulk_stop", case, **CONFIRMED | {"reason": ""}).content.decode()

    assert "Say in a few words why" in text
    assert scene.case(case.invoice_id).status == "open"


def test_a_reader_is_not_offered_and_cannot_force_it(scene: Scene) -> None:
    case = scene.case(scene.fail(next_attempt=None))

    answer = choose(staff_with("view_paymentfailure"), "bulk_stop", case, **CONFIRMED)

    assert b"bulk_stop" not in answer.content
    assert scene.case(case.invoice_id).status == "open"


def test_too_many_rows_at_once_are_refused(sam: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [scene.case(scene.fail(next_attempt=None)) for _ in range(2)]
    monkeypatch.setattr("billing.admin.bulk.MOST_ROWS", 1)

    answer = choose(sam, "bulk_stop", *cases, **CONFIRMED)

    assert answer.status_code == 302
    assert MOST_ROWS == 100
    assert PaymentFailure.objects.filter(status="open").count() == 2


def test_failed_events_are_processed_again_together(scene: Scene) -> None:
    scene.fail()
    StripeEvent.objects.update(status="failed", attempts=8)
    done = StripeEvent.objects.earliest("pk")
    StripeEvent.objects.filter(pk=done.pk).update(status="done")

    answer = staff_with("view_stripeevent", "change_stripeevent").post(
        "/admin/billing/stripeevent/",
        {"action": "bulk_process_again", "_selected_action": list(StripeEvent.objects.values_list("pk", flat=True))}
        | CONFIRMED,
    )

    assert {row.is_ok for row in answer.context["rows"] if row.pk == done.pk} == {False}
    assert set(StripeEvent.objects.exclude(pk=done.pk).values_list("status", flat=True)) == {"stored"}
