"""Signed events whose every part may be of any shape: the door answers 200 or a problem, and the inbox goes on."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.inbox import process_due_events
from billing.models import PaymentFailure, StripeEvent
from billing.sample_events import OBJECTS, Sample, event
from billing.tests.make import Scene
from billing.tests.test_webhook import post
from testing.soak import soak_all_but

NESTED: Any = "deep"
for _ in range(60):
    NESTED = [NESTED]
ODD: list[Any] = [
    None, True, -1, 0, 10**30, 1.5, "", "x", "in_\0", "\ud800", "ä" * 400, [], [1], {}, {"object": []}, {"data": [None]},
    {"id": {"id": 1}}, NESTED,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*path, key)
        yield from places(part, (*path, key))


def put(value: Any, path: tuple[Any, ...], odd: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = odd


@pytest.mark.parametrize("seed", soak_all_but(range(4), range(80)))
def test_an_event_of_any_shape_is_answered_and_stops_no_other(scene: Scene, client: Client, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(50):
        sample = Sample(created=timezone.now(), invoice=f"in_{number}", customer=f"cus_{number}")
        body = event(chance.choice(sorted(OBJECTS)), sample)
        put(body, chance.choice([path for path in places(body) if path != ("id",)]), chance.choice(ODD))

        answer = post(client, json.dumps(body).encode())

        assert answer.status_code in {200, 400}, body
        assert answer.status_code == 200 or answer.headers["Content-Type"] == "application/problem+json"
    process_due_events(at=timezone.now())
    crashes = StripeEvent.objects.exclude(error="").values_list("error", "type")
    assert list(crashes) == []

    invoice = scene.fail(next_attempt=None)

    assert PaymentFailure.objects.filter(invoice_id=invoice, status="open").exists()
    assert not StripeEvent.objects.due(at=timezone.now() + timedelta(days=1)).exists()
