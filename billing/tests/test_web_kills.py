"""SIGKILL of the web process among deliveries, and the id of a request on its way through real processes."""

import json
import logging
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from billing.models import StripeEvent
from billing.tests.make import SECRET
from testing.brokers import OwnBroker, OwnRedis, free_port, wait_until
from testing.fake_stripe import FakeStripe
from testing.fake_stripe_delivery import Delivery
from testing.processes import Processes, Running

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

LIVES = 3
PER_LIFE = 100


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def fake(port: int) -> FakeStripe:
    return FakeStripe(secret=SECRET, webhook_url=f"http://127.0.0.1:{port}/api/webhooks/stripe")


def deliver_until_killed(fake: FakeStripe, web: Running, *, after: int) -> list[Delivery]:
    """Four senders post what is pending, and whoever gets so-and-so many answers in all kills the web process at once."""
    answers = count(1)

    def deliver(event_id: str) -> list[Delivery]:
        deliveries = fake.deliver(event_id)
        if next(answers) == after:
            web.kill()
        return deliveries

    with ThreadPoolExecutor(4) as senders:
        delivered = senders.map(deliver, fake.pending_events()[:PER_LIFE])
        return [delivery for deliveries in delivered for delivery in deliveries]


def stored() -> list[str]:
    return list(StripeEvent.objects.values_list("event_id", flat=True))


def test_what_was_answered_is_stored_and_the_rest_comes_again_once(
    processes: Processes, fake: FakeStripe, port: int
) -> None:
    while len(fake.events) < LIVES * PER_LIFE:
        fake.fail_invoice()
    answered: set[str] = set()
    for life in range(1, LIVES + 1):
        deliveries = deliver_until_killed(fake, processes.serve(port), after=life * PER_LIFE // (LIVES + 2))

        assert {delivery.status for delivery in deliveries} == {0, 200}
        answered |= {delivery.event_id for delivery in deliveries if delivery.status == 200}
        assert answered <= set(stored())

    processes.serve(port)
    assert {delivery.status for delivery in fake.deliver_all()} == {200}
    assert sorted(stored()) == sorted(fake.event_ids())


def lines_with(request_id: str, running: Running) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in running.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("request_id") == request_id]


def test_the_id_of_a_webhook_request_is_in_the_log_of_the_worker(
    processes: Processes, broker: OwnBroker, fake: FakeStripe, port: int
) -> None:
    """Without beat: the worker hears of the event by the message of the request alone."""
    if not isinstance(broker, OwnRedis):
        pytest.skip("The web process writes into the folder of the installation; REDIS_URL gives both one broker.")
    processes.environment["LOG_FORMAT"] = "json"
    processes.overrides["DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL"] = logging.INFO
    worker, _ = processes.start("worker"), processes.serve(port)
    fake.fail_invoice()
    body, headers = fake.webhook(fake.last_event("invoice.payment_failed").id)
    headers |= {"X-Request-Id": "from-the-edge-0001"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/webhooks/stripe", data=body, headers=headers)

    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["X-Request-Id"] == "from-the-edge-0001"

    wait_until(lambda: worker.has_run("billing.process_stripe_events"), what="the worker took the event")
    told = {line["event"]: line for line in lines_with("from-the-edge-0001", worker)}
    assert {"task_started", "failed_payment_opened", "task_succeeded"} <= told.keys()
    assert told["task_started"]["task"] == "billing.process_stripe_events"
