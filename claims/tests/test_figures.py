"""The figures of claims: in time, how fast, what was credited."""

from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from claims import answering
from claims.figures import by_month
from claims.tests.make import NOW, make_claim
from claims.tests.make_money import staff
from levqor.cases.models import Deadline

pytestmark = pytest.mark.django_db


def test_each_month_says_how_its_claims_were_answered(settings: Settings) -> None:
    by = staff("sam")
    for number, days in enumerate((1, 1, 20)):
        claim = make_claim(email=f"{number}@fern.test")
        answering.take_up(claim, by=by, at=NOW)
        answering.refuse(claim, "The month kept its promise.", by=by, at=NOW + timedelta(days=days))
    make_claim(email="open@fern.test")

    with time_machine.travel(NOW + timedelta(days=30), tick=False):
        (month,) = by_month()

    assert (month.received, month.refused, month.granted) == (4, 3, 0)
    assert (month.decided, month.decided_in_time, month.on_time) == (3, 2, "66%")
    assert month.median_hours == 8.0


def test_the_time_in_which_we_waited_is_not_ours() -> None:
    by, claim = staff("sam"), make_claim()
    answering.take_up(claim, by=by, at=NOW)
    answering.ask_customer(claim, "When?", by=by, at=NOW + timedelta(hours=1))
    answering.refuse(claim, "No answer came.", by=by, at=NOW + timedelta(days=14))

    (month,) = by_month()
    assert (month.median_hours, month.on_time) == (1.0, "100%")
    assert Deadline.objects.get().is_kept


def test_without_claims_there_are_no_figures() -> None:
    assert by_month() == []
