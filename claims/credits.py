"""Approved money on its way: one entry for each claim and kind becomes one movement of the customer's balance at Stripe.

An outside effect in three steps: the entry is taken (committed), Stripe is called outside of any transaction with a key
that is the entry's own, the answer is recorded. What a crash left half-way is sent again with the same key. Stripe may
forget a key after 24 hours, so a later attempt first looks among the customer's movements for the one that names the
entry. What can no longer be known goes to a person, and is never sent a second time.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction

from billing import gateway
from billing.stripe_payments import BalanceFacts
from claims import emails
from claims.models import (
    Claim,
    ClaimStatus,
    CreditEntry,
    CreditStatus,
    DecisionError,
    Proposal,
    ProposalKind,
)
from claims.outlook import outlook_of
from levqor.cases.conversation import staff_writes
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.backoff import pause_after
from levqor.lib.nudge import nudge
from levqor.lib.passes import PassClock
from levqor.lib.states import StaleStateError, move

logger = structlog.get_logger(__name__)

SEND_TASK: Final = "claims.send_credits"
# An hour is kept as distance from the edge at which Stripe forgets a key.
KEY_LIFETIME: Final = timedelta(hours=23)
BATCH: Final = 50
TRANSACTION_ID: Final = re.compile(r"cbtxn_\w{1,240}")
# Where the claim stands when its entry comes to stand there. A reversal leaves it credited until it is applied.
CLAIM_FOLLOWS: Final = {
    (ProposalKind.CREDIT, CreditStatus.SENDING): ClaimStatus.CREDITING,
    (ProposalKind.CREDIT, CreditStatus.PENDING): ClaimStatus.CREDITING,
    (ProposalKind.CREDIT, CreditStatus.BY_HAND): ClaimStatus.BY_HAND,
    (ProposalKind.CREDIT, CreditStatus.UNKNOWN): ClaimStatus.UNKNOWN,
    (ProposalKind.CREDIT, CreditStatus.APPLIED): ClaimStatus.CREDITED,
    (ProposalKind.REVERSAL, CreditStatus.APPLIED): ClaimStatus.REVERSED,
}


class _UnclearError(Exception):
    """Stripe's own books do not tell whether the entry was applied."""


class _NotAskedError(gateway.StripeUnavailableError):
    """Stripe could not be asked before the first attempt, so nothing was sent."""


class _NoHelpError(Exception):
    """Nothing was sent: on this balance the credit would help nobody, so a person decides."""


def book(proposal: Proposal, *, by: Actor, at: datetime) -> CreditEntry:
    """Writes the approved proposal into the ledger: to be sent, or by hand where Stripe cannot take it."""
    customer, why_by_hand = _destination(proposal.claim, ProposalKind(proposal.kind))
    entry = CreditEntry.objects.create(
        claim=proposal.claim,
        proposal=proposal,
        kind=proposal.kind,
        amount_cents=proposal.amount_cents,
        currency=proposal.currency,
        stripe_customer_id=customer,
        next_attempt_at=at,
        created_at=at,
    )
    if why_by_hand:
        entry.change(CreditStatus.BY_HAND, by=by, at=at, error=why_by_hand)
        _take_along(entry, by=by, at=at)
        proposal.claim.refresh_from_db(fields=["status"])
    return entry


def send_credits(*, at: datetime) -> int:
    """Sends what is due and returns how many attempts it took; without a key everything waits."""
    if not gateway.is_enabled():
        return 0
    due = CreditEntry.objects.due(at=at).select_related("claim__case")
    return _send_all(list(due[:BATCH]), at=at)


def _send_all(entries: Iterable[CreditEntry], *, at: datetime) -> int:
    taken, clock = 0, PassClock(at)
    for entry in entries:
        # Those before it may have waited for Stripe: a lease counts from when its entry is really taken.
        try:
            taken += send_credit(entry, at=clock.now())
        except Exception:  # a fault of ours: the others do not wait behind it, and its lease runs out
            logger.exception("credit_crashed", entry=entry.pk)
    return taken


def send_credit(entry: CreditEntry, *, at: datetime) -> bool:
    """One attempt from its claim to its record; False where another process has it."""
    with transaction.atomic():
        if not entry.take(at=at):
            return False
        _take_along(entry, by=SYSTEM, at=at)
    try:
        _refuse_without_use(entry, at=at)
        facts = _apply(entry, at=at)
    except _NoHelpError as reason:
        _record(entry, CreditStatus.BY_HAND, at=at, error=str(reason), first_attempt_at=None)
    except gateway.StripeUnavailableError as error:
        begun = None if isinstance(error, _NotAskedError) else entry.first_attempt_at
        again_at = at + pause_after(entry.attempts)
        later = {"next_attempt_at": again_at, "first_attempt_at": begun}
        _record(entry, CreditStatus.PENDING, at=at, error=str(error), **later)
    except _UnclearError as error:
        _record(entry, CreditStatus.UNKNOWN, at=at, error=str(error))
    except (gateway.StripeRefusedError, gateway.StripeUnknownObjectError) as refusal:
        # Nothing moved, and Stripe's books agree: whoever sends it again begins anew.
        _record(entry, CreditStatus.BY_HAND, at=at, error=f"Stripe refused: {refusal}", first_attempt_at=None)
    else:
        _record(entry, CreditStatus.APPLIED, at=at, stripe_transaction_id=facts.id, applied_at=at)
    return True


def _refuse_without_use(entry: CreditEntry, *, at: datetime) -> None:
    """Looks before the first attempt whether an invoice will use the credit up, unless a person sent it all the same.

    Where Stripe does not show that to our key, the movement itself will tell what it refuses.
    """
    if entry.kind != ProposalKind.CREDIT or entry.ordered_at or entry.first_attempt_at != at:
        return
    with suppress(gateway.StripeRefusedError, gateway.StripeUnknownObjectError):
        try:
            outlook = outlook_of(entry.stripe_customer_id, entry.currency)
        except gateway.StripeUnavailableError as error:
            raise _NotAskedError(str(error)) from error
        if outlook.problem:
            raise _NoHelpError(outlook.problem)


def _apply(entry: CreditEntry, *, at: datetime) -> BalanceFacts:
    """The one movement at Stripe: the one that is there, or a new one."""
    first = entry.first_attempt_at or at
    if at - first > KEY_LIFETIME and (found := _look_up(entry)):
        return found
    try:
        facts = gateway.add_balance(
            entry.stripe_customer_id,
            amount_cents=entry.balance_cents,
            currency=entry.currency,
            key=entry.key,
            description=_description(entry),
            metadata=_metadata(entry),
        )
    except (gateway.StripeRefusedError, gateway.StripeUnknownObjectError):
        # This attempt changed nothing, but one before it may have.
        if first < at and (found := _look_up(entry)):
            return found
        raise
    return _checked(entry, facts)


def _look_up(entry: CreditEntry) -> BalanceFacts | None:
    """What Stripe's books hold of the entry; raises _UnclearError where they are closed or contradict it."""
    wanted = _metadata(entry).items()
    try:
        found = [
            facts for facts in gateway.balance_entries(entry.stripe_customer_id) if wanted <= facts.metadata.items()
        ]
    except (gateway.StripeRefusedError, gateway.StripeUnknownObjectError) as error:
        raise _UnclearError(
            f"It was sent, nobody knows whether it arrived, and Stripe shows the balance no more: {error}"
        ) from error
    if len(found) > 1:
        ids = ", ".join(facts.id for facts in found)
        raise _UnclearError(f"Stripe’s balance holds it more than once: {ids}.")
    return _checked(entry, found[0]) if found else None


def _checked(entry: CreditEntry, facts: BalanceFacts) -> BalanceFacts:
    if (facts.amount, facts.currency) != (entry.balance_cents, entry.currency.lower()) or not facts.id:
        raise _UnclearError(f"Stripe’s balance holds {facts.amount} {facts.currency} for it: {facts.id}.")
    return facts


def _metadata(entry: CreditEntry) -> dict[str, str]:
    return {"levqor_reference": entry.claim.case.reference, "levqor_kind": entry.kind}


def _description(entry: CreditEntry) -> str:
    """For the customer's invoice. The same at every attempt, since Stripe refuses a key with other words."""
    what = "SLA credit" if entry.kind == ProposalKind.CREDIT else "SLA credit taken back"
    return f"{what} for {entry.claim.month:%B %Y}, claim {entry.claim.case.reference}"


def _record(entry: CreditEntry, status: CreditStatus, *, at: datetime, **changes: Any) -> None:
    """Writes how the attempt ended; nothing where its lease had run out and another process took it over."""
    changes |= {"error": str(changes.get("error", ""))[:500], "lease_until": None}
    with transaction.atomic():
        if CreditEntry.objects.select_for_update().get(pk=entry.pk).attempts != entry.attempts:
            return
        try:
            entry.change(status, by=SYSTEM, at=at, **changes)
        except StaleStateError:
            return
        _take_along(entry, by=SYSTEM, at=at)
    logger.info("credit_sent", entry=entry.pk, claim=entry.claim_id, kind=entry.kind, status=status.value)


def _take_along(entry: CreditEntry, *, by: Actor, at: datetime) -> None:
    """The claim goes where its entry went, and the customer hears of what was applied; in the caller's transaction."""
    claim = entry.claim
    claim.refresh_from_db(fields=["status"])
    to = CLAIM_FOLLOWS.get((ProposalKind(entry.kind), CreditStatus(entry.status)))
    if to is not None and claim.status != to:
        move(claim, to, by=by, at=at)
    if entry.status != CreditStatus.APPLIED:
        return
    if entry.kind == ProposalKind.CREDIT:
        emails.credited(claim, entry, at=at)
    else:
        proposal = entry.proposal
        staff_writes(claim.case, proposal.reason, is_public=True, by=Actor("staff", proposal.proposer_id), at=at)
        emails.taken_back(claim, entry, at=at)


def _destination(claim: Claim, kind: ProposalKind) -> tuple[str, str]:
    """The customer at Stripe whose balance it concerns, and why it has to be done by hand; empty where it has not."""
    if kind == ProposalKind.REVERSAL:
        credit = claim.credit_entries.get(kind=ProposalKind.CREDIT)
        customer = credit.stripe_customer_id
        if not credit.stripe_transaction_id:
            return customer, f"The credit was given by hand: {credit.external_reference}."[:500]
    else:
        customer = (claim.case.account.stripe_customer_id or "") if claim.case.account else ""
    if not customer:
        return "", "The account has no customer at Stripe."
    return customer, "" if gateway.is_enabled() else "No key for Stripe is set."


# What a person does


def credited_by_hand(entry: CreditEntry, *, external_reference: str, by: Actor, at: datetime) -> None:
    """Records that a person gave the credit, or took it back, in another way."""
    if entry.status == CreditStatus.UNKNOWN:
        raise DecisionError("Nobody knows whether Stripe has it. Look there first, or the customer may get it twice.")
    reference = " ".join(external_reference.split())
    if not reference or len(reference) > 200:
        raise DecisionError("Say in up to 200 characters where it can be found: an invoice, a payment, a credit note.")
    _settle_by_hand(entry, by=by, at=at, external_reference=reference)


def found_at_stripe(entry: CreditEntry, *, transaction_id: str, by: Actor, at: datetime) -> None:
    """Records the movement that a person found among the customer's at Stripe."""
    identifier = transaction_id.strip()
    if not TRANSACTION_ID.fullmatch(identifier):
        raise DecisionError("The id of a balance transaction at Stripe begins with cbtxn_.")
    other = CreditEntry.objects.filter(stripe_transaction_id=identifier).exclude(pk=entry.pk).first()
    if other:
        raise DecisionError(f"That transaction is the {other.get_kind_display().lower()} of {other.claim}.")
    _settle_by_hand(entry, by=by, at=at, stripe_transaction_id=identifier)


def _settle_by_hand(entry: CreditEntry, *, by: Actor, at: datetime, **found: str) -> None:
    with transaction.atomic():
        entry.change(CreditStatus.APPLIED, by=by, at=at, applied_at=at, error="", **found)
        _take_along(entry, by=by, at=at)


def not_at_stripe(entry: CreditEntry, *, reason: str, by: Actor, at: datetime) -> None:
    """Records that a person looked at Stripe and it is not there; from then on it may be given by hand or sent again."""
    if entry.status != CreditStatus.UNKNOWN:
        raise DecisionError("Only of what nobody knows can it be found out.")
    with transaction.atomic():
        move(entry, CreditStatus.BY_HAND, by=by, at=at, reason=reason, error=reason[:500])
        _take_along(entry, by=by, at=at)


def try_again(entry: CreditEntry, *, by: Actor, at: datetime) -> None:
    """Sends what was left to people after all; raises DecisionError where Stripe still cannot take it."""
    claim = Claim.objects.select_related("case__account").get(pk=entry.claim_id)
    customer, why_by_hand = _destination(claim, ProposalKind(entry.kind))
    if why_by_hand:
        raise DecisionError(f"It cannot be sent: {why_by_hand}")
    if entry.first_attempt_at:
        # An attempt of unknown outcome went to this customer, and only there can it be found.
        customer = entry.stripe_customer_id
    with transaction.atomic():
        sent = {"stripe_customer_id": customer, "next_attempt_at": at, "ordered_at": at, "error": ""}
        entry.change(CreditStatus.PENDING, by=by, at=at, **sent)
        _take_along(entry, by=by, at=at)
    nudge(SEND_TASK)
