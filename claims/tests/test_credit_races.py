"""Two people, and two workers, at the same moment: one decision, one credit."""

import pytest

from claims.credits import send_credits
from claims.deciding import DecisionError, approve, propose
from claims.models import Approval, Claim, CreditEntry, Proposal
from claims.tests.make import NOW
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError, StaleStateError
from testing.inner_stripe import InnerStripe
from testing.stripe_facts import BalanceTransactionFacts
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def claim(inner: InnerStripe) -> Claim:
    measure_october(major=45)
    return make_case_in_review(account=make_account(stripe_customer_id=inner.fake.add_billed_customer()))


def outcomes(proposal: Proposal, people: list[Actor]) -> list[str]:
    """What each of them is told who approve at the same moment."""

    def press(number: int) -> str:
        try:
            return "booked" if approve(Proposal.objects.get(pk=proposal.pk), by=people[number], at=NOW) else "noted"
        except (StaleStateError, DecisionError) as refusal:
            return type(refusal).__name__

    return sorted(together(len(people), press))


def test_of_four_who_approve_at_once_one_books(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW)

    assert outcomes(proposal, [staff(f"finn{n}") for n in range(4)]) == ["StaleStateError"] * 3 + ["booked"]
    assert (CreditEntry.objects.count(), Approval.objects.count()) == (1, 1)


def test_of_four_where_it_takes_two_exactly_two_count(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW, amount_cents=500)

    told = outcomes(proposal, [staff(f"finn{n}") for n in range(4)])

    assert told == ["StaleStateError", "StaleStateError", "booked", "noted"]
    assert (CreditEntry.objects.count(), Approval.objects.count()) == (1, 2)


def test_one_person_in_four_windows_approves_once(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW, amount_cents=500)

    assert outcomes(proposal, [staff("finn")] * 4) == ["DecisionError"] * 3 + ["noted"]
    assert (CreditEntry.objects.count(), Approval.objects.count()) == (0, 1)


def test_three_claims_of_one_month_proposed_at_once_share_its_band(claim: Claim) -> None:
    account = claim.case.account
    claims = [claim, *(make_case_in_review(account=account, description=f"Claim {n} of them.") for n in range(2))]
    sam = staff("sam")

    def press(number: int) -> str:
        try:
            return str(propose(claims[number], reason="Down.", by=sam, at=NOW).amount_cents)
        except (StaleStateError, DecisionError, IllegalMoveError) as refusal:
            return type(refusal).__name__

    assert sorted(together(3, press)) == ["990", "DecisionError", "DecisionError"]


def test_four_workers_send_each_credit_once(inner: InnerStripe, claim: Claim) -> None:
    make_granted(claim)
    for number in range(7):
        account = make_account(
            billing_email=f"a{number}@fern.test", stripe_customer_id=inner.fake.add_billed_customer()
        )
        make_granted(make_case_in_review(account=account, email=f"a{number}@fern.test"))

    sent = together(4, lambda number: send_credits(at=NOW))

    assert sum(sent) == 8
    assert len(inner.fake.rows(BalanceTransactionFacts)) == 8
    assert set(CreditEntry.objects.values_list("status", "attempts")) == {("applied", 1)}
    assert not Claim.objects.exclude(status="credited").exists()
