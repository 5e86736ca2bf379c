"""Months that were measured, claims in review, and the people who decide about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from claims.deciding import approve, propose
from claims.models import Claim, ClaimStatus, CreditEntry
from claims.tests.make import NOW, make_claim
from levqor.accounts.models import Account, Plan, SlaTerms, User
from levqor.lib.actors import Actor
from levqor.lib.actors import staff as actor_of
from status.component_states import ComponentState
from status.models import StateInterval
from status.tests.make import component

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def staff(name: str) -> Actor:
    email = f"{name}@levqor.test"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, is_staff=True)
    return actor_of(user)


def make_promise() -> Plan:
    """The plan and the terms of the first migration; made again where a transactional test emptied the tables."""
    terms, is_new = SlaTerms.objects.get_or_create(
        version=1,
        defaults={"valid_from": "2026-01-01", "target_percent": "99.90", "cap_percent": 50, "claim_days": 30},
    )
    for floor, percent in [("99.00", 10), ("95.00", 25), ("0.00", 50)] if is_new else []:
        terms.bands.create(floor_percent=floor, credit_percent=percent)
    return Plan.objects.get_or_create(slug="growth", defaults={"name": "Growth", "price_cents": 9900})[0]


def measure_october(*, major: int = 0, partial: int = 0) -> None:
    """All of October was watched; so many minutes of it were down."""
    states = [
        (ComponentState.OPERATIONAL, OCTOBER, NOVEMBER),
        (ComponentState.MAJOR, OCTOBER + timedelta(days=9), OCTOBER + timedelta(days=9, minutes=major)),
        (ComponentState.PARTIAL, OCTOBER + timedelta(days=19), OCTOBER + timedelta(days=19, minutes=partial)),
    ]
    StateInterval.objects.all().delete()
    for state, start, end in states:
        if end > start:
            StateInterval.objects.create(
                component=component(), state=state, started_at=start, seen_at=end, is_open=False
            )


def make_account(**changes: Any) -> Account:
    facts = {"name": "Fernhill Bakery", "billing_email": "ada@fern.test", "plan": make_promise()}
    return Account.objects.create(**facts | changes)


def make_case_in_review(*, account: Account | None = None, **changes: Any) -> Claim:
    """A claim for October that somebody looks at, of an account with the claim's address."""
    make_promise()
    claim = make_claim(**{"incidentDate": "2026-10-10T00:10:00Z"} | changes)
    if account:
        claim.case.tie_to(account, by=staff("sam"), at=NOW, reason="Theirs.")
    claim.review(by=staff("sam"), at=NOW)
    return claim


def make_granted(claim: Claim, **changes: Any) -> CreditEntry:
    """Proposed by Sam, approved by as many others as it takes."""
    proposal = propose(claim, reason="We were down.", by=staff("sam"), at=NOW, **changes)
    entries = [approve(proposal, by=staff(f"finn{turn}"), at=NOW) for turn in range(proposal.approvals_needed)]
    entry = entries[-1]
    assert entry is not None
    claim.refresh_from_db()
    assert claim.status in {ClaimStatus.APPROVED, ClaimStatus.BY_HAND}
    return entry
