"""SIGKILL of the worker at each boundary of a delivery: it arrives, and a repeat carries the id that tells it is one."""

import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from levqor.hooks.models import DeliveryStatus
from levqor.hooks.tests.make import NOON, make_delivery
from levqor.lib.testing.brokers import wait_until
from levqor.lib.testing.fake_server import Answer, FakeServer, Request
from levqor.lib.testing.processes import Boundary, Processes
from levqor.lib.testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

TASK = "hooks.deliver_due"
# With how often the receiver hears of it: the call itself is the one thing that cannot be taken back.
BOUNDARIES: list[tuple[Boundary, int]] = [
    (("levqor.hooks.delivery", "_attempt", "before"), 1),
    (("levqor.hooks.delivery", "post", "after"), 2),
    (("levqor.hooks.delivery", "_attempt", "after"), 2),
    (("levqor.hooks.delivery", "deliver", "after"), 1),
]


class Receiver(FakeServer):
    def handle(self, request: Request) -> Answer:
        return Answer(200, {"ok": True})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.mark.parametrize(("boundary", "heard"), soak_all_but([0, 1], BOUNDARIES))
def test_a_killed_worker_is_followed_by_one_that_delivers(
    receiver: Receiver, processes: Processes, boundary: Boundary, heard: int
) -> None:
    delivery = make_delivery(url=receiver.url)
    processes.move_to(NOON)
    # Once: a second pass beside the first would kill it at a boundary of its own.
    processes.broker.publish(TASK)
    killed = processes.start("worker", dies_at=boundary)
    assert killed.wait(60) == -signal.SIGKILL

    processes.move_to(NOON + timedelta(minutes=2))
    processes.broker.publish(TASK)
    second = processes.start("worker")
    wait_until(lambda: second.has_run(TASK), what="the second worker ends its pass")

    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DELIVERED
    assert [request.headers["webhook-id"] for request in receiver.requests] == [delivery.message.public_id] * heard
