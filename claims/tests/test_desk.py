"""Support works a claim in the back office: by verbs with a reason, told of whoever was quicker."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from claims.models import Claim
from claims.tests.make import NOW, make_claim
from claims.tests.make_money import OCTOBER, measure_october
from levqor.accounts.models import Account, Plan, User
from levqor.cases.models import CannedReply, Case, CaseMessage, Deadline
from levqor.cases.tracking import tracking_token
from levqor.cases.warnings import warn_of_deadlines
from levqor.desk.tests.make import make_staff, signed_in
from levqor.lib.business_time import add_business_seconds
from levqor.mail.models import OutgoingMail
from status.models import StateInterval
from status.tests.make import make_maintenance

pytestmark = pytest.mark.django_db
QUEUE = "/admin/claims/claim/"


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def support(db: None) -> Client:
    return signed_in(make_staff("Support"))


def act(client: Client, claim: Claim, verb: str, words: str = "Because.", **answers: Any) -> Any:
    """Presses the verb's button, having seen the claim as it is now."""
    seen = Case.objects.get(pk=claim.case_id).revision
    data = {"words": words, "revision": seen, **answers}
    return client.post(f"{QUEUE}{claim.pk}/{verb}/", data, follow=True)


def fresh(claim: Claim) -> Claim:
    return Claim.objects.select_related("case__owner").get(pk=claim.pk)


def test_the_queue_shows_what_is_to_decide_by_its_day(
    support: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("ada", "bob", "cy"):
        make_claim(email=f"{name}@fern.test")
    with django_assert_max_num_queries(16):
        page = support.get(QUEUE).content.decode()

    assert page.count("@fern.test") == 3
    assert "Fri 4 Dec" in page


def test_a_claim_is_found_by_its_reference_however_it_is_typed(support: Client) -> None:
    claim = make_claim()

    assert "ada@fern.test" in support.get(QUEUE, {"q": claim.case.reference.lower().replace("-", " ")}).content.decode()


def test_taking_it_up_puts_it_in_review(support: Client) -> None:
    claim = make_claim()

    page = act(support, claim, "take").content.decode()

    assert "The claim is yours." in page
    assert (fresh(claim).status, str(fresh(claim).case.owner)) == ("in_review", "support@levqor.test")


def test_asking_stops_the_clock_until_the_customer_answers(support: Client, client: Client) -> None:
    claim = make_claim()
    act(support, claim, "take")
    act(support, claim, "ask", "Which workflow was it?")

    assert fresh(claim).status == "waiting"
    assert Deadline.objects.get().waiting_since == NOW
    letter = OutgoingMail.objects.get(name="claims/asked")
    assert (letter.to_email, "Which workflow was it?" in letter.text_body) == ("ada@fern.test", True)


def test_refusing_tells_the_customer_why_and_lets_them_ask_again(support: Client, client: Client) -> None:
    claim = make_claim()
    act(support, claim, "take")
    act(support, claim, "refuse", "The month kept its promise.")

    page = client.get(f"/sla-credits/track/{tracking_token(claim.case)}").content.decode()

    assert "Not granted" in page
    assert "The month kept its promise." in page
    assert "Ask for a new decision" in page
    assert OutgoingMail.objects.filter(name="claims/refused").count() == 1
    assert fresh(claim).case.closed_at == NOW


def test_asking_again_opens_the_claim_with_a_new_promise(support: Client, client: Client) -> None:
    claim = make_claim()
    act(support, claim, "take")
    act(support, claim, "refuse", "The month kept its promise.")
    path = f"/sla-credits/track/{tracking_token(claim.case)}"
    opened = client.get(path).context["form"].fields["opened"].initial

    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        client.post(path, {"body": "My records differ.", "again": "yes", "opened": opened})

    assert (fresh(claim).status, fresh(claim).case.closed_at) == ("in_review", None)
    assert f"{Deadline.objects.get(ended_at=None).latest_date}" == "2026-12-11"
    assert OutgoingMail.objects.get(name="claims/asked_again").to_email == "support@levqor.test"


def test_a_note_reaches_nobody_outside(support: Client) -> None:
    claim = make_claim()
    before = OutgoingMail.objects.count()

    act(support, claim, "note", "They pay late.")

    assert OutgoingMail.objects.count() == before
    assert CaseMessage.objects.public().count() == 0


def test_whoever_comes_second_is_told_and_keeps_the_words(support: Client) -> None:
    claim = make_claim()
    seen = Case.objects.get().revision
    act(support, claim, "note", "I look at it.")

    page = act(support, claim, "note", "So do I.", revision=seen).content.decode()

    assert "This claim changed since you looked at it." in page
    assert "I look at it." in page
    assert "So do I." in page
    assert CaseMessage.objects.count() == 1


def test_two_people_on_one_claim_see_each_other(support: Client) -> None:
    claim = make_claim()
    signed_in(make_staff("Finance")).get(f"{QUEUE}{claim.pk}/change/")

    assert (
        "finance@levqor.test</strong> looks at this claim" in support.get(f"{QUEUE}{claim.pk}/change/").content.decode()
    )
    with time_machine.travel(NOW + timedelta(minutes=3), tick=False):
        assert "looks at this claim" not in support.get(f"{QUEUE}{claim.pk}/change/").content.decode()


@pytest.mark.parametrize("named_by", ["pk", "billing_email", "stripe_customer_id"])
def test_a_claim_is_tied_to_an_account_by_a_person(support: Client, named_by: str) -> None:
    claim = make_claim()
    account = Account.objects.create(
        name="Fernhill",
        billing_email="bills@fern.test",
        stripe_customer_id="cus_fern",
        plan=Plan.objects.get(slug="pro"),
    )

    act(support, claim, "tie", "They wrote from there.", account=str(getattr(account, named_by)))

    assert fresh(claim).case.account == account


def test_a_later_claim_of_the_same_month_is_joined_when_it_is_tied(support: Client) -> None:
    account = Account.objects.create(name="Fernhill", billing_email="ada@fern.test")
    first = make_claim()
    second = make_claim(email="bob@fern.test")
    act(support, second, "tie", "Same company.", account=str(account.pk))

    assert (first.case.account, fresh(second).joined_to) == (account, first)


@pytest.mark.parametrize("role", ["Finance", "Read-only"])
@pytest.mark.parametrize("verb", ["take", "propose", "refuse", "ask", "reply", "note", "assign", "tie"])
def test_who_may_only_look_can_do_nothing(role: str, verb: str) -> None:
    claim = make_claim()

    assert act(signed_in(make_staff(role)), claim, verb).status_code == 403


@pytest.mark.parametrize("verb", ["approve", "send-back", "by-hand", "found", "not-at-stripe", "try-again", "reverse"])
def test_support_moves_no_money(support: Client, verb: str) -> None:
    claim = make_claim()

    assert act(support, claim, verb).status_code == 403


def test_the_page_tells_maintenance_from_time_without_data(support: Client) -> None:
    measure_october()
    window = make_maintenance(start=OCTOBER, end=OCTOBER + timedelta(hours=2), at=OCTOBER - timedelta(days=3))
    StateInterval.objects.update(started_at=OCTOBER + timedelta(hours=3))

    page = support.get(f"{QUEUE}{make_claim(incidentDate='2026-10-10T12:00:00Z').pk}/change/").content.decode()

    assert window.scheduled_for == OCTOBER
    assert "60 minutes without data" in page
    assert "120 minutes of announced maintenance left out" in page
    assert "Most of the month was not measured" not in page


def test_a_sum_that_follows_from_little_says_so_and_an_unfinished_month_too(support: Client) -> None:
    measure_october()
    StateInterval.objects.update(started_at=OCTOBER + timedelta(days=25))
    thin, unfinished = make_claim(incidentDate="2026-10-10T12:00:00Z"), make_claim()

    assert "Most of the month was not measured" in support.get(f"{QUEUE}{thin.pk}/change/").content.decode()
    page = support.get(f"{QUEUE}{unfinished.pk}/change/").content.decode()
    assert "nothing can be proposed before the month is over" in page


def test_owners_are_warned_once_at_each_level_and_in_business_hours_only(support: Client) -> None:
    claim = make_claim()
    act(support, claim, "take")
    for hours in range(24 * 12):
        at = NOW + timedelta(hours=hours)
        warn_of_deadlines(at=at)

    letters = OutgoingMail.objects.filter(name="cases/deadline").order_by("created_at")
    deadline = Deadline.objects.get()
    assert [letter.to_email.split("@")[0] for letter in letters] == ["support"] * 5
    assert [letter.subject[:4] for letter in letters if letter.to_email == "support@levqor.test"] == [
        "Due ",
        "Due ",
        "Late",
    ]
    assert all(9 <= letter.created_at.hour < 17 and letter.created_at.weekday() < 5 for letter in letters)
    assert letters[0].created_at >= add_business_seconds(NOW, 0.5 * 8 * 3600 * 6.5)
    assert deadline.warned_percent == 100


def test_a_canned_reply_is_filled_in_and_counted(support: Client) -> None:
    claim = make_claim()
    text = CannedReply.objects.create(title="Thanks", body="Dear {name}, about {reference}: by {due}.")

    words = support.get(f"{QUEUE}{claim.pk}/reply/", {"text": text.pk}).context["form"].initial["words"]
    act(support, claim, "reply", words, canned=text.pk)

    assert words == f"Dear Ada Fern, about {claim.case.reference}: by Friday 4 December 2026."
    assert (CaseMessage.objects.get().body, CannedReply.objects.get().use_count) == (words, 1)


@pytest.mark.parametrize("body", ["Dear {firstname}", "Dear {name.email}", "Dear {name", "Dear {}", "Dear {0}"])
def test_a_canned_reply_that_nobody_could_fill_in_is_refused(support: Client, body: str) -> None:
    response = support.post("/admin/cases/cannedreply/add/", {"title": "Thanks", "body": body, "is_active": "on"})

    assert (response.status_code, CannedReply.objects.exists()) == (200, False)


def test_a_mail_is_looked_at_before_it_goes(support: Client) -> None:
    claim = make_claim()
    before = OutgoingMail.objects.count()

    page = act(support, claim, "reply", "We look at it.", preview="yes").content.decode()

    assert "The mail, not sent yet" in page
    assert "/sla-credits/track/" not in page
    assert (OutgoingMail.objects.count(), CaseMessage.objects.count()) == (before, 0)


def in_bulk(client: Client, slug: str, *claims: Claim, **answers: str) -> str:
    chosen = {"action": f"bulk_{slug}", "_selected_action": [claim.pk for claim in claims]}
    return str(client.post(f"{QUEUE}?state=all", chosen | answers).content.decode())


def test_many_are_asked_at_once_with_an_answer_for_each(support: Client) -> None:
    open_one, refused = make_claim(), make_claim(email="bob@fern.test")
    act(support, refused, "take")
    act(support, refused, "refuse", "No.")

    asked = in_bulk(support, "ask", open_one, refused)
    answered = in_bulk(support, "ask", open_one, refused, confirmed="yes", words="When was it?")

    assert "Message to the customers" in asked
    assert [answered.count("The customer is asked."), answered.count("Not done:")] == [1, 1]
    assert [fresh(open_one).status, fresh(refused).status] == ["waiting", "rejected"]


def test_cases_are_shared_out_by_load(support: Client) -> None:
    make_staff_named = User.objects.create_user("kim@levqor.test", is_staff=True, full_name="Kim")
    make_staff_named.groups.add(Group.objects.get(name="Support"))
    claims = [make_claim(email=f"{name}@fern.test") for name in ("ada", "bob", "cy", "di")]

    in_bulk(support, "share_out", *claims, confirmed="yes")

    owners = Case.objects.values_list("owner__email", flat=True)
    assert sorted(owners) == ["kim@levqor.test"] * 2 + ["support@levqor.test"] * 2


def test_only_joined_claims_are_closed_as_duplicates(support: Client) -> None:
    Account.objects.create(name="Fernhill", billing_email="ada@fern.test")
    first, second = make_claim(), make_claim(description="The same month, another day.")

    page = in_bulk(support, "duplicate", first, second, confirmed="yes", words="We join the two.")

    assert "joined to no other claim" in page
    assert [fresh(first).status, fresh(second).status] == ["received", "rejected"]
