"""The drains run every few seconds: each finds what is due by its index, however many rows are not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from billing.models import DunningEmail, DunningStep, PaymentFailure, StripeEvent

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("index", "due"),
    [
        ("step_due", lambda: DunningStep.objects.due(at=AT)),
        ("step_due", lambda: DunningStep.objects.left_over(at=AT)),
        ("failure_suspend_due", lambda: PaymentFailure.objects.suspension_due(at=AT)),
        ("stripe_event_due", lambda: StripeEvent.objects.due(at=AT)),
        ("dunning_email_wanted", lambda: DunningEmail.objects.wanted(at=AT)),
    ],
)
def test_what_is_due_is_found_by_its_index(index: str, due: Callable[[], QuerySet[Any]]) -> None:
    StripeEvent.objects.bulk_create(
        StripeEvent(event_id=f"evt_{n}", livemode=False, created=AT, body=b"{}", next_attempt_at=AT + timedelta(days=1))
        for n in range(500)
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The other tables are empty here, and reading an empty table whole is cheaper than any index.
            cursor.execute("ANALYZE billing_stripeevent")
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_nestloop = off")

    assert index in due().explain()
