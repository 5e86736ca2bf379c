"""Claims for the tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.test import Client

from claims.models import Claim

# A Wednesday in London, within business hours.
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WORDS = "No workflow ran between two and four."


def claim_body(**changes: Any) -> dict[str, Any]:
    """What a program posts."""
    return {
        "fullName": "Ada Fern",
        "email": "ada@fern.test",
        "plan": "growth",
        "incidentDate": "2026-11-20T14:00:00Z",
        "description": WORDS,
    } | changes


def post_claim(client: Client, *, key: str = "", **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/sla/claim", claim_body(**changes), content_type="application/json", headers=headers)


def make_claim(client: Client | None = None, *, at: datetime = NOW, **changes: Any) -> Claim:
    """A claim as it comes in by the API."""
    with time_machine.travel(at, tick=False):
        response = post_claim(client or Client(), **changes)
    return Claim.objects.select_related("case").get(case__reference=response.json()["reference"])


def form_data(client: Client, path: str = "/sla-credits", **changes: Any) -> dict[str, Any]:
    """The page's form as a person fills it in, some seconds after it was shown."""
    with time_machine.travel(NOW - timedelta(minutes=2), tick=False):
        opened = client.get(path).context["form"].fields["opened"].initial
    return {
        "full_name": "Ada Fern",
        "email": "ada@fern.test",
        "account": "Fernhill Bakery",
        "plan": "growth",
        "incident_date": "2026-11-20",
        "incident_time": "14:00",
        "description": WORDS,
        "quiet_line": "",
        "opened": opened,
    } | changes
