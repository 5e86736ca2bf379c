import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from levqor.lib import nudge as nudges
from levqor.lib.nudge import flush, nudge


class Broker:
    """Records what is published; `open` holds publishing back, `is_down` refuses it."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.asked = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.is_down = False

    def send_task(self, task: str, **options: Any) -> None:
        self.asked.set()
        self.open.wait(5)
        if self.is_down:
            raise ConnectionError("no broker")
        self.published.append(task)


@pytest.fixture
def broker(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    broker = Broker()
    monkeypatch.setattr(nudges, "current_app", broker)
    yield broker
    broker.open.set()
    flush()


def test_a_task_asked_for_many_times_meanwhile_is_published_once(broker: Broker) -> None:
    broker.open.clear()
    nudge("first")
    assert broker.asked.wait(5)

    for _ in range(20):
        nudge("second")
    broker.open.set()

    assert flush()
    assert broker.published == ["first", "second"]


def test_a_burst_becomes_two_messages_and_not_one_each(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudges, "PAUSE_SECONDS", 60)
    nudge("work")
    assert broker.asked.wait(5)

    for _ in range(20):
        nudge("work")

    assert flush()
    assert broker.published == ["work", "work"]


def test_nothing_is_published_before_the_commit(broker: Broker) -> None:
    with transaction.atomic():
        nudge("work")
        assert flush()
        assert broker.published == []

    assert flush()
    assert broker.published == ["work"]


def test_nothing_is_published_after_a_rollback(broker: Broker) -> None:
    with transaction.atomic():
        nudge("work")
        transaction.set_rollback(True)

    assert flush()
    assert broker.published == []


def test_a_broker_that_is_down_costs_the_caller_nothing(broker: Broker) -> None:
    broker.is_down = True
    nudge("lost")
    assert flush()

    broker.is_down = False
    nudge("work")

    assert flush()
    assert broker.published == ["work"]


def test_a_broker_that_hangs_does_not_hold_the_caller(broker: Broker) -> None:
    broker.open.clear()

    nudge("slow")

    assert broker.asked.wait(5)
    assert not flush(seconds=0.05)
