"""What the database itself refuses, whoever asks: each rule is broken once with SQL."""

import importlib

import pytest
from django.db import DatabaseError, connection, transaction
from pytest_django import Settings

from claims.deciding import approve, propose
from claims.models import Claim, CreditEntry
from claims.models.decision import SECOND_APPROVAL_ABOVE
from claims.tests.make import NOW
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(settings: Settings) -> Claim:
    settings.STRIPE_SECRET_KEY = "sk_test_fake"
    measure_october(major=45)
    return make_case_in_review(account=make_account(stripe_customer_id="cus_fern"))


def refused(sql: str) -> str:
    """What the database says to it; fails where it takes it."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(caught.value)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE claims_approval SET reason = 'x'", "never changed"),
        ("UPDATE claims_approval SET proposer_id = proposer_id", "never changed"),
        ("DELETE FROM claims_approval", "never taken away"),
        *(
            (f"UPDATE claims_proposal SET {change}", "never changes")
            for change in (
                "amount_cents = amount_cents + 1",
                "currency = 'eur'",
                "kind = 'reversal'",
                "claim_id = claim_id + 1",
                "proposer_id = proposer_id + 1",
                "measurement = '{}'",
                "proposed_at = '2026-01-01 00:00:00+00'",
            )
        ),
        ("DELETE FROM claims_proposal", "never taken away"),
        *(
            (f"UPDATE claims_creditentry SET {change}", "never changes")
            for change in (
                "amount_cents = amount_cents + 1",
                "currency = 'eur'",
                "kind = 'reversal'",
                "claim_id = claim_id + 1",
                "proposal_id = proposal_id + 1",
            )
        ),
        ("DELETE FROM claims_creditentry", "never shortened"),
    ],
)
def test_what_was_decided_never_changes(claim: Claim, sql: str, said: str) -> None:
    make_granted(claim)

    assert said in refused(sql)


def test_an_amount_that_follows_does_not_become_one_by_hand(claim: Claim) -> None:
    make_granted(claim)

    assert "never changes" in refused("UPDATE claims_proposal SET is_manual = NOT is_manual")


def test_an_applied_entry_is_final(claim: Claim) -> None:
    entry = make_granted(claim)
    CreditEntry.objects.filter(pk=entry.pk).update(status="applied", applied_at=NOW)

    assert "final" in refused("UPDATE claims_creditentry SET status = 'pending'")


APPROVAL = "INSERT INTO claims_approval (proposal_id, approver_id, proposer_id, approved_at, reason) VALUES "


def test_an_approval_by_the_proposer_is_refused_under_any_name(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW)
    sam, finn = proposal.proposer_id, staff("finn").user_id

    own = refused(f"{APPROVAL} ({proposal.pk}, {sam}, {sam}, '{NOW}', '')")
    disguised = refused(f"{APPROVAL} ({proposal.pk}, {sam}, {finn}, '{NOW}', '')")

    assert "approval_not_by_the_proposer" in own
    assert "names its proposal" in disguised


def test_a_second_approval_by_one_person_is_refused(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW, amount_cents=500)
    approve(proposal, by=staff("finn"), at=NOW)

    said = refused(f"{APPROVAL} ({proposal.pk}, {staff('finn').user_id}, {proposal.proposer_id}, '{NOW}', '')")

    assert "approval_once_by_a_person" in said or "never taken away" in said


ENTRY = (
    "INSERT INTO claims_creditentry (claim_id, proposal_id, kind, status, amount_cents, currency, stripe_customer_id, "
    "stripe_transaction_id, external_reference, attempts, next_attempt_at, error, created_at) SELECT claim_id, id, "
    "kind, 'pending', {amount}, currency, 'cus_fern', '', '', 0, proposed_at, '', proposed_at FROM claims_proposal"
)


def test_no_entry_without_as_many_approvals_as_it_takes(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW, amount_cents=500)
    pending = refused(ENTRY.format(amount=500))
    approve(proposal, by=staff("finn"), at=NOW)
    type(proposal).objects.update(status="approved")

    one_of_two = refused(ENTRY.format(amount=500))

    assert "by as many as it takes" in pending
    assert "by as many as it takes" in one_of_two


def test_no_entry_of_another_amount(claim: Claim) -> None:
    proposal = propose(claim, reason="Down.", by=staff("sam"), at=NOW)
    approve_without_entry(proposal.pk)

    assert "what was approved" in refused(ENTRY.format(amount=991))
    with connection.cursor() as cursor:
        cursor.execute(ENTRY.format(amount=990))
    assert CreditEntry.objects.get().amount_cents == 990


def approve_without_entry(proposal_pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"{APPROVAL} ({proposal_pk}, {staff('finn').user_id}, {staff('sam').user_id}, '{NOW}', '')")
        cursor.execute("UPDATE claims_proposal SET status = 'approved'")


@pytest.mark.parametrize("table", ["claims_approval", "claims_proposal", "claims_creditentry"])
def test_no_row_is_replaced_or_cleared_away(claim: Claim, table: str) -> None:
    make_granted(claim)
    is_sqlite = connection.vendor == "sqlite"

    said = refused(
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        if is_sqlite
        else f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {table} CASCADE"
    )

    assert "never" in said


def test_trigger_and_code_count_by_the_same_number() -> None:
    migration = importlib.import_module("claims.migrations.0002_guard_the_money")

    assert migration.SECOND_APPROVAL_ABOVE == SECOND_APPROVAL_ABOVE
