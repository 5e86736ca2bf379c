"""Disputes for the tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.test import Client

from disputes.models import Dispute
from levqor.cases.tracking import tracking_token

# A Wednesday in London, within business hours.
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WORDS = "We were charged twice for November."


def dispute_body(**changes: Any) -> dict[str, Any]:
    """What a program posts."""
    return {
        "category": "billing",
        "subject": "Charged twice",
        "description": WORDS,
        "fullName": "Ada Fern",
        "email": "ada@fern.test",
    } | changes


def post_dispute(client: Client, *, key: str = "", **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/disputes", dispute_body(**changes), content_type="application/json", headers=headers)


def make_dispute(client: Client | None = None, *, at: datetime = NOW, **changes: Any) -> Dispute:
    """A dispute as it comes in by the API."""
    with time_machine.travel(at, tick=False):
        response = post_dispute(client or Client(), **changes)
    return Dispute.objects.select_related("case__account").get(case__reference=response.json()["reference"])


def opened(client: Client, path: str, *, at: datetime = NOW) -> str:
    """The note of a form that was opened a while before."""
    with time_machine.travel(at - timedelta(minutes=2), tick=False):
        return str(client.get(path).context["form"].fields["opened"].initial)


def form_data(client: Client, **changes: Any) -> dict[str, Any]:
    """The page's form as a person fills it in, some seconds after it was shown."""
    return {
        "stage": "support",
        "category": "billing",
        "subject": "Charged twice",
        "description": WORDS,
        "desired_resolution": "",
        "ticket_numbers": "",
        "full_name": "Ada Fern",
        "email": "ada@fern.test",
        "account": "",
        "quiet_line": "",
        "opened": opened(client, "/disputes"),
    } | changes


def track_path(dispute: Dispute) -> str:
    return f"/disputes/track/{tracking_token(dispute.case)}"
