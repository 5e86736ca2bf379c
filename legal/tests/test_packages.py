import pytest
from django.db import IntegrityError, transaction

from legal.models import DfyPackage

pytestmark = pytest.mark.django_db


def test_the_packages_are_rows_from_the_start() -> None:
    facts = [
        (package.slug, package.price, package.workflows_in_words, package.delivery, package.revisions_in_words)
        for package in DfyPackage.objects.on_sale()
    ]

    assert facts == [
        ("starter", "£99", "1 workflow", "5–7 business days", "1 round of revisions"),
        ("growth", "£249", "3 workflows", "10–14 business days", "2 rounds of revisions"),
        ("pro", "£599", "7 workflows", "21–28 business days", "3 rounds of revisions"),
    ]


def test_what_is_no_longer_sold_is_left_out() -> None:
    DfyPackage.objects.filter(slug="growth").update(is_active=False)

    assert [package.slug for package in DfyPackage.objects.on_sale()] == ["starter", "pro"]


def test_one_day_of_delivery_is_no_range() -> None:
    assert DfyPackage(delivery_days_min=1, delivery_days_max=1).delivery == "1 business day"


@pytest.mark.parametrize("change", [{"price_cents": 0}, {"workflows": 0}, {"delivery_days_max": 4}])
def test_the_database_refuses_an_impossible_package(change: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DfyPackage.objects.filter(slug="starter").update(**change)
