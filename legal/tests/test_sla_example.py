"""The example in the service level agreement is reckoned from the terms that hold."""

from datetime import date
from decimal import Decimal

import pytest

from legal.sla_example import ExampleRow, example_rows
from levqor.accounts.models import SlaTerms

pytestmark = pytest.mark.django_db


def test_it_shows_each_edge_from_both_sides() -> None:
    rows = example_rows(SlaTerms.objects.valid_on(date(2026, 11, 1)))

    assert rows == [
        ExampleRow(43, Decimal("99.900"), 0),
        ExampleRow(44, Decimal("99.898"), 10),
        ExampleRow(432, Decimal("99.000"), 10),
        ExampleRow(433, Decimal("98.997"), 25),
        ExampleRow(2160, Decimal("95.000"), 25),
        ExampleRow(2161, Decimal("94.997"), 50),
    ]


def test_it_follows_other_terms() -> None:
    terms = SlaTerms.objects.create(
        version=9, valid_from=date(2027, 1, 1), target_percent=Decimal("99.95"), cap_percent=20, claim_days=30
    )
    terms.bands.create(floor_percent=Decimal(0), credit_percent=30)

    assert [(row.downtime, row.credit_percent) for row in example_rows(terms)] == [(21, 0), (22, 20)]


@pytest.mark.parametrize(("price", "cents"), [(9900, 990), (2905, 291), (2904, 290), (2915, 292)])
def test_half_a_penny_is_rounded_up(price: int, cents: int) -> None:
    assert ExampleRow(44, Decimal("99.898"), 10).credit_cents(price) == cents
