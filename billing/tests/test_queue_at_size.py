"""The queue as a long list: what it finds, adds up and orders, against plain Python over the same rows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.queue_rows import make_queue
from billing.admin.filters import QueuePaginator
from billing.models import DunningStep, PaymentFailure
from billing.tests.test_admin_case import staff_with
from levqor.lib.money import format_money

QUEUE = "/admin/billing/paymentfailure/"
CASES = 220

type Matches = Callable[[PaymentFailure], bool]


@pytest.fixture
def sam(db: None) -> Client:
    make_queue(cases=CASES, at=datetime.now(UTC))
    return staff_with("view_paymentfailure")


def is_owed(case: PaymentFailure) -> bool:
    return case.status in {"open", "exhausted"}


def is_due(case: PaymentFailure) -> bool:
    planned = [step.scheduled_for for step in DunningStep.objects.filter(failure=case, status="pending")]
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return case.status == "open" and any(moment < tomorrow for moment in planned)


FILTERS: list[tuple[str, Matches]] = [
    ("", is_owed),
    ("status=all", lambda case: True),
    ("status=recovered", lambda case: case.status == "recovered"),
    ("status=exhausted", lambda case: case.status == "exhausted"),
    ("due=today", is_due),
    ("held=yes", lambda case: is_owed(case) and bool(case.hold_reason)),
    ("held=no", lambda case: is_owed(case) and not case.hold_reason),
    ("flag=any", lambda case: is_owed(case) and bool(case.flag)),
    ("flag=bounced", lambda case: is_owed(case) and case.flag == "bounced"),
    ("flag=bounced&status=all", lambda case: case.flag == "bounced"),
    ("paused=yes", lambda case: is_owed(case) and case.paused_at is not None),
    ("standing=suspended", lambda case: is_owed(case) and case.account.standing == "suspended"),
    ("currency=jpy", lambda case: is_owed(case) and case.currency == "jpy"),
    ("plan=Growth", lambda case: is_owed(case) and case.plan_name == "Growth"),
    ("plan=Growth&currency=eur&status=all", lambda case: case.plan_name == "Growth" and case.currency == "eur"),
    ("currency=gbp&amount_from=100", lambda case: is_owed(case) and case.currency == "gbp" and case.amount_cents >= 10_000),
    ("q=LVQ-00000", lambda case: int(case.invoice_number[-7:]) < 100),
    ("q=Garage", lambda case: case.account.name.startswith("Garage")),
    ("q=customer-17@example.com", lambda case: case.account.billing_email == "customer-17@example.com"),
    ("q=in_0000017", lambda case: case.invoice_id == "in_0000017"),
    ("q=nobody", lambda case: False),
]  # fmt: skip


def pages_of(client: Client, query: str) -> list[PaymentFailure]:
    """The rows of all pages, in the order in which they are shown."""
    found: list[PaymentFailure] = []
    for page in range(1, CASES // 50 + 2):
        changes = client.get(f"{QUEUE}?{query}&p={page}").context["cl"]
        found += changes.result_list
        if page * 50 >= changes.result_count:
            break
    return found


def totals_by_hand(cases: list[PaymentFailure]) -> list[tuple[str, int]]:
    ordered = sorted(cases, key=lambda case: case.currency)
    groups = [(currency, list(rows)) for currency, rows in groupby(ordered, key=lambda case: case.currency)]
    return [(format_money(sum(row.amount_cents for row in rows), currency), len(rows)) for currency, rows in groups]


@pytest.mark.parametrize(("query", "matches"), FILTERS, ids=[query or "default" for query, _ in FILTERS])
@pytest.mark.parametrize("most_counted", [10_000, 5])
def test_each_filter_finds_and_adds_up_what_it_says(
    sam: Client, query: str, matches: Matches, most_counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QueuePaginator, "most_counted", most_counted)
    expected = [case for case in PaymentFailure.objects.select_related("account") if matches(case)]

    context = sam.get(f"{QUEUE}?{query}").context
    found = context["cl"].queryset

    assert {case.pk for case in found} == {case.pk for case in expected}
    assert [(total.amount, total.cases) for total in context["totals"].rows] == totals_by_hand(expected)
    assert context["cl"].result_count == min(len(expected), most_counted)
    assert (context["totals"].counted_at is not None) is (len(expected) > most_counted)


ORDERS: list[tuple[int, Callable[[PaymentFailure], Any]]] = [
    (1, lambda case: case.invoice_number),
    (2, lambda case: case.account.name),
    (3, lambda case: case.amount_cents),
    (6, lambda case: (case.next_step_at is None, case.next_step_at or 0)),
    (8, lambda case: case.failure_date),
]


@pytest.mark.parametrize(("column", "key"), ORDERS)
@pytest.mark.parametrize("status", ["", "all"])
def test_each_order_is_whole_over_the_pages_both_ways(sam: Client, column: int, key: Any, status: str) -> None:
    PaymentFailure.objects.filter(pk__gt=PaymentFailure.objects.earliest("pk").pk + 60).update(amount_cents=2900)

    forwards = pages_of(sam, f"o={column}&status={status}")
    backwards = pages_of(sam, f"o=-{column}&status={status}")

    assert forwards == sorted(forwards, key=lambda case: (key(case), case.failure_date, case.pk))
    assert backwards == forwards[::-1]
    assert (
        len({case.pk for case in forwards})
        == PaymentFailure.objects.filter(**({} if status else {"resolved_at": None})).count()
    )


def test_as_the_queue_opens_what_waits_for_a_person_comes_first(sam: Client) -> None:
    found = pages_of(sam, "")

    assert {bool(case.flag) for case in found} == {True, False}
    assert found == sorted(found, key=lambda case: (not case.flag, case.failure_date, case.pk))


def test_what_is_due_comes_in_the_order_in_which_it_is_due(sam: Client) -> None:
    found = pages_of(sam, "due=week")

    assert found
    assert found == sorted(found, key=lambda case: (case.next_step_at, case.failure_date, case.pk))


def test_a_list_too_long_to_count_says_so_in_words(sam: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueuePaginator, "most_counted", 100)

    page = sam.get(f"{QUEUE}?status=all").content.decode()

    assert "more than 100 failed payments" in page
    assert "All selected, more than 100" in page
    assert "counted at" in page
    assert "?p=3" not in page


def test_totals_of_a_long_list_are_remembered_for_that_list_alone(sam: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueuePaginator, "most_counted", 5)
    before = sam.get(f"{QUEUE}?currency=gbp").context["totals"]

    PaymentFailure.objects.update(amount_cents=1)

    assert sam.get(f"{QUEUE}?currency=gbp&p=1").context["totals"] == before
    for query in ("currency=eur", "currency=gbp&q=LVQ", ""):
        rows = sam.get(f"{QUEUE}?{query}").context["totals"].rows
        assert [total.owed for total in rows] == [total.cases for total in rows] != [], query


@pytest.mark.parametrize("query", ["", "due=today", "flag=any", "q=Garage", "o=2", "status=all&amount_from=10"])
def test_a_page_asks_as_much_of_few_rows_as_of_many(sam: Client, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueuePaginator, "most_counted", 10_000)
    many = queries_of(sam, query)
    PaymentFailure.objects.filter(pk__gt=PaymentFailure.objects.earliest("pk").pk + 60).delete()

    assert queries_of(sam, query) == many <= 11


def queries_of(client: Client, query: str) -> int:
    """How many questions the second look at a page asks of the database."""
    client.get(f"{QUEUE}?{query}")
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"{QUEUE}?{query}").status_code == 200
    return len(asked)


def test_a_new_currency_is_filtered_by_before_it_is_among_the_choices(sam: Client) -> None:
    sam.get(QUEUE)
    PaymentFailure.objects.filter(invoice_id="in_0000000").update(currency="chf")

    assert [case.invoice_id for case in pages_of(sam, "currency=chf")] == ["in_0000000"]
