from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from billing import reports, staff_actions
from billing.models import PaymentFailure
from billing.tests.make import Scene
from levqor.lib.actors import Actor


def pay(scene: Scene, invoice: str) -> None:
    scene.fake.pay_invoice(invoice)
    scene.hear()


def resolve_in(month: int, *invoices: str) -> None:
    PaymentFailure.objects.filter(invoice_id__in=invoices).update(resolved_at=datetime(2026, month, 3, tzinfo=UTC))


def months() -> list[tuple[int, str, int, int]]:
    return [(row.start.month, row.currency, row.recovered, row.lost) for row in reports.by_month()]


def test_recovered_money_is_summed_per_month_and_currency_to_the_cent(scene: Scene) -> None:
    first, second, yen = scene.fail(amount=1999), scene.fail(amount=1), scene.fail(amount=500, currency="jpy")
    for invoice in (first, second, yen):
        pay(scene, invoice)
    resolve_in(3, first, yen)
    resolve_in(5, second)

    assert [row for row in months() if row[1] == "gbp"] == [(3, "gbp", 1999, 0), (4, "gbp", 0, 0), (5, "gbp", 1, 0)]
    assert next(row for row in months() if row[1] == "jpy") == (3, "jpy", 500, 0)


def test_money_is_credited_to_the_last_step_that_was_sent(scene: Scene) -> None:
    early = scene.fail(amount=700, next_attempt=None)
    pay(scene, early)
    late = scene.fail(amount=900, next_attempt=None)
    scene.run(day=1)
    pay(scene, late)

    assert [(row.step, row.recovered, row.cases) for row in reports.by_step()] == [(0, 700, 1), (1, 900, 1)]


def test_the_page_adds_up_what_came_back_in_each_currency(scene: Scene, admin_client: Client) -> None:
    for invoice in (scene.fail(amount=700), scene.fail(amount=1), scene.fail(amount=900, currency="jpy")):
        pay(scene, invoice)

    answer = admin_client.get(reverse("admin:billing_report"))

    assert [(row.currency, row.recovered, row.cases) for row in answer.context["totals"]] == [
        ("gbp", 701, 2),
        ("jpy", 900, 1),
    ]
    assert "£7.01" in answer.content.decode()


def test_money_that_a_dispute_took_back_is_lost_and_not_recovered(scene: Scene) -> None:
    invoice = scene.fail(amount=700)
    pay(scene, invoice)
    PaymentFailure.objects.update(
        resolved_at=datetime(2026, 3, 3, tzinfo=UTC),
        recovery_reversed_at=datetime(2026, 4, 3, tzinfo=UTC),
        reversed_cents=700,
    )

    assert months() == [(4, "gbp", 0, 700)]
    assert reports.by_step() == []


def test_stopped_and_exhausted_cases_are_lost_and_voided_ones_are_neither(scene: Scene) -> None:
    stopped, voided = scene.fail(amount=100), scene.fail(amount=10)
    staff_actions.stop(scene.case(stopped), by=Actor("staff"), at=scene.now, reason="given up")
    scene.fake.void_invoice(voided)
    scene.hear()
    scene.fail(amount=1, next_attempt=None)
    for day in (1, 7, 14):
        scene.run(day=day)

    assert sum(row.lost for row in reports.by_month()) == 101


def test_open_cases_are_neither_recovered_nor_lost(scene: Scene) -> None:
    scene.fail()

    assert reports.by_month() == []


@pytest.mark.parametrize("cents", [1, 99_999_999])
def test_the_tallest_bar_fills_the_chart_and_none_leaves_it(scene: Scene, cents: int) -> None:
    pay(scene, scene.fail(amount=cents))

    (chart,) = reports.charts(reports.by_month())

    assert max(bar.height for bar in chart.bars) == reports.BASE - reports.TOP
    assert min(bar.y for bar in chart.bars) == reports.TOP
