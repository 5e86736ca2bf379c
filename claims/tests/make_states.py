"""One claim in each state, with the rows that such a claim has: its promise, its decision, its money."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from claims.deciding import entitlement
from claims.models import Approval, Claim, ClaimStatus, CreditEntry, Proposal
from claims.tests.make import NOW
from claims.tests.make_money import make_account, measure_october, staff
from levqor.accounts.models import User
from levqor.cases.models import Case, Source
from levqor.cases.models.deadline import close_case, promise
from levqor.guard.references import Series, next_reference
from testing.inner_stripe import InnerStripe

STATES: Final = {
    "dr": "drafted",
    "di": "dismissed",
    "rc": "received",
    "rv": "in_review",
    "wt": "waiting",
    "pr": "proposed",
    "ap": "approved",
    "cr": "crediting",
    "bh": "by_hand",
    "un": "unknown",
    "cd": "credited",
    "rs": "reversed",
    "rj": "rejected",
    "wd": "withdrawn",
}
OPEN: Final = {"drafted", "received", "in_review", "waiting", "proposed"}
ENTRY_OF: Final = {
    "approved": "pending",
    "crediting": "sending",
    "by_hand": "by_hand",
    "unknown": "unknown",
    "credited": "applied",
    "reversed": "applied",
}
EARLIER: Final = timedelta(hours=1)


@dataclass(frozen=True)
class World:
    claims: dict[str, Claim]
    # One more, to which the others can be joined.
    earlier: Claim


def make_world(inner: InnerStripe) -> World:
    measure_october(major=45)
    earlier = make_claim_in("received", "earlier", inner)
    return World({code: make_claim_in(state, code, inner) for code, state in STATES.items()}, earlier)


def make_claim_in(state: str, name: str, inner: InnerStripe) -> Claim:
    email = f"{name}@fern.test"
    account = make_account(
        name=name, billing_email=email, stripe_customer_id=inner.fake.add_billed_customer(email=email)
    )
    assert account.plan is not None
    at = NOW - EARLIER
    case = Case.objects.create(
        series=Series.SLA_CLAIM,
        reference=next_reference(Series.SLA_CLAIM, at=at),
        source=Source.INCIDENT,
        full_name=name.title(),
        email=email,
        account=account,
        submitted_at=at,
    )
    promise(case, "decision", earliest_days=5, latest_days=7, at=at)
    claim = Claim.objects.create(
        case=case, status=state, plan=account.plan, incident_at=at, month="2026-10-01", description="It was down."
    )
    claim.refresh_from_db()
    if state == "waiting":
        case.deadlines.update(waiting_since=at)
    if state == ClaimStatus.PROPOSED:
        propose(claim, "credit", "pending")
    if state in ENTRY_OF:
        book(claim, "credit", ENTRY_OF[state])
    if state == ClaimStatus.REVERSED:
        book(claim, "reversal", "applied")
    if state not in OPEN:
        close_case(case, at=at)
        case.refresh_from_db()
    return claim


def person(name: str) -> User:
    return User.objects.get(pk=staff(name).user_id or 0)


def propose(claim: Claim, kind: str, status: str) -> Proposal:
    earned = entitlement(claim, at=NOW)
    assert claim.case.account is not None
    return Proposal.objects.create(
        claim=claim,
        kind=kind,
        status=status,
        proposer=person("sam"),
        proposed_at=NOW - EARLIER,
        amount_cents=earned.found.credit_cents,
        currency="gbp",
        reason="We were down.",
        measurement=earned.as_json(claim.case.account.pk),
    )


def book(claim: Claim, kind: str, status: str) -> None:
    """The approved proposal and its entry of the ledger, as deciding and sending leave them."""
    proposal = propose(claim, kind, "approved")
    Approval.objects.create(
        proposal=proposal,
        approver=person("finn"),
        proposer_id=proposal.proposer_id,
        approved_at=NOW - EARLIER,
    )
    at = NOW - EARLIER
    was_sent = status in {"sending", "unknown", "applied"}
    assert claim.case.account is not None
    CreditEntry.objects.create(
        claim=claim,
        proposal=proposal,
        kind=kind,
        status=status,
        amount_cents=proposal.amount_cents,
        currency="gbp",
        stripe_customer_id=claim.case.account.stripe_customer_id or "",
        stripe_transaction_id=f"cbtxn_{claim.pk}{kind}" if status == "applied" else "",
        attempts=int(was_sent),
        first_attempt_at=at if was_sent else None,
        lease_until=at if status == "sending" else None,
        applied_at=at if status == "applied" else None,
        next_attempt_at=at,
        created_at=at,
    )
