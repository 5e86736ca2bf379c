"""Claims that nobody moves: reminders, going on without an answer, and the way back to the queue."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from claims import answering
from claims.models import Claim
from claims.progress import progress_of
from claims.tasks import follow_up
from claims.tests.make import NOW, make_claim
from claims.tests.make_money import staff
from levqor.cases.models import Case, Deadline
from levqor.cases.tracking import tracking_token
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db
# Asked on a Wednesday at noon in London: five business days later is the 2nd of December, ten are the 9th.
ANSWER_BY = datetime(2026, 12, 9, 17, 0, tzinfo=UTC)


@pytest.fixture
def claim() -> Claim:
    """In review since NOW, with Sam."""
    claim = make_claim()
    answering.take_up(claim, by=staff("sam"), at=NOW)
    return claim


def ask(claim: Claim) -> None:
    answering.ask_customer(claim, "Which workflow was it?", by=staff("sam"), at=NOW)


def run_until(end: datetime, *, start: datetime = NOW) -> None:
    """As beat does, every hour of every day."""
    at = start
    while at <= end:
        with time_machine.travel(at, tick=False):
            follow_up()
        at += timedelta(hours=1)


def letters(name: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(name=name).order_by("created_at"))


def test_a_customer_who_does_not_answer_is_reminded_once_and_by_day(claim: Claim) -> None:
    ask(claim)
    run_until(ANSWER_BY - timedelta(hours=1))

    (letter,) = letters("claims/reminded")
    assert (letter.to_email, f"{letter.created_at:%a %d %H:%M}") == ("ada@fern.test", "Wed 02 09:00")
    assert "Wednesday 9 December 2026" in letter.text_body
    claim.refresh_from_db()
    assert claim.status == "waiting"


def test_without_an_answer_the_claim_goes_on_and_nothing_is_refused(claim: Claim) -> None:
    ask(claim)
    due = Deadline.objects.get().due_at
    run_until(ANSWER_BY + timedelta(days=1))

    claim.refresh_from_db()
    deadline = Deadline.objects.get()
    assert (claim.status, deadline.waiting_since) == ("in_review", None)
    assert deadline.due_at > due
    (letter,) = letters("claims/unanswered")
    assert (letter.to_email, f"{letter.created_at:%a %d %H}") == ("sam@levqor.test", "Thu 10 09")


def test_the_customer_is_told_beforehand_until_when_we_wait(claim: Claim) -> None:
    ask(claim)

    said = progress_of(claim, Deadline.objects.get(), at=NOW).next
    assert "If we hear nothing by Wednesday 9 December 2026, we decide on what we have." in said
    assert "Wednesday 9 December 2026" in letters("claims/asked")[0].text_body


def test_a_customer_who_answers_is_not_reminded(claim: Claim, client: Client) -> None:
    ask(claim)
    page = f"/sla-credits/track/{tracking_token(claim.case)}"
    with time_machine.travel(NOW, tick=False):
        opened = client.get(page).context["form"].fields["opened"].initial
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        client.post(page, {"body": "The nightly one.", "opened": opened})
    run_until(ANSWER_BY + timedelta(days=1))

    assert (letters("claims/reminded"), letters("claims/unanswered")) == ([], [])


def test_asked_a_second_time_the_customer_is_reminded_a_second_time(claim: Claim) -> None:
    ask(claim)
    run_until(ANSWER_BY + timedelta(days=1))
    claim.refresh_from_db()
    answering.ask_customer(claim, "And when?", by=staff("sam"), at=ANSWER_BY + timedelta(days=1))
    run_until(ANSWER_BY + timedelta(days=9), start=ANSWER_BY + timedelta(days=1))

    assert len(letters("claims/reminded")) == 2


def test_a_claim_whose_owner_does_nothing_for_a_business_day_goes_back_to_the_queue(claim: Claim) -> None:
    run_until(NOW + timedelta(hours=23))
    assert Case.objects.get().owner is not None

    run_until(NOW + timedelta(days=8), start=NOW + timedelta(hours=24))

    assert Case.objects.get().owner is None
    (letter,) = letters("cases/returned")
    assert (letter.to_email, letter.created_at) == ("sam@levqor.test", NOW + timedelta(hours=24))
    claim.refresh_from_db()
    assert claim.status == "in_review"


def test_whoever_does_something_keeps_the_claim(claim: Claim) -> None:
    answering.note(claim, "I wait for the logs.", by=staff("sam"), at=NOW + timedelta(hours=22))
    run_until(NOW + timedelta(hours=45))
    assert Case.objects.get().owner is not None

    run_until(NOW + timedelta(hours=46), start=NOW + timedelta(hours=46))
    assert Case.objects.get().owner is None


def test_nobody_is_idle_over_a_weekend_or_while_the_customer_has_to_answer(claim: Claim) -> None:
    friday = NOW + timedelta(days=2, hours=4)
    answering.note(claim, "On Monday.", by=staff("sam"), at=friday)
    run_until(friday + timedelta(days=2, hours=17), start=friday)
    assert Case.objects.get().owner is not None

    ask(claim)
    run_until(NOW + timedelta(days=8), start=friday)
    assert Case.objects.get().owner is not None
