"""Deciding about money: one person proposes an amount, others approve it or send it back.

Whoever decides holds the case and then its account until the commit, so that two people, or two claims of one account
and month, are looked at one after the other. That the proposer cannot approve, that nobody approves twice, and that no
credit is booked with too few approvals, the database holds as well.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Sum

from claims import answering, credits, emails
from claims.measuring import Measurement, lost_in, measure, terms_of
from claims.models import Approval, Claim, ClaimStatus, CreditEntry, Proposal, ProposalKind, ProposalStatus
from claims.models.decision import DecisionError as DecisionError
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.cases.conversation import staff_writes
from levqor.cases.models import Case
from levqor.cases.models.deadline import close_case
from levqor.lib.actors import Actor
from levqor.lib.money import format_money, share_of
from levqor.lib.nudge import nudge
from levqor.lib.states import StaleStateError, move


@dataclass(frozen=True)
class Entitlement:
    """What a claim may get: the measured sum, what other claims of the account and month hold of it, and the cap."""

    found: Measurement
    cap_percent: int
    taken_cents: int
    stripe_customer: str

    @property
    def due_cents(self) -> int:
        """What the measurement gives and nobody else has yet."""
        return max(0, self.found.credit_cents - self.taken_cents)

    @property
    def most_cents(self) -> int:
        """What a person may choose at most."""
        return max(0, share_of(self.found.price_cents, self.cap_percent) - self.taken_cents)

    def as_json(self, account_id: int) -> dict[str, Any]:
        """All inputs, to be kept with the proposal; `claims.recomputing` reads them again."""
        own = {
            "account": account_id,
            "cap_percent": self.cap_percent,
            "taken_cents": self.taken_cents,
            "stripe_customer": self.stripe_customer,
        }
        return self.found.as_json() | own


def entitlement(claim: Claim, *, at: datetime) -> Entitlement:
    """The sum by the account's plan, else by the one that the customer named. Raises DecisionError without SLA terms."""
    terms = terms_of(claim.month)
    if terms is None:
        raise DecisionError(f"There was no uptime promise in {claim.month:%B %Y} yet, so there is nothing to credit.")
    found = measure(lost_in(claim.month, at=at), claim.credited_plan, terms)
    account = claim.case.account
    return Entitlement(found, terms.cap_percent, _taken(claim, account), (account and account.stripe_customer_id) or "")


def propose(claim: Claim, *, reason: str, by: Actor, at: datetime, amount_cents: int | None = None) -> Proposal:
    """Proposes the credit that the measurement gives, or another amount up to the cap, which two have to approve.

    Raises DecisionError where there is nothing to credit, IllegalMoveError where the claim is not in review.
    """
    with transaction.atomic():
        fresh, account = _locked(claim)
        move(fresh, ClaimStatus.PROPOSED, by=by, at=at, reason=reason)
        earned = entitlement(fresh, at=at)
        amount = _amount(earned, amount_cents)
        proposal = Proposal.objects.create(
            claim=fresh,
            proposer_id=_person(by),
            proposed_at=at,
            amount_cents=amount,
            currency=earned.found.currency,
            is_manual=amount_cents is not None and amount_cents != earned.due_cents,
            reason=_reason(reason),
            measurement=earned.as_json(account.pk),
        )
        fresh.case.touch()
    claim.refresh_from_db()
    return proposal


def approve(proposal: Proposal, *, by: Actor, at: datetime, reason: str = "") -> CreditEntry | None:
    """One person's yes. The last one that it takes books the credit or reversal and gives its entry; None before that.

    Raises DecisionError where this person may not, StaleStateError where the proposal was settled in the meantime.
    """
    with transaction.atomic():
        fresh = _locked_proposal(proposal)
        _refuse_unless_another(fresh, by)
        _refuse_changed(fresh, at=at)
        Approval.objects.create(
            proposal=fresh, approver_id=_person(by), proposer_id=fresh.proposer_id, approved_at=at, reason=reason
        )
        record("approval.given", fresh, by=by, at=at, reason=reason)
        fresh.claim.case.touch()
        is_enough = fresh.approvals.count() >= fresh.approvals_needed
        entry = _grant(fresh, by=by, at=at, reason=reason) if is_enough else None
    proposal.refresh_from_db()
    return entry


def send_back(proposal: Proposal, *, reason: str, by: Actor, at: datetime) -> None:
    """Not like this: the proposal is over, and a claim that waited for it is in review again."""
    with transaction.atomic():
        fresh = _locked_proposal(proposal)
        fresh.settle(ProposalStatus.RETURNED, by=by, at=at, reason=_reason(reason))
        if fresh.kind == ProposalKind.CREDIT:
            fresh.claim.review(by=by, at=at)
        fresh.claim.case.touch()
    proposal.refresh_from_db()


def withdraw_proposal(proposal: Proposal, *, reason: str, by: Actor, at: datetime) -> None:
    """Whoever proposed it takes it back; raises DecisionError for anybody else."""
    if by.user_id != proposal.proposer_id:
        raise DecisionError("Only whoever proposed it takes it back; others send it back.")
    send_back(proposal, reason=reason, by=by, at=at)


def propose_reversal(claim: Claim, *, reason: str, by: Actor, at: datetime) -> Proposal:
    """Proposes to take a credit back in full. The claim stays credited until the reversal is applied."""
    with transaction.atomic():
        fresh, _ = _locked(claim)
        if fresh.status != ClaimStatus.CREDITED:
            raise DecisionError("Only a credit that the customer has can be taken back.")
        if fresh.proposals.filter(kind=ProposalKind.REVERSAL).exclude(status=ProposalStatus.RETURNED).exists():
            raise DecisionError("Its reversal is proposed or approved already.")
        credit = fresh.credit_entries.get(kind=ProposalKind.CREDIT)
        proposal = Proposal.objects.create(
            claim=fresh,
            kind=ProposalKind.REVERSAL,
            proposer_id=_person(by),
            proposed_at=at,
            amount_cents=credit.amount_cents,
            currency=credit.currency,
            reason=_reason(reason),
            measurement={"reverses": credit.pk},
        )
        record("reversal.proposed", fresh, by=by, at=at, reason=reason)
        fresh.case.touch()
    return proposal


def drop_proposal(claim: Claim, *, by: Actor, at: datetime, reason: str) -> None:
    """Ends what was proposed for a claim that is over; in the caller's transaction."""
    for proposal in claim.proposals.filter(status=ProposalStatus.PENDING):
        proposal.settle(ProposalStatus.RETURNED, by=by, at=at, reason=reason)


# One after the other


def _locked(claim: Claim) -> tuple[Claim, Account]:
    """The claim as it is now, with its case and then its account locked: in this order on every door."""
    case = Case.objects.locked(claim.case_id)
    if case.account_id is None:
        raise DecisionError(
            "Tie the claim to an account first: without one nobody can tell what was credited for the month already."
        )
    account = Account.objects.locked(case.account_id)
    fresh = Claim.objects.select_related("case__account__plan", "case__owner", "plan").get(pk=claim.pk)
    return fresh, account


def _locked_proposal(proposal: Proposal) -> Proposal:
    claim, _ = _locked(proposal.claim)
    fresh = Proposal.objects.get(pk=proposal.pk)
    if fresh.status != ProposalStatus.PENDING:
        raise StaleStateError(f"{fresh} was {fresh.get_status_display().lower()} in the meantime; look at it again.")
    fresh.claim = claim
    return fresh


def _taken(claim: Claim, account: Account | None) -> int:
    """What other claims of the account and month hold. Without an account nobody can tell, and nothing is proposed."""
    if account is None:
        return 0
    others = Proposal.objects.holding(account.pk, claim.month).exclude(claim=claim.pk)
    return int(others.aggregate(sum=Sum("amount_cents"))["sum"] or 0)


# What is refused


def _person(by: Actor) -> int:
    if by.user_id is None:
        raise DecisionError("Only a person decides about money.")
    return by.user_id


def _reason(words: str) -> str:
    if not words.strip():
        raise DecisionError("Give a reason: those who approve read it, and the customer does.")
    return words.strip()


def _amount(earned: Entitlement, by_hand: int | None) -> int:
    found = earned.found
    if not found.is_final:
        raise DecisionError(f"{found.month:%B %Y} has not ended: until then every sum is an estimate.")
    if by_hand is None:
        if not earned.due_cents:
            raise DecisionError(_why_nothing(earned))
        return earned.due_cents
    if by_hand <= 0:
        raise DecisionError("A credit is more than nothing.")
    if by_hand > earned.most_cents:
        most, taken = (format_money(cents, found.currency) for cents in (earned.most_cents, earned.taken_cents))
        beside = f", and other claims for the month hold {taken}" if earned.taken_cents else ""
        raise DecisionError(
            f"At most {most} can be credited: the cap is {earned.cap_percent}% of the month’s price{beside}."
        )
    return by_hand


def _why_nothing(earned: Entitlement) -> str:
    found = earned.found
    month = f"{found.month:%B %Y}"
    if found.uptime is None:
        return f"Nothing was measured in {month}, so no sum follows from it. An amount by hand takes two approvals."
    if not found.is_below_target:
        target = f"{Decimal(found.target_percent).normalize():f}%"
        return (
            f"{found.uptime_in_words} uptime in {month} keeps the {target} that we promise: there is nothing to credit."
        )
    taken = format_money(earned.taken_cents, found.currency)
    return f"Other claims of this account for {month} hold {taken} already, which is all that the month is worth."


def _refuse_unless_another(proposal: Proposal, by: Actor) -> None:
    if by.user_id == proposal.proposer_id:
        raise DecisionError("You proposed it, so somebody else has to approve it.")
    if proposal.approvals.filter(approver=_person(by)).exists():
        raise DecisionError("You approved it already; it takes somebody else’s approval, too.")


def _refuse_changed(proposal: Proposal, *, at: datetime) -> None:
    """An approval is of what was proposed: where an input of it has changed since, somebody proposes it anew."""
    if proposal.kind == ProposalKind.REVERSAL:
        return
    kept, claim = proposal.measurement, proposal.claim
    if kept["account"] != claim.case.account_id:
        raise DecisionError("The claim was tied to another account since. Send it back, so that it is measured again.")
    now = entitlement(claim, at=at)
    if changes := _changes(kept, now.as_json(kept["account"])):
        today = format_money(now.due_cents, now.found.currency)
        raise DecisionError(
            f"Since it was proposed, {changes} changed. Today the measurement gives {today}. "
            "Send it back, so that it is proposed anew."
        )
    limit = now.most_cents if proposal.is_manual else now.due_cents
    if proposal.amount_cents > limit:
        raise DecisionError("Together with other claims for the month that is too much. Send it back.")


INPUTS: Final = {
    "stripe_customer": "the account’s customer at Stripe",
    "month": "the month",
    "plan": "the plan",
    "price_cents": "its price",
    "currency": "its currency",
    "terms_version": "the SLA terms",
    "major_seconds": "the seconds of major outage",
    "partial_seconds": "the seconds of partial outage",
    "measured_seconds": "the seconds that were measured",
    "credit_percent": "the percentage",
    "credit_cents": "the sum",
}


def _changes(kept: dict[str, Any], now: dict[str, Any]) -> str:
    """What decides the sum and is no longer as it was, in words; proposals of before an input was kept lack it."""
    return " and ".join(
        f"{words} ({kept[name] or 'none'} became {now[name] or 'none'})" if name.endswith("seconds") else words
        for name, words in INPUTS.items()
        if name in kept and kept[name] != now[name]
    )


# What follows


def _grant(proposal: Proposal, *, by: Actor, at: datetime, reason: str) -> CreditEntry:
    """Everybody who has to has approved: the ledger gets its row, and the customer hears of a credit."""
    proposal.settle(ProposalStatus.APPROVED, by=by, at=at, reason=reason)
    claim = proposal.claim
    is_credit = proposal.kind == ProposalKind.CREDIT
    if is_credit:
        move(claim, ClaimStatus.APPROVED, by=by, at=at, reason=reason)
        staff_writes(claim.case, proposal.reason, is_public=True, by=Actor("staff", proposal.proposer_id), at=at)
        close_case(claim.case, at=at)
        answering.end_joined(claim, by=by, at=at)
    entry = credits.book(proposal, by=by, at=at)
    if is_credit:
        emails.approved(claim, proposal, entry, at=at)
    nudge(credits.SEND_TASK)
    return entry
