"""What is approved is what was on the screen; and a credit that could not help is put before a person."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from claims.credits import credited_by_hand, send_credits, try_again
from claims.deciding import DecisionError, approve, propose, send_back, withdraw_proposal
from claims.models import Claim, CreditEntry, Proposal
from claims.progress import progress_of
from claims.tests.make import NOW
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff
from levqor.accounts.models import Account, Plan
from levqor.cases.models import Case, Source
from levqor.desk.tests.make import make_staff, signed_in
from levqor.mail.models import OutgoingMail
from testing.inner_stripe import InnerStripe
from testing.stripe_facts import BalanceTransactionFacts, SubscriptionFacts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def claim(inner: InnerStripe) -> Claim:
    measure_october(major=50)
    customer = inner.fake.add_billed_customer(email="ada@fern.test")
    return make_case_in_review(account=make_account(stripe_customer_id=customer))


@pytest.fixture
def finance(client: Client) -> Client:
    return signed_in(make_staff("Finance"))


def propose_it(claim: Claim, amount: int | None = None) -> Proposal:
    return propose(claim, reason="We were down.", by=staff("sam"), at=NOW, amount_cents=amount)


def url(claim: Claim, verb: str = "approve") -> str:
    return reverse(f"admin:claims_claim_{verb}", args=[claim.pk])


def seen(client: Client, claim: Claim) -> dict[str, Any]:
    """What the approver's form holds."""
    form = client.get(url(claim)).context["form"]
    return {"revision": form["revision"].value(), "words": "It is right."}


def movements(inner: InnerStripe) -> list[int]:
    return [row.amount for row in inner.fake.rows(BalanceTransactionFacts)]


# What was approved


def test_a_form_of_another_proposal_approves_nothing(claim: Claim, finance: Client) -> None:
    first = propose_it(claim, 495)
    form = seen(finance, claim)
    withdraw_proposal(first, reason="Too little.", by=staff("sam"), at=NOW)
    claim.refresh_from_db()
    propose_it(claim, 4950)

    answer = finance.post(url(claim), form)

    assert "changed since you looked at it" in answer.content.decode()
    assert "£49.50" in answer.content.decode()
    assert not CreditEntry.objects.exists()
    assert not claim.proposals.get(status="pending").approvals.exists()


def fewer_minutes(claim: Claim) -> None:
    measure_october(major=46)


def another_account(claim: Claim) -> None:
    Case.objects.filter(pk=claim.case_id).update(account=make_account(billing_email="bob@fern.test"))


def another_customer(claim: Claim) -> None:
    Account.objects.update(stripe_customer_id="cus_other")


def another_price(claim: Claim) -> None:
    Plan.objects.filter(slug="growth").update(price_cents=9800)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (fewer_minutes, "the seconds of major outage (3000 became 2760) changed. Today the measurement gives £9.90"),
        (another_account, "tied to another account since"),
        (another_customer, "the account’s customer at Stripe changed"),
        (another_price, "its price and the sum changed. Today the measurement gives £9.80"),
    ],
)
def test_what_changed_since_it_was_proposed_is_said_and_approves_nothing(
    claim: Claim, finance: Client, change: Any, said: str
) -> None:
    propose_it(claim)
    form = seen(finance, claim)
    change(claim)

    answer = finance.post(url(claim), form)

    assert said in answer.content.decode()
    assert not CreditEntry.objects.exists()


def test_proposed_anew_it_is_approved_and_paid_once(claim: Claim, inner: InnerStripe) -> None:
    first = propose_it(claim)
    fewer_minutes(claim)
    with pytest.raises(DecisionError, match="Send it back"):
        approve(first, by=staff("finn"), at=NOW)
    send_back(first, reason="Measured anew.", by=staff("finn"), at=NOW)
    claim.refresh_from_db()
    second = propose(claim, reason="Corrected.", by=staff("finn"), at=NOW)
    with pytest.raises(DecisionError, match="You proposed it"):
        approve(second, by=staff("finn"), at=NOW)

    approve(second, by=staff("fay"), at=NOW)
    send_credits(at=NOW)

    assert movements(inner) == [-990]


def test_only_the_proposer_takes_a_proposal_back(claim: Claim) -> None:
    proposal = propose_it(claim)

    with pytest.raises(DecisionError, match="Only whoever proposed it"):
        withdraw_proposal(proposal, reason="No.", by=staff("finn"), at=NOW)
    withdraw_proposal(proposal, reason="A slip.", by=staff("sam"), at=NOW)

    claim.refresh_from_db()
    assert (proposal.status, claim.status) == ("returned", "in_review")


def test_a_batch_approves_the_proposals_that_were_on_the_screen(claim: Claim, finance: Client) -> None:
    Case.objects.update(source=Source.INCIDENT)
    first = propose_it(claim)
    page = reverse("admin:claims_claim_approve_drafts")
    assert f'name="chosen" value="{first.pk}"' in finance.get(page).content.decode()
    withdraw_proposal(first, reason="A slip.", by=staff("sam"), at=NOW)
    claim.refresh_from_db()
    propose_it(claim, 4950)

    answer = finance.post(page, {"chosen": [first.pk], "words": "They are right."})

    assert "proposed anew in the meantime" in answer.content.decode()
    assert not Proposal.objects.get(status="pending").approvals.exists()


# A credit that cannot help


def test_the_approver_sees_that_an_invoice_is_to_come(claim: Claim, finance: Client) -> None:
    propose_it(claim)

    assert "in GBP, and an invoice is to come" in finance.get(url(claim)).content.decode()


def cancelled(inner: InnerStripe) -> str:
    subscription = inner.fake.rows(SubscriptionFacts)[0].id
    inner.fake.cancel_subscription(subscription)
    return "No subscription of the customer is to be invoiced again"


def ending(inner: InnerStripe) -> str:
    inner.fake.update_subscription(inner.fake.rows(SubscriptionFacts)[0].id, cancel_at_period_end=True)
    return "No subscription of the customer is to be invoiced again"


def in_euros(inner: InnerStripe) -> str:
    customer = inner.fake.rows(SubscriptionFacts)[0].customer
    inner.fake.update_customer(customer, currency="eur")
    return "Stripe bills the customer in EUR and takes no credit in GBP"


@pytest.mark.parametrize("trouble", [cancelled, ending, in_euros])
def test_a_credit_that_cannot_help_is_warned_of_and_left_to_a_person(
    claim: Claim, inner: InnerStripe, finance: Client, trouble: Any
) -> None:
    said = trouble(inner)
    proposal = propose_it(claim)
    assert said in finance.get(url(claim)).content.decode()
    entry = approve(proposal, by=staff("finn"), at=NOW)
    assert entry is not None

    send_credits(at=NOW)
    send_credits(at=NOW + timedelta(days=1))

    entry.refresh_from_db()
    claim.refresh_from_db()
    assert (entry.status, claim.status, movements(inner)) == ("by_hand", "by_hand", [])
    assert said in entry.error
    assert not OutgoingMail.objects.filter(name="claims/credited").exists()
    assert "next invoice" not in OutgoingMail.objects.get(name="claims/approved").text_body


def test_paid_out_another_way_it_counts_once(claim: Claim, inner: InnerStripe) -> None:
    cancelled(inner)
    entry = make_granted(claim)
    send_credits(at=NOW)
    entry.refresh_from_db()

    credited_by_hand(entry, external_reference="Bank transfer {7}", by=staff("fay"), at=NOW)

    claim.refresh_from_db()
    assert (entry.status, movements(inner)) == ("applied", [])
    assert progress_of(claim, None, at=NOW).next == "You find it here: Bank transfer {7}"


def test_a_person_may_send_it_to_the_balance_all_the_same(claim: Claim, inner: InnerStripe) -> None:
    cancelled(inner)
    entry = make_granted(claim)
    send_credits(at=NOW)
    entry.refresh_from_db()

    try_again(entry, by=staff("fay"), at=NOW)
    send_credits(at=NOW)

    claim.refresh_from_db()
    assert (claim.status, movements(inner)) == ("credited", [-990])
    assert "if none is, reply to this mail" in OutgoingMail.objects.get(name="claims/credited").text_body
    assert "if one is to come" in progress_of(claim, None, at=NOW).next


def test_a_refusal_for_good_is_sent_once(claim: Claim, inner: InnerStripe) -> None:
    entry = make_granted(claim)
    inner.fake.fail_next(
        status=400,
        path_prefix=f"/v1/customers/{entry.stripe_customer_id}/balance",
        count=9,
        message="You cannot combine currencies on a single customer.",
    )

    send_credits(at=NOW)
    send_credits(at=NOW + timedelta(days=1))

    posts = [request for request in inner.fake.requests if request.method == "POST"]
    entry.refresh_from_db()
    assert (len(posts), entry.status) == (1, "by_hand")
    assert "cannot combine currencies" in entry.error


def test_where_stripe_cannot_be_asked_first_nothing_counts_as_sent(claim: Claim, inner: InnerStripe) -> None:
    entry = make_granted(claim)
    inner.fake.fail_next(status=500, path_prefix="/v1/subscriptions")
    send_credits(at=NOW)
    entry.refresh_from_db()
    assert (entry.status, entry.first_attempt_at, movements(inner)) == ("pending", None, [])
    cancelled(inner)

    send_credits(at=NOW + timedelta(hours=1))

    entry.refresh_from_db()
    assert (entry.status, movements(inner)) == ("by_hand", [])
