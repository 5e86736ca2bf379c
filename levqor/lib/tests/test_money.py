from decimal import Decimal

import pytest

from levqor.lib.money import format_money, format_price, format_totals, to_decimal


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (123450, "gbp", "£1,234.50"),
        (5, "eur", "€0.05"),
        (500, "jpy", "JP¥500"),
        (1250, "kwd", "KWD\u00a01.250"),
        (500, "ugx", "UGX\u00a05.00"),
        (-990, "gbp", "-£9.90"),
    ],
)
def test_it_writes_amounts_as_people_do(amount: int, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown


def test_it_counts_in_stripes_smallest_unit() -> None:
    assert to_decimal(1234, "bhd") == Decimal("1.234")


def test_several_currencies_stand_side_by_side() -> None:
    assert format_totals({"gbp": 3000, "eur": 1200}) == "€12.00 and £30.00"


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(9900, "gbp", "£99"), (9950, "gbp", "£99.50"), (125000, "gbp", "£1,250"), (500, "jpy", "JP¥500")],
)
def test_a_price_has_no_empty_pence(amount: int, currency: str, shown: str) -> None:
    assert format_price(amount, currency) == shown
