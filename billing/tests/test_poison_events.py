"""An event that kills or crashes whoever works on it is given up after a bounded number of tries, and holds up no other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing import inbox
from billing.inbox import process_due_events, process_event
from billing.models import EventStatus, PaymentFailure, StripeEvent
from billing.models.inbox import LEASE, MAX_ATTEMPTS
from billing.tests.make import SECRET, Scene
from billing.tests.test_admin_inbox import operator
from billing.webhooks import PROCESS_TASK
from testing.brokers import wait_until
from testing.fake_stripe import FakeStripe
from testing.processes import Processes


def deliver_dispute(scene: Scene) -> StripeEvent:
    """A dispute reaches the inbox and nobody has looked at it yet."""
    invoice = scene.fake.add_invoice()
    scene.fake.pay_invoice(invoice)
    scene.hear()
    scene.fake.dispute_invoice(invoice)
    scene.fake.deliver_all()
    return StripeEvent.objects.get(type="charge.dispute.created")


def die_on(event: StripeEvent, *, at: datetime) -> None:
    """What a worker leaves behind that is killed in the middle of the event."""
    assert event.claim(at=at)


def test_an_event_that_kills_its_workers_is_given_up(scene: Scene) -> None:
    event, at = deliver_dispute(scene), timezone.now()
    for _ in range(MAX_ATTEMPTS):
        die_on(event, at=at)
        at += LEASE + timedelta(seconds=1)
        event = StripeEvent.objects.due(at=at).get()

    process_event(event, at=at)

    event.refresh_from_db()
    assert (event.status, event.attempts, event.error) == (EventStatus.FAILED, MAX_ATTEMPTS, inbox.DEADLY)
    page = operator().get(reverse("admin:billing_stripeevent_change", args=[event.pk])).content.decode()
    assert "tried 8 times and gave up" in page
    assert "Process again" in page


def test_it_works_once_it_is_processed_again(scene: Scene) -> None:
    event, at = deliver_dispute(scene), timezone.now()
    StripeEvent.objects.filter(pk=event.pk).update(status=EventStatus.FAILED, attempts=MAX_ATTEMPTS, error="deadly")
    event.refresh_from_db()

    event.process_again(at=at, reason="the fault is mended")
    process_due_events(at=at)

    event.refresh_from_db()
    assert (event.status, event.attempts, event.error) == (EventStatus.DONE, 1, "")


def test_an_abandoned_event_queues_up_behind_what_came_meanwhile(scene: Scene) -> None:
    event = deliver_dispute(scene)
    die_on(event, at=event.next_attempt_at)
    scene.fake.fail_invoice()
    scene.fake.deliver_all()

    due = list(StripeEvent.objects.due(at=timezone.now() + 2 * LEASE))

    assert len(due) > 1
    assert due[-1] == event


def test_a_crash_is_logged_with_the_id_of_the_request(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []

    class Logger:
        def exception(self, message: str, **fields: Any) -> None:
            logged.append({"message": message} | structlog.contextvars.get_contextvars())

    def crash(event: StripeEvent, at: datetime) -> str:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(inbox, "logger", Logger())
    monkeypatch.setitem(inbox.HANDLERS, "charge.dispute.created", crash)
    event = deliver_dispute(scene)

    scene.hear_stored()

    assert event.request_id
    assert logged == [{"message": "stripe_event_failed", "request_id": event.request_id}]


def test_a_pass_that_is_out_of_time_leaves_the_rest_to_the_next(scene: Scene) -> None:
    deliver_dispute(scene)

    assert process_due_events(at=timezone.now(), seconds=-1) == 0
    assert process_due_events(at=timezone.now(), seconds=30) == 1


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_real_workers_that_die_of_an_event_go_on_with_all_others(processes: Processes, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    scene = Scene(FakeStripe(secret=SECRET))
    poison, began = deliver_dispute(scene), timezone.now()
    processes.start("worker", dies_at=("billing.inbox", "judge_dispute", "alone"))

    for life in range(1, MAX_ATTEMPTS + 2):
        scene.fake.fail_invoice()
        scene.fake.deliver_all()
        processes.move_to(began + life * (LEASE + timedelta(seconds=10)))
        wait_until(
            lambda: PaymentFailure.objects.count() == life and has_died(poison, times=life),  # noqa: B023  # called at once
            meanwhile=lambda: processes.broker.publish(PROCESS_TASK),
            what=f"invoice {life} has its case although the worker dies",
        )

    poison.refresh_from_db()
    assert (poison.status, poison.attempts) == (EventStatus.FAILED, MAX_ATTEMPTS)
    assert not StripeEvent.objects.exclude(pk=poison.pk).exclude(status__in=["done", "ignored"]).exists()


def has_died(event: StripeEvent, *, times: int) -> bool:
    event.refresh_from_db()
    return event.status == EventStatus.FAILED or event.attempts == times
