"""Promises by the calendar: who is warned when, what closes by itself; never at night or on a bank holiday."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from disputes import answering, customer
from disputes.following_up import follow_up
from disputes.models import Dispute, Outcome
from disputes.tests.make import make_dispute, opened, track_path
from disputes.tests.make_states import staff
from levqor.accounts.models import Account, Plan
from levqor.cases.models import Case, Deadline
from levqor.cases.privacy import erase_case
from levqor.cases.warnings import warn_of_deadlines
from levqor.lib.actors import CUSTOMER
from levqor.lib.business_time import LONDON, is_open
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db
FILED = datetime(2026, 11, 9, 10, 0, tzinfo=LONDON).astimezone(UTC)
TUESDAY = FILED + timedelta(days=1)
HOURS = [FILED + timedelta(hours=hour) for hour in range(24, 22 * 24)]


@pytest.fixture(autouse=True)
def _roomy(settings: Settings) -> None:
    settings.CASE_LIMIT_PER_NETWORK = 100


def file(name: str, **changes: Any) -> Dispute:
    return make_dispute(at=FILED, email=f"{name}@fern.test", **changes)


def escalate(dispute: Dispute, *, at: datetime) -> None:
    client = Client()
    path = f"{track_path(dispute)}/escalate"
    seen = client.get(path).context["seen"]
    with time_machine.travel(at, tick=False):
        client.post(path, {"body": "", "seen": seen, "opened": opened(client, path, at=at)})


def write(dispute: Dispute, *, at: datetime) -> None:
    client = Client()
    path = track_path(dispute)
    with time_machine.travel(at, tick=False):
        client.post(path, {"body": "The first.", "opened": opened(client, path, at=at)})


def over(name: str) -> Dispute:
    """One of those of which nothing is due any more."""
    sam, dispute = staff("sam"), file(name, stage="complaint" if name == "external" else "support")
    if name in {"answered", "erased"}:
        answering.answer(dispute, "Here it is.", by=sam, at=TUESDAY)
    outcomes = {"answered": Outcome.AGREED, "closed": Outcome.PARTLY, "duplicate": Outcome.DUPLICATE}
    if name in outcomes:
        answering.resolve(dispute, outcomes[name], "So it ends.", by=sam, at=TUESDAY)
    elif name == "withdrawn":
        customer.withdraw(dispute, by=CUSTOMER, at=TUESDAY)
    elif name == "waiting":
        answering.ask(dispute, "Which one?", by=sam, at=TUESDAY)
    elif name == "external":
        answering.move_up(dispute, "We end here.", by=sam, at=TUESDAY)
    elif name == "erased":
        answering.resolve(dispute, Outcome.AGREED, "So it ends.", by=sam, at=TUESDAY)
        erase_case(Case.objects.get(pk=dispute.case_id), by=sam, at=TUESDAY, reason="They asked for it.")
    return dispute


def warned(dispute: Dispute) -> list[str]:
    mails = OutgoingMail.objects.filter(name="cases/deadline", about=f"cases.case:{dispute.case_id}")
    return [f"{mail.created_at.astimezone(LONDON):%a %d %H}" for mail in mails.order_by("created_at")]


OVER = ["answered", "closed", "withdrawn", "duplicate", "waiting", "external", "erased"]


def test_warnings_are_for_what_is_still_due_and_once_at_each_mark() -> None:
    done = [over(name) for name in OVER]
    untouched, escalated = file("untouched"), file("escalated")
    escalate(escalated, at=TUESDAY)
    for hour in HOURS:
        warn_of_deadlines(at=hour)

    assert [warned(dispute) for dispute in done] == [[] for _ in done]
    # Filed on Monday at 10, due on Thursday at 17: 31 hours, of which half are over on Wednesday at 9:30.
    assert warned(untouched) == ["Wed 11 10", "Thu 12 11", "Fri 13 09"]
    assert warned(escalated) == ["Thu 12 10", "Fri 13 11", "Mon 16 09"]


def test_after_a_fortnight_without_the_task_each_case_has_one_warning() -> None:
    done, untouched = [over(name) for name in OVER], file("untouched")
    monday = datetime(2026, 11, 30, 9, 0, tzinfo=LONDON)
    for _ in range(2):
        warn_of_deadlines(at=monday)

    assert len(warned(untouched)) == 1
    assert not any(warned(dispute) for dispute in done)
    late = Deadline.objects.running().filter(due_at__lt=monday).values_list("case", flat=True)
    assert list(late) == [untouched.case_id]


def test_the_clock_goes_on_when_the_customer_has_answered() -> None:
    dispute = over("waiting")
    write(dispute, at=datetime(2026, 11, 11, 16, 0, tzinfo=LONDON))
    for hour in HOURS:
        warn_of_deadlines(at=hour)

    # It stood from Tuesday at 10 to Wednesday at 16, 14 business hours, so it is due on Monday at 15.
    assert f"{Deadline.objects.get().due_at.astimezone(LONDON):%a %d %H}" == "Mon 16 15"
    assert warned(dispute) == ["Thu 12 16", "Mon 16 09", "Mon 16 15"]


def test_nobody_is_warned_at_night_or_on_a_bank_holiday() -> None:
    christmas = datetime(2026, 12, 23, 16, 0, tzinfo=LONDON)
    dispute = make_dispute(at=christmas)
    for hour in range(24 * 12):
        warn_of_deadlines(at=christmas + timedelta(hours=hour, minutes=30))

    moments = [mail.created_at for mail in OutgoingMail.objects.filter(name="cases/deadline")]
    assert len(warned(dispute)) == 3
    assert all(is_open(moment) for moment in moments)
    assert not {f"{moment:%m-%d}" for moment in moments} & {"12-25", "12-26", "12-27", "12-28", "01-01"}


@pytest.mark.parametrize(("stage", "to"), [("support", "support@levqor.ai"), ("complaint", "complaints@levqor.ai")])
def test_the_mailbox_of_the_stage_is_warned(stage: str, to: str) -> None:
    file("untouched", stage=stage)
    warn_of_deadlines(at=datetime(2026, 11, 30, 9, 0, tzinfo=LONDON))

    assert OutgoingMail.objects.get(name="cases/deadline").to_email == to


def test_a_stage_counts_by_the_plan_of_the_account() -> None:
    for slug in ("starter", "business"):
        plan = Plan.objects.get(slug=slug)
        Account.objects.create(name=slug, billing_email=f"{slug}@fern.test", plan=plan)
        file(slug)

    assert [f"{row.earliest_date:%a %d} {row.latest_date:%a %d}" for row in Deadline.objects.order_by("pk")] == [
        "Tue 10 Thu 12", "Tue 10 Tue 10",
    ]  # fmt: skip


def run_until(last: datetime, *, start: datetime) -> None:
    while start <= last:
        follow_up(at=start)
        start += timedelta(hours=4)


def letters(name: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(name=f"disputes/{name}"))


def test_a_customer_who_does_not_answer_is_reminded_once_and_then_we_go_on() -> None:
    dispute = over("waiting")
    run_until(TUESDAY + timedelta(days=21), start=TUESDAY)

    dispute.refresh_from_db()
    assert (dispute.status, len(letters("reminded")), len(letters("unanswered"))) == ("open", 1, 1)
    assert Deadline.objects.get().waiting_since is None
    assert "Tuesday 24 November 2026" in letters("reminded")[0].text_body


def test_an_answer_that_nobody_replied_to_closes_the_dispute_and_says_so() -> None:
    dispute = file("silent")
    answering.answer(dispute, "Here it is.", by=staff("sam"), at=TUESDAY)
    run_until(TUESDAY + timedelta(days=13), start=TUESDAY)
    dispute.refresh_from_db()
    assert dispute.status == "answered"
    run_until(TUESDAY + timedelta(days=20), start=TUESDAY + timedelta(days=13))

    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome, len(letters("closed"))) == ("resolved", "silent", 1)
    escalate(dispute, at=TUESDAY + timedelta(days=30))
    dispute.refresh_from_db()
    assert (dispute.stage, dispute.status, dispute.outcome) == ("escalation", "open", "")


def test_a_dispute_whose_owner_does_nothing_goes_back_to_the_queue() -> None:
    dispute = file("idle")
    answering.take_up(dispute, by=staff("sam"), at=FILED + timedelta(hours=1))
    run_until(FILED + timedelta(days=2), start=FILED + timedelta(hours=1))

    assert Case.objects.get().owner is None
    assert OutgoingMail.objects.filter(name="cases/returned").count() == 1


def test_nobody_is_reminded_outside_of_business_hours() -> None:
    over("waiting")
    sunday = datetime(2026, 12, 20, 12, 0, tzinfo=LONDON)
    follow_up(at=sunday)

    assert not letters("reminded")
    assert not letters("unanswered")


def test_a_dispute_that_is_erased_is_gone(client: Client) -> None:
    dispute = over("erased")

    assert client.get(track_path(dispute)).status_code == 404
    dispute.refresh_from_db()
    assert (dispute.subject, dispute.description) == ("[erased]", "[erased]")
