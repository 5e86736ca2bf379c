"""Clocks that were set, windows that nobody ends by hand, and incidents that are written down afterwards."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from status.judgement import FINE
from status.ledger import observe
from status.live import Sight, lay_over
from status.memory import StatusMemory, memory
from status.models import Snapshot, StateInterval
from status.publishing import publish
from status.tests.make import NOON, component, make_evidence, status_document
from status.tests.scenes import show

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("name", ["canary", "worker", "beat", "snapshot"])
def test_stamps_from_the_future_never_look_well(client: Client, now: datetime, name: str) -> None:
    show(now)
    late = {"canary": 30.0, name: -7200.0}
    memory.note_evidence(make_evidence(read_at=time.monotonic(), **late), at=now)  # type: ignore[arg-type]  # ages alone

    assert "All Systems Operational" not in client.get("/status").text


def test_a_file_from_the_future_is_not_known_to_be_true(tmp_path: Path, now: datetime) -> None:
    publish(at=now + 2 * HOUR)
    StatusMemory(tmp_path).keep_on_disk(Snapshot.objects.get().body)

    cold = StatusMemory(tmp_path)
    cold.take_from_disk()

    assert cold.live().banner.text == "Status Unknown"
    assert cold.live().as_of <= datetime.now(UTC)


def test_nothing_is_dated_later_than_now() -> None:
    live = lay_over(status_document(built_at=NOON + HOUR), Sight(1e6, {}, NOON), at=NOON)

    assert live.as_of == NOON


def test_after_a_clock_was_set_back_the_ledger_goes_on() -> None:
    observe(component(), FINE, at=NOON + 2 * HOUR)

    for seconds in (0, 10, 20):
        observe(component(), FINE, at=NOON + timedelta(seconds=seconds))

    newest = StateInterval.objects.get(is_open=True)
    assert (newest.started_at, newest.seen_at) == (NOON, NOON + timedelta(seconds=20))
    assert StateInterval.objects.count() == 2
