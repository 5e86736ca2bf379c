"""Sending the ledger to Stripe: the sign, the key, what each failure leads to, and what people do about the rest."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from billing import gateway
from claims.credits import credited_by_hand, found_at_stripe, not_at_stripe, send_credits, try_again
from claims.deciding import approve, propose_reversal
from claims.models import Claim, CreditEntry, DecisionError
from claims.tasks import send_credits as send_credits_task
from claims.tests.make import NOW
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff
from levqor.accounts.models import Account
from levqor.cases.models import Case
from levqor.desk.tests.make import make_staff, signed_in
from levqor.lib.states import IllegalMoveError
from levqor.mail.models import OutgoingMail
from testing.inner_stripe import InnerStripe, KilledError, die
from testing.stripe_facts import BalanceTransactionFacts

pytestmark = pytest.mark.django_db
# Of the customer that the fake makes first, whose id it counts; reading the customer begins with the same.
BALANCES = "/v1/customers/cus_fake00000001/balance_transactions"


@pytest.fixture
def customer(inner: InnerStripe) -> str:
    return inner.fake.add_billed_customer(email="ada@fern.test")


@pytest.fixture
def entry(customer: str) -> CreditEntry:
    measure_october(major=45)
    return make_granted(make_case_in_review(account=make_account(stripe_customer_id=customer)))


def movements(inner: InnerStripe) -> list[BalanceTransactionFacts]:
    return inner.fake.rows(BalanceTransactionFacts)


def later(*, hours: float = 0, minutes: float = 0) -> datetime:
    return NOW + timedelta(hours=hours, minutes=minutes)


def stands(entry: CreditEntry) -> tuple[str, str]:
    entry.refresh_from_db()
    return entry.status, Claim.objects.get(pk=entry.claim_id).status


def mails(name: str) -> int:
    return OutgoingMail.objects.filter(name=f"claims/{name}").count()


def reverse(entry: CreditEntry) -> CreditEntry:
    proposal = propose_reversal(entry.claim, reason="It was counted twice.", by=staff("fay"), at=NOW)
    reversal = approve(proposal, by=staff("finn0"), at=NOW)
    assert reversal is not None
    return reversal


def test_a_credit_makes_the_balance_negative(inner: InnerStripe, entry: CreditEntry, customer: str) -> None:
    send_credits(at=NOW)

    (movement,) = movements(inner)
    assert (movement.amount, movement.currency, inner.fake.customer(customer).balance) == (-990, "gbp", -990)
    assert movement.metadata == {"levqor_reference": str(entry.claim), "levqor_kind": "credit"}
    assert movement.description == f"SLA credit for October 2026, claim {entry.claim}"
    assert inner.fake.requests[-1].headers["idempotency-key"] == f"credit-{entry.claim}-credit"
    assert stands(entry) == ("applied", "credited")
    assert (entry.stripe_transaction_id, entry.applied_at, mails("credited")) == (movement.id, NOW, 1)


def test_a_reversal_is_the_opposite_movement(inner: InnerStripe, entry: CreditEntry, customer: str) -> None:
    send_credits(at=NOW)
    reversal = reverse(entry)
    assert Claim.objects.get().status == "credited"

    send_credits(at=later(minutes=1))

    assert [movement.amount for movement in movements(inner)] == [990, -990]
    assert inner.fake.customer(customer).balance == 0
    assert stands(reversal) == ("applied", "reversed")
    letter = OutgoingMail.objects.get(name="claims/reversed")
    assert "It was counted twice." in letter.text_body
    assert "It was counted twice." in str(entry.claim.case.messages.public().latest("pk").body)


def test_what_is_applied_is_sent_no_more(inner: InnerStripe, entry: CreditEntry) -> None:
    send_credits(at=NOW)

    assert send_credits(at=later(hours=30)) == 0
    assert (len(movements(inner)), mails("credited")) == (1, 1)


def test_without_a_key_everything_waits(inner: InnerStripe, entry: CreditEntry, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    assert send_credits(at=NOW) == 0
    assert stands(entry) == ("pending", "approved")


@pytest.mark.parametrize("fault", ["down", "500", "429", "cut"])
def test_an_unreachable_stripe_is_asked_again_later(inner: InnerStripe, entry: CreditEntry, fault: str) -> None:
    break_it(inner, fault)
    send_credits(at=NOW)
    assert stands(entry) == ("pending", "crediting")
    assert send_credits(at=NOW + timedelta(seconds=29)) == 0
    inner.fake.heal()

    send_credits(at=later(minutes=1))

    assert (stands(entry), len(movements(inner)), mails("credited")) == (("applied", "credited"), 1, 1)


def break_it(inner: InnerStripe, fault: str) -> None:
    if fault == "down":
        inner.fake.down = True
    elif fault == "cut":
        inner.fake.cut_after_effect(path_prefix=BALANCES)
    else:
        inner.fake.fail_next(status=int(fault), path_prefix=BALANCES)


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_kill_half_way_is_taken_up_after_its_lease(inner: InnerStripe, entry: CreditEntry, dies: str) -> None:
    setattr(inner, dies, die)
    with pytest.raises(KilledError):
        send_credits(at=NOW)
    assert stands(entry) == ("sending", "crediting")
    assert send_credits(at=later(minutes=5)) == 0

    send_credits(at=later(minutes=5.1))

    assert (stands(entry), len(movements(inner))) == (("applied", "credited"), 1)


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_500_that_is_replayed_ends_once_its_key_is_forgotten(
    inner: InnerStripe, entry: CreditEntry, after_effect: bool
) -> None:
    inner.fake.break_next(after_effect=after_effect)
    for hours in (0, 1, 22):
        send_credits(at=later(hours=hours))
        assert stands(entry) == ("pending", "crediting")
    inner.fake.prune_keys()

    send_credits(at=later(hours=29))

    assert (stands(entry), len(movements(inner))) == (("applied", "credited"), 1)


def test_after_a_day_it_is_looked_up_over_all_pages(inner: InnerStripe, entry: CreditEntry, customer: str) -> None:
    inner.fake.cut_after_effect(path_prefix=BALANCES)
    send_credits(at=NOW)
    (ours,) = movements(inner)
    inner.fake.prune_keys()
    inner.fake.advance(60)
    for number in range(230):
        others = {"levqor_reference": f"SLA-2025-{number:06d}-X", "levqor_kind": "credit"}
        inner.fake.create(BalanceTransactionFacts, "cbtxn", customer=customer, amount=-990, metadata=others)

    send_credits(at=later(hours=23.1))

    assert (stands(entry), entry.stripe_transaction_id) == (("applied", "credited"), ours.id)
    assert len(movements(inner)) == 231


def test_what_stripe_refuses_is_left_to_people(inner: InnerStripe, entry: CreditEntry) -> None:
    inner.fake.fail_next(
        status=400, type="invalid_request_error", message="You cannot combine currencies.", path_prefix=BALANCES
    )

    send_credits(at=NOW)

    assert stands(entry) == ("by_hand", "by_hand")
    assert "You cannot combine currencies." in entry.error
    assert mails("credited") == 0


def test_a_customer_that_stripe_does_not_know_is_left_to_people(
    inner: InnerStripe, entry: CreditEntry, customer: str
) -> None:
    inner.fake.delete_customer(customer)

    send_credits(at=NOW)

    assert stands(entry) == ("by_hand", "by_hand")


def test_a_customer_gone_after_an_answer_was_lost_is_unknown(
    inner: InnerStripe, entry: CreditEntry, customer: str
) -> None:
    inner.fake.cut_after_effect(path_prefix=BALANCES)
    send_credits(at=NOW)
    inner.fake.prune_keys()
    inner.fake.delete_customer(customer)

    send_credits(at=later(minutes=1))

    assert stands(entry) == ("unknown", "unknown")
    assert "nobody knows" in entry.error
    assert send_credits(at=later(hours=30)) == 0


@pytest.mark.parametrize("amounts", [[-991], [990], [-990, -990]])
def test_books_that_contradict_ours_are_for_a_person(
    inner: InnerStripe, entry: CreditEntry, customer: str, amounts: list[int]
) -> None:
    inner.fake.fail_next(status=500, path_prefix=BALANCES)
    send_credits(at=NOW)
    named = {"levqor_reference": str(entry.claim), "levqor_kind": "credit"}
    for amount in amounts:
        inner.fake.create(BalanceTransactionFacts, "cbtxn", customer=customer, amount=amount, metadata=named)

    send_credits(at=later(hours=24))

    assert (stands(entry), len(movements(inner))) == (("unknown", "unknown"), len(amounts))


def test_a_refusal_that_comes_after_the_effect_finds_it(inner: InnerStripe, entry: CreditEntry) -> None:
    inner.fake.cut_after_effect(path_prefix=BALANCES)
    send_credits(at=NOW)
    inner.fake.fail_next(
        status=400, type="invalid_request_error", message="No more credit today.", path_prefix=BALANCES
    )

    send_credits(at=later(minutes=1))

    assert (stands(entry), len(movements(inner))) == (("applied", "credited"), 1)


def test_a_sender_that_lost_its_lease_records_nothing(
    inner: InnerStripe, entry: CreditEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = gateway.add_balance

    def overtaken(*args: object, **kwargs: object) -> object:
        monkeypatch.setattr(gateway, "add_balance", original)
        send_credits(at=later(minutes=6))
        raise gateway.StripeRefusedError("This comes too late.")

    monkeypatch.setattr(gateway, "add_balance", overtaken)
    send_credits(at=NOW)

    assert stands(entry)[0] == "applied"


def test_by_hand_is_recorded_with_where_to_find_it(inner: InnerStripe, entry: CreditEntry, customer: str) -> None:
    inner.fake.delete_customer(customer)
    send_credits(at=NOW)
    entry.refresh_from_db()
    with pytest.raises(DecisionError, match="where it can be found"):
        credited_by_hand(entry, external_reference="  ", by=staff("finn0"), at=NOW)

    credited_by_hand(entry, external_reference="Credit note CN-7", by=staff("finn0"), at=NOW)

    assert stands(entry) == ("applied", "credited")
    assert "CN-7" in OutgoingMail.objects.get(name="claims/credited").text_body
    reversal = reverse(entry)
    assert (reversal.status, "CN-7" in reversal.error) == ("by_hand", True)


def test_what_is_being_sent_is_not_done_by_hand_meanwhile(entry: CreditEntry) -> None:
    for status in ("pending", "sending"):
        CreditEntry.objects.update(status=status)
        entry.refresh_from_db()
        with pytest.raises(IllegalMoveError):
            credited_by_hand(entry, external_reference="CN-7", by=staff("finn0"), at=NOW)
        with pytest.raises(IllegalMoveError):
            found_at_stripe(entry, transaction_id="cbtxn_7", by=staff("finn0"), at=NOW)


@pytest.fixture
def unknown(inner: InnerStripe, entry: CreditEntry) -> CreditEntry:
    CreditEntry.objects.update(status="unknown", first_attempt_at=NOW, attempts=1)
    Claim.objects.update(status="unknown")
    entry.refresh_from_db()
    return entry


def test_a_person_finds_it_at_stripe(unknown: CreditEntry) -> None:
    with pytest.raises(DecisionError, match="begins with cbtxn_"):
        found_at_stripe(unknown, transaction_id="in_123", by=staff("finn0"), at=NOW)

    found_at_stripe(unknown, transaction_id=" cbtxn_123 ", by=staff("finn0"), at=NOW)

    assert stands(unknown) == ("applied", "credited")
    assert (unknown.stripe_transaction_id, mails("credited")) == ("cbtxn_123", 1)


def test_one_transaction_is_not_found_for_two_claims(unknown: CreditEntry) -> None:
    other = make_granted(
        make_case_in_review(account=make_account(billing_email="bob@fern.test"), email="bob@fern.test")
    )
    CreditEntry.objects.filter(pk=other.pk).update(status="applied", applied_at=NOW, stripe_transaction_id="cbtxn_1")

    with pytest.raises(DecisionError, match="is the credit of SLA-2026"):
        found_at_stripe(unknown, transaction_id="cbtxn_1", by=staff("finn0"), at=NOW)


def test_a_person_looked_and_it_is_not_there(inner: InnerStripe, unknown: CreditEntry, customer: str) -> None:
    with pytest.raises(IllegalMoveError):
        try_again(unknown, by=staff("finn0"), at=NOW)

    not_at_stripe(unknown, reason="No such line in the balance.", by=staff("finn0"), at=NOW)
    assert stands(unknown) == ("by_hand", "by_hand")
    try_again(unknown, by=staff("finn0"), at=NOW)
    assert stands(unknown) == ("pending", "crediting")
    send_credits(at=later(hours=30))

    assert (stands(unknown), inner.fake.customer(customer).balance) == (("applied", "credited"), -990)


def test_what_may_be_at_stripe_is_not_given_by_hand(unknown: CreditEntry) -> None:
    with pytest.raises(DecisionError, match="Look there first"):
        credited_by_hand(unknown, external_reference="CN-7", by=staff("finn0"), at=NOW)

    assert stands(unknown) == ("unknown", "unknown")


def test_finance_says_on_the_claim_s_page_that_it_is_not_there(unknown: CreditEntry) -> None:
    finance = signed_in(make_staff("Finance"))
    page, claim = f"/admin/claims/claim/{unknown.claim_id}/", unknown.claim

    shown = finance.get(f"{page}change/").content.decode()
    wordless = finance.post(f"{page}not-at-stripe/", {"words": " ", "revision": revision(claim)}, follow=True)
    told = finance.post(f"{page}not-at-stripe/", {"words": "No such line.", "revision": revision(claim)}, follow=True)

    for words in (
        unknown.stripe_customer_id,
        "£9.90",
        "levqor_reference",
        str(claim),
        "Found at Stripe",
        "Not at Stripe",
    ):
        assert words in shown
    assert "Credited by hand" not in shown
    assert "Write at least some words." in wordless.content.decode()
    assert "No such line." in told.content.decode()
    assert stands(unknown) == ("by_hand", "by_hand")


def revision(claim: Claim) -> int:
    return Case.objects.get(pk=claim.case_id).revision


def test_trying_again_goes_to_the_account_s_customer_of_now(
    inner: InnerStripe, entry: CreditEntry, customer: str
) -> None:
    inner.fake.delete_customer(customer)
    send_credits(at=NOW)
    entry.refresh_from_db()
    new = inner.fake.add_billed_customer(email="ada@fern.test")
    Account.objects.update(stripe_customer_id=new)

    try_again(entry, by=staff("finn0"), at=NOW)
    send_credits(at=later(minutes=1))

    assert (stands(entry), inner.fake.customer(new).balance) == (("applied", "credited"), -990)


@pytest.mark.parametrize("missing", ["key", "customer"])
def test_trying_again_needs_what_was_missing(entry: CreditEntry, settings: Settings, missing: str) -> None:
    CreditEntry.objects.update(status="by_hand")
    entry.refresh_from_db()
    if missing == "key":
        settings.STRIPE_SECRET_KEY = ""
    else:
        Account.objects.update(stripe_customer_id=None)

    with pytest.raises(DecisionError, match="It cannot be sent"):
        try_again(entry, by=staff("finn0"), at=NOW)


def test_one_broken_entry_holds_up_no_other(
    inner: InnerStripe, entry: CreditEntry, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_granted(make_case_in_review(account=make_account(name="Bob"), email="bob@fern.test"))
    CreditEntry.objects.filter(pk=other.pk).update(status="pending", stripe_customer_id=customer)
    Claim.objects.filter(pk=other.claim_id).update(status="approved")
    # Its claim was moved by hand in the database, so that its own steps are no longer possible.
    Claim.objects.filter(pk=entry.claim_id).update(status="rejected")

    send_credits(at=NOW)

    assert (stands(entry)[0], stands(other)[0]) == ("pending", "applied")


def test_the_task_sends_what_is_due(inner: InnerStripe, entry: CreditEntry) -> None:
    CreditEntry.objects.update(next_attempt_at=NOW - timedelta(days=400))

    send_credits_task()

    assert stands(entry)[0] == "applied"
