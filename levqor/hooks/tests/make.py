from datetime import UTC, datetime
from typing import Any

from levqor.hooks.delivery import announce
from levqor.hooks.models import Delivery, Endpoint

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def make_endpoint(**changes: Any) -> Endpoint:
    facts: dict[str, Any] = {"owner": "accounts.account:1", "url": "https://hooks.example.com/levqor"}
    return Endpoint.objects.create(**facts | {"event_types": ["claim.credited"]} | changes)


def make_delivery(*, key: str = "claim:1", **changes: Any) -> Delivery:
    endpoint = make_endpoint(**changes)
    message = announce("claim.credited", {"claim": "SLA-1"}, key=key, endpoints=[endpoint], at=NOON)
    return Delivery.objects.select_related("message", "endpoint").get(message=message)
