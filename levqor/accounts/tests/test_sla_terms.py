from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from levqor.accounts.models import Plan, SlaBand, SlaTerms

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("uptime", "credit"),
    [
        ("100", 0),
        ("99.90", 0),
        ("99.899", 10),
        ("99.00", 10),
        ("98.999", 25),
        ("95.00", 25),
        ("94.999", 50),
        ("0", 50),
    ],
)
def test_each_uptime_falls_into_one_band(uptime: str, credit: int) -> None:
    assert SlaTerms.objects.valid_on(date(2026, 11, 1)).credit_percent(Decimal(uptime)) == credit


def test_a_month_follows_the_terms_valid_in_it() -> None:
    later = SlaTerms.objects.create(
        version=2, valid_from=date(2027, 1, 1), target_percent=Decimal("99.95"), cap_percent=40, claim_days=30
    )
    SlaBand.objects.create(terms=later, floor_percent=Decimal(0), credit_percent=60)

    assert SlaTerms.objects.valid_on(date(2026, 12, 31)).version == 1
    assert SlaTerms.objects.valid_on(date(2027, 1, 1)).credit_percent(Decimal("99.92")) == 40


def test_no_terms_hold_before_the_first() -> None:
    with pytest.raises(SlaTerms.DoesNotExist):
        SlaTerms.objects.valid_on(date(2025, 12, 31))


def test_the_plans_are_rows_from_the_start() -> None:
    plans = Plan.objects.values_list("slug", "price_cents", "response_days")

    assert list(plans) == [("starter", 2900, 3), ("growth", 9900, 2), ("pro", 24900, 1), ("business", 59900, 1)]


@pytest.mark.parametrize("change", [{"uptime_percent": Decimal("100.01")}, {"response_days": 0}])
def test_the_database_refuses_an_impossible_promise(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.filter(slug="starter").update(**change)
