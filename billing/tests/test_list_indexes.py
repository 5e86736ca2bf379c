"""The lists of the back office find their rows by an index, in the order in which they show them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F, QuerySet

from billing.finding import accounts_matching
from billing.models import PaymentFailure, StripeEvent
from billing.tests.make import Scene
from levqor.accounts.models import Account
from levqor.mail.models import OutgoingMail

OWED = PaymentFailure.objects.filter(resolved_at=None)
OLDEST = ["failure_date", "pk"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("index", "rows"),
    [
        ("failure_owed", lambda: OWED.order_by(*OLDEST)),
        ("failure_owed_flagged", lambda: OWED.order_by("-is_flagged", *OLDEST)),
        ("failure_oldest", lambda: PaymentFailure.objects.order_by(*OLDEST)),
        ("failure_queue", lambda: PaymentFailure.objects.filter(status="recovered").order_by(*OLDEST)),
        ("failure_owed_amount", lambda: OWED.order_by("amount_cents", *OLDEST)),
        ("failure_owed_amount", lambda: OWED.order_by("-amount_cents", "-failure_date", "-pk")),
        ("failure_owed_number", lambda: OWED.order_by("invoice_number", *OLDEST)),
        ("failure_owed_currency", lambda: OWED.filter(currency="jpy").order_by(*OLDEST)),
        ("failure_owed_plan", lambda: OWED.filter(plan_name="Growth").order_by(*OLDEST)),
        ("stripe_event_received", lambda: StripeEvent.objects.order_by("-received_at", "-pk")),
        ("stripe_event_of_status", lambda: StripeEvent.objects.filter(status="failed").order_by("-received_at", "-pk")),
        ("stripe_event_of_type", lambda: StripeEvent.objects.filter(type="x").order_by("-received_at", "-pk")),
        ("stripe_event_request", lambda: StripeEvent.objects.filter(request_id="x")),
        ("stripe_event_customer", lambda: StripeEvent.objects.filter(customer_id="x")),
        ("mail_created", lambda: OutgoingMail.objects.order_by("-created_at", "-pk")),
        ("mail_of_status", lambda: OutgoingMail.objects.filter(status="failed").order_by("-created_at", "-pk")),
        ("mail_of_kind", lambda: OutgoingMail.objects.filter(name="x").order_by("-created_at", "-pk")),
    ],
)
def test_a_list_is_read_by_its_index(index: str, rows: Callable[[], QuerySet[Any]]) -> None:
    assert index in _plan(rows()[:50])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("index", "rows"),
    [
        ("failure_next_step", lambda: OWED.order_by(F("next_step_at").asc(nulls_last=True), *OLDEST)),
        ("failure_number_beginning", lambda: PaymentFailure.objects.filter(invoice_number__istartswith="lvq-1")),
        ("account_name_parts", lambda: Account.objects.filter(name__icontains="bakery")),
        ("mail_subject_parts", lambda: OutgoingMail.objects.filter(subject__icontains="bakery")),
    ],
)
def test_what_only_postgresql_can_do_it_does_by_an_index(index: str, rows: Callable[[], QuerySet[Any]]) -> None:
    if connection.vendor == "postgresql":
        assert index in _plan(rows()[:50])
    else:
        # The same question is answered here too, by reading the table.
        assert list(rows()) == []


def _plan(rows: QuerySet[Any]) -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # The tables are empty here, and reading an empty table whole and sorting it is cheaper than any index.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return rows.explain()


def test_a_part_of_a_name_is_found_in_any_case(db: None) -> None:
    found = Account.objects.create(name="Kühn Bakery Ltd", billing_email="till@kuehn.example")

    assert accounts_matching("bakery") == accounts_matching("KUEHN.EX") == [found]


def test_cases_from_before_learn_their_next_step(scene: Scene) -> None:
    scene.fail()
    known = PaymentFailure.objects.get().next_step_at
    PaymentFailure.objects.update(next_step_at=None)

    import_module("billing.migrations.0008_fill_the_next_step").fill(apps, None)

    assert PaymentFailure.objects.get().next_step_at == known is not None
