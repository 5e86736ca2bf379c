"""Makes so many subscribers and posts updates; prints the seconds of each: `python -m bench.notices_rows 10000 5`."""

import logging
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
django.setup()
# What is printed are the figures alone.
logging.disable(logging.CRITICAL)

from django.utils import timezone  # noqa: E402  # needs the settings

from levqor.lib.actors import SYSTEM  # noqa: E402
from status.component_states import ComponentState  # noqa: E402
from status.incidents import Update, open_incident, post_update  # noqa: E402
from status.models import Component, Impact, IncidentStatus, Notice, Subscriber, SubscriberState  # noqa: E402


def main(count: int, rounds: int) -> None:
    now = timezone.now()
    Subscriber.objects.all().delete()
    Subscriber.objects.bulk_create(
        (
            Subscriber(email=f"{number}@example.com", state=SubscriberState.ACTIVE, asked_at=now)
            for number in range(count)
        ),
        batch_size=1000,
    )
    states = {Component.objects.get(slug="api"): ComponentState.PARTIAL}
    first = Update(IncidentStatus.INVESTIGATING, "We are looking.", states, notify=False)
    incident = open_incident("Slow answers", Impact.MAJOR, first, by=SYSTEM, at=now)
    for number in range(rounds):
        began = time.perf_counter()
        post_update(incident, Update(IncidentStatus.IDENTIFIED, f"Step {number}."), by=SYSTEM, at=timezone.now())
        print(time.perf_counter() - began)
    if Notice.objects.count() != count * rounds:
        raise RuntimeError(f"{Notice.objects.count()} notices instead of {count * rounds}.")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
