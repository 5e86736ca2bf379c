"""Promises, the clock that stands while we wait, and whether they were kept."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from levqor.cases.models import Case, Deadline, Pause, Source
from levqor.cases.models.deadline import close_case, promise
from levqor.guard.references import Series
from levqor.lib.business_time import LONDON

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def make_promise(at: datetime = NOW) -> Deadline:
    case = Case.objects.create(
        series=Series.SLA_CLAIM, reference="SLA-2026-000001-X", source=Source.API, submitted_at=at
    )
    return promise(case, "decision", earliest_days=5, latest_days=7, at=at)


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def test_a_promise_holds_until_closing_time_of_its_latest_day() -> None:
    deadline = make_promise()

    assert (deadline.earliest_date, deadline.latest_date) == (date(2026, 12, 2), date(2026, 12, 4))
    assert deadline.due_at == london("2026-12-04T17:00")
    assert not deadline.is_overdue(at=london("2026-12-04T17:00"))
    assert deadline.is_overdue(at=london("2026-12-04T17:00:01"))


def test_the_clock_stands_while_we_wait_for_the_customer() -> None:
    deadline = make_promise()
    deadline.pause(at=london("2026-11-26T10:00"))
    deadline.refresh_from_db()
    share = deadline.share_passed(at=london("2026-11-27T16:00"))
    assert not deadline.is_overdue(at=london("2027-01-20T12:00"))

    deadline.resume(at=london("2026-11-30T14:00"))

    # Thursday 10:00 to Monday 14:00 are 7 + 8 + 5 business hours.
    assert Pause.objects.get().seconds == 20 * 3600
    assert deadline.due_at == london("2026-12-09T13:00")
    assert deadline.share_passed(at=london("2026-11-30T14:00")) == pytest.approx(share)


def test_a_weekend_of_waiting_costs_nothing() -> None:
    deadline = make_promise()
    deadline.pause(at=london("2026-11-27T18:00"))
    Deadline.objects.get().resume(at=london("2026-11-30T08:30"))

    assert Deadline.objects.get().due_at == london("2026-12-04T17:00")


def test_pausing_and_resuming_twice_is_once() -> None:
    deadline = make_promise()

    assert [deadline.pause(at=NOW), deadline.pause(at=NOW + timedelta(hours=1))] == [True, False]
    assert [deadline.resume(at=NOW + timedelta(hours=2)), deadline.resume(at=NOW + timedelta(hours=3))] == [True, False]
    assert Pause.objects.get().seconds == 2 * 3600


def test_the_share_grows_from_nothing_to_all() -> None:
    deadline = make_promise(at=london("2026-11-28T12:00"))

    shares = [deadline.share_passed(at=moment) for moment in (NOW, london("2026-11-30T09:00"), deadline.due_at)]

    assert shares == pytest.approx([0, 0, 1])


def test_a_case_has_one_promise_at_a_time() -> None:
    first = make_promise()
    promise(first.case, "decision", earliest_days=1, latest_days=2, at=NOW + timedelta(days=1))
    first.refresh_from_db()

    assert first.ended_at == NOW + timedelta(days=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Deadline.objects.filter(pk=first.pk).update(ended_at=None)


@pytest.mark.parametrize(("days", "kept"), [(3, True), (30, False)])
def test_a_closed_case_tells_whether_its_promise_was_kept(days: int, kept: bool) -> None:
    deadline = make_promise()
    assert deadline.is_kept is None

    close_case(deadline.case, at=NOW + timedelta(days=days))

    assert Deadline.objects.get().is_kept is kept
    assert not Case.objects.unsettled().exists()
