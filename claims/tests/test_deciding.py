"""From a claim in review to an approved credit: what is proposed, who may approve it, and what follows."""

import pytest
from django.core.management import call_command
from pytest_django import Settings

from claims.customer import withdraw
from claims.deciding import DecisionError, approve, propose, propose_reversal, send_back
from claims.models import Claim, CreditEntry, Proposal
from claims.tests.make import NOW
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff
from levqor.accounts.models import Account, Plan
from levqor.audit.models import AuditEntry
from levqor.cases.models import Deadline
from levqor.lib.actors import SYSTEM
from levqor.lib.states import IllegalMoveError, StaleStateError
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    measure_october(major=45)
    return make_account(stripe_customer_id="cus_fern")


@pytest.fixture
def claim(account: Account) -> Claim:
    return make_case_in_review(account=account)


@pytest.fixture(autouse=True)
def _key(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_fake"


def propose_it(claim: Claim, amount: int | None = None, *, name: str = "sam") -> Proposal:
    return propose(claim, reason="We were down.", by=staff(name), at=NOW, amount_cents=amount)


def test_what_the_measurement_gives_is_proposed_with_all_its_inputs(claim: Claim, account: Account) -> None:
    proposal = propose_it(claim)

    assert (proposal.amount_cents, proposal.currency, proposal.is_manual, claim.status) == (
        990,
        "gbp",
        False,
        "proposed",
    )
    kept = proposal.measurement
    assert (kept["major_seconds"], kept["measured_seconds"], kept["price_cents"]) == (2700, 2_678_400, 9900)
    assert (kept["terms_version"], kept["credit_percent"], kept["account"]) == (1, 10, account.pk)


@pytest.mark.parametrize(
    ("major", "partial", "cents"), [(44, 0, 0), (45, 0, 990), (0, 149, 990), (2232, 0, 2475), (2233, 0, 4950)]
)
def test_the_band_decides(account: Account, major: int, partial: int, cents: int) -> None:
    claim = make_case_in_review(account=account)
    measure_october(major=major, partial=partial)

    if cents:
        assert propose_it(claim).amount_cents == cents
    else:
        with pytest.raises(DecisionError, match=r"99.901% uptime in October 2026 keeps the 99.9%"):
            propose_it(claim)


def test_the_account_s_plan_counts_and_not_the_one_that_was_named(account: Account) -> None:
    claim = make_case_in_review(account=account, plan="business")

    assert propose_it(claim).amount_cents == 990


def test_an_account_without_a_plan_is_judged_by_the_named_one(account: Account) -> None:
    Account.objects.update(plan=None)
    claim = make_case_in_review(account=account, plan="business")

    assert propose_it(claim).amount_cents == 5990


def test_a_month_that_has_not_ended_is_refused(account: Account) -> None:
    claim = make_case_in_review(account=account, incidentDate="2026-11-20T14:00:00Z")

    with pytest.raises(DecisionError, match="November 2026 has not ended"):
        propose_it(claim, 100)


def test_nothing_measured_takes_an_amount_by_hand(claim: Claim) -> None:
    measure_october()
    Plan.objects.update(price_cents=9900)
    with pytest.raises(DecisionError, match=r"keeps the 99.9%"):
        propose_it(claim)

    proposal = propose_it(claim, 100)

    assert (proposal.is_manual, proposal.approvals_needed) == (True, 2)


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "more than nothing"), (-5, "more than nothing"), (4951, "At most £49.50")]
)
def test_an_amount_by_hand_keeps_to_the_cap(claim: Claim, amount: int, said: str) -> None:
    with pytest.raises(DecisionError, match=said):
        propose_it(claim, amount)
    claim.refresh_from_db()
    assert claim.status == "in_review"


def test_the_measured_amount_typed_by_hand_is_no_other_amount(claim: Claim) -> None:
    assert not propose_it(claim, 990).is_manual
    assert propose_it_anew(claim, 991).is_manual


def propose_it_anew(claim: Claim, amount: int) -> Proposal:
    send_back(claim.proposals.get(status="pending"), reason="Too little.", by=staff("finn"), at=NOW)
    claim.refresh_from_db()
    return propose_it(claim, amount)


def test_a_claim_without_an_account_waits_for_one() -> None:
    measure_october(major=45)
    claim = make_case_in_review(email="eve@nowhere.test")

    with pytest.raises(DecisionError, match="Tie the claim to an account first"):
        propose_it(claim)


def test_a_second_claim_for_the_month_gets_what_is_left(account: Account, claim: Claim) -> None:
    second = make_case_in_review(account=account, description="The same day once more.")
    measure_october(major=2233)
    propose_it(claim, 4000)

    assert propose_it(second).amount_cents == 950
    third = make_case_in_review(account=account, description="And a third time.")
    with pytest.raises(DecisionError, match=r"hold £49[.]50 already"):
        propose_it(third)
    with pytest.raises(DecisionError, match=r"At most £0[.]00 can be credited"):
        propose_it(third, 1)


def test_what_was_sent_back_or_withdrawn_is_free_again(account: Account, claim: Claim) -> None:
    second = make_case_in_review(account=account, description="The same day once more.")
    proposal = propose_it(claim)
    with pytest.raises(DecisionError, match=r"hold £9[.]90 already"):
        propose_it(second)

    withdraw(claim, by=SYSTEM, at=NOW)

    proposal.refresh_from_db()
    assert (proposal.status, propose_it(second).amount_cents) == ("returned", 990)


def test_another_person_approves_and_the_ledger_gets_its_row(claim: Claim) -> None:
    entry = make_granted(claim)

    assert (entry.status, entry.amount_cents, entry.stripe_customer_id) == ("pending", 990, "cus_fern")
    assert claim.status == "approved"
    assert Deadline.objects.get().ended_at == NOW
    assert claim.case.messages.public().get().body == "We were down."
    verbs = set(AuditEntry.objects.about(entry.proposal).values_list("verb", flat=True))
    assert verbs == {"approval.given", "status.approved"}


def test_the_customer_can_follow_the_sum(claim: Claim) -> None:
    make_granted(claim)

    letter = OutgoingMail.objects.get(name="claims/approved")
    assert letter.to_email == "ada@fern.test"
    for words in (
        "45.0 minutes",
        "99.899%",
        "we promise 99.9%",
        "10% of £99.00 = £9.90",
        "goes to the balance of your account",
    ):
        assert words in letter.text_body


def test_nobody_approves_what_they_proposed_or_twice(claim: Claim) -> None:
    proposal = propose_it(claim, 2000)
    approve(proposal, by=staff("finn"), at=NOW)

    with pytest.raises(DecisionError, match="You proposed it"):
        approve(proposal, by=staff("sam"), at=NOW)
    with pytest.raises(DecisionError, match="You approved it already"):
        approve(proposal, by=staff("finn"), at=NOW)
    with pytest.raises(DecisionError, match="Only a person"):
        approve(proposal, by=SYSTEM, at=NOW)
    assert (proposal.status, CreditEntry.objects.count()) == ("pending", 0)


@pytest.mark.parametrize(("price", "amount", "needed"), [(250_000, None, 1), (250_010, None, 2), (9900, 500, 2)])
def test_much_money_and_chosen_amounts_take_two(claim: Claim, price: int, amount: int | None, needed: int) -> None:
    Plan.objects.filter(slug="growth").update(price_cents=price)
    proposal = propose_it(claim, amount)

    first = approve(proposal, by=staff("finn"), at=NOW)

    assert (proposal.approvals_needed, first is not None) == (needed, needed == 1)
    if first is None:
        assert approve(proposal, by=staff("fay"), at=NOW) is not None
    assert proposal.status == "approved"


def test_an_approved_proposal_is_approved_no_more(claim: Claim) -> None:
    proposal = propose_it(claim)
    approve(proposal, by=staff("finn"), at=NOW)

    with pytest.raises(StaleStateError):
        approve(proposal, by=staff("fay"), at=NOW)
    with pytest.raises(StaleStateError):
        send_back(proposal, reason="No.", by=staff("fay"), at=NOW)
    assert CreditEntry.objects.count() == 1


def test_a_claim_of_another_account_by_now_is_not_approved(claim: Claim) -> None:
    proposal = propose_it(claim)
    claim.case.tie_to(make_account(billing_email="bob@fern.test"), by=staff("sam"), at=NOW, reason="Bob's.")

    with pytest.raises(DecisionError, match="tied to another account"):
        approve(proposal, by=staff("finn"), at=NOW)


def test_sending_back_needs_a_reason_and_brings_the_claim_back(claim: Claim) -> None:
    proposal = propose_it(claim)
    with pytest.raises(DecisionError, match="Give a reason"):
        send_back(proposal, reason=" ", by=staff("finn"), at=NOW)

    send_back(proposal, reason="Wrong month.", by=staff("finn"), at=NOW)

    claim.refresh_from_db()
    assert (proposal.status, claim.status) == ("returned", "in_review")


@pytest.mark.parametrize("status", ["received", "waiting", "rejected", "withdrawn", "credited"])
def test_only_a_claim_in_review_is_proposed(claim: Claim, status: str) -> None:
    Claim.objects.update(status=status)

    with pytest.raises(IllegalMoveError):
        propose_it(claim)


@pytest.mark.parametrize("missing", ["key", "customer"])
def test_what_stripe_cannot_take_is_left_to_people(claim: Claim, settings: Settings, missing: str) -> None:
    if missing == "key":
        settings.STRIPE_SECRET_KEY = ""
    else:
        Account.objects.update(stripe_customer_id=None)

    entry = make_granted(claim)

    assert (entry.status, claim.status) == ("by_hand", "by_hand")
    assert {"key": "No key", "customer": "no customer"}[missing] in entry.error
    assert "by hand" in OutgoingMail.objects.get(name="claims/approved").text_body


def test_only_a_credited_claim_is_reversed(claim: Claim) -> None:
    make_granted(claim)

    with pytest.raises(DecisionError, match="Only a credit that the customer has"):
        propose_reversal(claim, reason="A mistake.", by=staff("finn0"), at=NOW)


def test_a_kept_decision_is_computed_once_more(claim: Claim, capsys: pytest.CaptureFixture[str]) -> None:
    make_granted(claim)

    call_command("recompute_credit", str(claim).lower().replace("-", " "))

    said = capsys.readouterr().out
    assert "major_seconds = 2700" in said
    assert "recomputed: uptime 99.899%, 10% of £99.00 = £9.90" in said
    assert said.endswith("agrees\n")


def test_a_decision_that_does_not_follow_from_its_inputs_is_found(
    claim: Claim, capsys: pytest.CaptureFixture[str]
) -> None:
    proposal = propose_it(claim)
    wrong = Proposal(
        claim=claim,
        status="returned",
        proposer_id=proposal.proposer_id,
        proposed_at=NOW,
        amount_cents=991,
        currency="gbp",
        reason="x",
        measurement=proposal.measurement | {"credit_cents": 991},
    )
    wrong.save()

    with pytest.raises(SystemExit, match="1"):
        call_command("recompute_credit", str(claim))
    said = capsys.readouterr().out
    assert "credit cents: kept 991, recomputed 990" in said
    assert "amount: decided 991, 990 recomputed" in said
