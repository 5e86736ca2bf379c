"""Fills a fresh database with so many incidents and publishes the page: `python -m bench.status_rows 10000`."""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
django.setup()

from django.utils import timezone  # noqa: E402  # needs the settings

from status.component_states import ComponentState  # noqa: E402
from status.models import Component, Incident, IncidentComponent, IncidentStatus, IncidentUpdate  # noqa: E402
from status.publishing import publish  # noqa: E402


def fill(count: int) -> None:
    now = timezone.now()
    api = Component.objects.get(slug="api")
    times = [now - timedelta(days=80) * number / count for number in range(1, count + 1)]
    incidents = Incident.objects.bulk_create(
        Incident(name=f"Slow answers {number}", status=IncidentStatus.RESOLVED, started_at=at, resolved_at=at)
        for number, at in enumerate(times)
    )
    IncidentUpdate.objects.bulk_create(
        IncidentUpdate(incident=one, status=IncidentStatus.RESOLVED, body="Fixed.", display_at=one.started_at)
        for one in incidents
    )
    IncidentComponent.objects.bulk_create(
        IncidentComponent(
            incident=one,
            component=api,
            state=ComponentState.PARTIAL,
            started_at=one.started_at,
            ended_at=one.started_at + timedelta(minutes=3),
        )
        for one in incidents
    )
    publish(at=now)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
