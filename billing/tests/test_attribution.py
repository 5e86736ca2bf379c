"""Recovered money, per step, way and currency: to the cent, and the sum of all of it is what settled cases brought in."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from billing import reports
from billing.models import FailureStatus, PaymentFailure
from billing.new_cards import charge_new_cards
from billing.reports import StepShare
from billing.tests.make import Scene


def shares() -> list[tuple[int, str, str, int]]:
    return [(row.step, row.method, row.currency, row.recovered) for row in reports.by_step_and_method()]


def settle(scene: Scene, invoice: str, **how: object) -> PaymentFailure:
    scene.fake.pay_invoice(invoice, **how)  # type: ignore[arg-type]  # passed on as they are
    scene.hear()
    return scene.case(invoice)


@pytest.mark.parametrize(
    ("how", "method"),
    [({}, "customer"), ({"automatic": True}, "stripe_retry"), ({"out_of_band": True}, "out_of_band")],
)
def test_the_way_of_the_money_is_told_by_the_invoice(keyed_scene: Scene, how: dict[str, object], method: str) -> None:
    assert settle(keyed_scene, keyed_scene.fail(next_attempt=None), **how).recovery_method == method


def test_a_credit_note_settles_and_recovers_nothing(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.credit_invoice(invoice, 5000)
    scene.hear()

    case = scene.case(invoice)
    assert (case.status, case.recovered_cents, case.recovery_method) == ("recovered", 0, "credit_note")


def test_what_a_credit_note_took_off_was_not_recovered(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)
    scene.fake.credit_invoice(invoice, 1999)
    scene.hear()

    assert settle(scene, invoice).recovered_cents == 3001


def test_parts_that_came_while_the_case_ran_count_and_earlier_ones_do_not(scene: Scene) -> None:
    invoice = scene.fake.add_invoice(amount=5000)
    scene.fake.pay_invoice(invoice, amount=1000)
    scene.fake.fail_invoice(invoice)
    scene.hear()
    settle(scene, invoice, amount=1500)

    assert settle(scene, invoice).recovered_cents == 4000


def test_a_part_that_came_before_the_rest_was_forgiven_was_recovered(scene: Scene) -> None:
    invoice = scene.fail(amount=5000)
    settle(scene, invoice, amount=1500)
    scene.fake.advance(60)
    scene.fake.mark_uncollectible(invoice)
    scene.hear()

    case = scene.case(invoice)
    assert (case.status, case.recovered_cents, case.amount_cents) == ("closed", 1500, 3500)


def test_a_click_or_an_open_credits_no_step(scene: Scene) -> None:
    invoice = scene.fail(next_attempt=None)
    scene.run(day=1)
    PaymentFailure.objects.get().emails.update(opened_at=scene.now, clicked_at=scene.now + timedelta(days=9))

    assert settle(scene, invoice).recovered_after_step == 1


def test_the_sums_of_all_shares_are_what_the_cases_brought_in(keyed_scene: Scene) -> None:
    fake = keyed_scene.fake
    amounts = {"gbp": [1999, 1, 333], "eur": [12345, 7], "jpy": [500]}
    invoices = {
        (currency, amount): keyed_scene.fail(
            customer=fake.add_customer(email=f"{currency}{amount}@example.com"),
            amount=amount,
            currency=currency,
            next_attempt=None,
        )
        for currency, values in amounts.items()
        for amount in values
    }
    settle(keyed_scene, invoices["gbp", 1])
    keyed_scene.run(day=1)
    settle(keyed_scene, invoices["gbp", 333], automatic=True)
    settle(keyed_scene, invoices["eur", 7], out_of_band=True)
    keyed_scene.run(day=7)
    settle(keyed_scene, invoices["jpy", 500])
    fake.add_payment_method(fake.invoice(invoices["eur", 12345]).customer, default=True)
    keyed_scene.hear()
    charge_new_cards(at=keyed_scene.now)
    settle(keyed_scene, invoices["gbp", 1999])
    fake.dispute_invoice(invoices["gbp", 1999], amount=999)
    keyed_scene.hear()

    assert shares() == [
        (1, "out_of_band", "eur", 7),
        (2, "new_card", "eur", 12345),
        (0, "customer", "gbp", 1),
        (1, "stripe_retry", "gbp", 333),
        (2, "customer", "gbp", 1000),
        (2, "customer", "jpy", 500),
    ]
    assert totals(reports.by_step_and_method()) == totals(reports.by_step()) == brought_in()


def totals(rows: list[StepShare]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.recovered
    return sums


def brought_in() -> dict[str, int]:
    """What the settled cases of each currency recovered, less what disputes took, straight from their rows."""
    rows = PaymentFailure.objects.filter(status=FailureStatus.RECOVERED).values("currency")
    rows = rows.annotate(gained=Sum("recovered_cents"), taken=Sum("reversed_cents"))
    return {row["currency"]: row["gained"] - row["taken"] for row in rows.order_by("currency")}
