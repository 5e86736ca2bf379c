"""What staff may do on a claim: one table of verbs, each with its words, its form, its call, and when it makes sense."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from claims import answering, credits, deciding
from claims.desk_forms import LookedForm, ProposeForm, ReferenceForm
from claims.models import Claim, ClaimStatus, CreditEntry, CreditStatus, Proposal, ProposalStatus
from levqor.cases import privacy
from levqor.cases.desk_forms import (
    AssignForm,
    DeedForm,
    MessageToCustomerForm,
    NoteForm,
    ReasonToCustomerForm,
    TieForm,
    WordlessForm,
)
from levqor.cases.desk_pages import ERASE, Verb
from levqor.lib.actors import Actor

type Deed = Callable[[Claim, Any, Actor, datetime], object]

WORK: Final = "claims.change_claim"
PROPOSE: Final = "claims.propose_credit"
APPROVE: Final = "claims.approve_credit"
# Of this money the customer has still to be told.
UNDER_WAY: Final = frozenset({ClaimStatus.APPROVED, ClaimStatus.CREDITING, ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN})
UNDECIDED: Final = frozenset({ClaimStatus.RECEIVED, ClaimStatus.IN_REVIEW, ClaimStatus.WAITING, ClaimStatus.PROPOSED})


def pending_proposal(claim: Claim) -> Proposal | None:
    return claim.proposals.filter(status=ProposalStatus.PENDING).first()


def entry_in(claim: Claim, *statuses: CreditStatus) -> CreditEntry | None:
    """The newest entry of the claim's money that is in one of these states."""
    return claim.credit_entries.filter(status__in=statuses).order_by("-pk").first()


def _status(*statuses: ClaimStatus) -> Callable[[Claim, Actor], bool]:
    return lambda claim, by: claim.status in statuses


def _may_approve(claim: Claim, by: Actor) -> bool:
    proposal = pending_proposal(claim)
    if proposal is None or proposal.proposer_id == by.user_id:
        return False
    return not proposal.approvals.filter(approver_id=by.user_id).exists()


def _has_entry(*statuses: CreditStatus) -> Callable[[Claim, Actor], bool]:
    return lambda claim, by: entry_in(claim, *statuses) is not None


def _on_proposal(call: Callable[..., object]) -> Deed:
    def deed(claim: Claim, form: DeedForm, by: Actor, at: datetime) -> object:
        proposal = pending_proposal(claim)
        if proposal is None:
            raise deciding.DecisionError("There is nothing to approve here any more.")
        return call(proposal, reason=form.said, by=by, at=at)

    return deed


def _on_entry(call: Callable[[CreditEntry, Any, Actor, datetime], object], *statuses: CreditStatus) -> Deed:
    def deed(claim: Claim, form: DeedForm, by: Actor, at: datetime) -> object:
        entry = entry_in(claim, *statuses)
        if entry is None:
            raise deciding.DecisionError("The credit is not in that state any more.")
        return call(entry, form, by, at)

    return deed


def _erase(claim: Claim, form: DeedForm, by: Actor, at: datetime) -> None:
    if claim.status in UNDER_WAY:
        raise deciding.DecisionError("Its credit is under way: wait until the customer has it and was told.")
    privacy.erase_case(claim.case, by=by, at=at, reason=form.said)


VERBS: Final[list[Verb[Claim]]] = [
    Verb(
        "take",
        "Take it up",
        "The claim is yours: it leaves the unassigned, and the customer sees that a person looks at it.",
        "The claim is yours.",
        lambda claim, form, by, at: answering.take_up(claim, by=by, at=at),
        lambda claim, by: claim.status in UNDECIDED and claim.case.owner_id != by.user_id,
        WordlessForm,
    ),
    Verb(
        "propose",
        "Propose a credit",
        "Somebody else has to approve it before any money moves.",
        "The credit is proposed.",
        lambda claim, form, by, at: deciding.propose(
            claim, reason=form.said, amount_cents=form.amount_cents, by=by, at=at
        ),
        lambda claim, by: (
            claim.status in {ClaimStatus.IN_REVIEW, ClaimStatus.DRAFTED} and claim.case.account_id is not None
        ),
        ProposeForm,
        PROPOSE,
    ),
    Verb(
        "approve",
        "Approve",
        "With as many approvals as it takes, the credit goes to the customer’s balance at Stripe, and they are told.",
        "Approved.",
        _on_proposal(deciding.approve),
        _may_approve,
        permission=APPROVE,
        is_grave=True,
    ),
    Verb(
        "send-back",
        "Send back",
        "The proposal is not approved; the claim is in review again.",
        "The proposal is sent back.",
        _on_proposal(deciding.send_back),
        lambda claim, by: pending_proposal(claim) is not None,
        permission=APPROVE,
    ),
    Verb(
        "take-back",
        "Take my proposal back",
        "You proposed it, and nobody has decided: the claim is in review again.",
        "Your proposal is taken back.",
        _on_proposal(deciding.withdraw_proposal),
        lambda claim, by: (found := pending_proposal(claim)) is not None and found.proposer_id == by.user_id,
        permission=PROPOSE,
    ),
    Verb(
        "refuse",
        "Refuse",
        "No credit. The customer reads your reason and may ask for a new decision.",
        "The claim is refused, and the customer is told.",
        lambda claim, form, by, at: answering.refuse(claim, form.said, by=by, at=at),
        _status(ClaimStatus.IN_REVIEW, ClaimStatus.WAITING),
        ReasonToCustomerForm,
        PROPOSE,
        is_grave=True,
        mail="claims/refused",
    ),
    Verb(
        "ask",
        "Ask the customer",
        "For something that the decision needs. Until they write, our clock stands.",
        "The customer is asked.",
        lambda claim, form, by, at: answering.ask_customer(claim, form.said, files=form.attached, by=by, at=at),
        _status(ClaimStatus.IN_REVIEW),
        MessageToCustomerForm,
        mail="claims/asked",
    ),
    Verb(
        "reply",
        "Reply",
        "Answers the customer; nothing else changes.",
        "The reply is given.",
        lambda claim, form, by, at: answering.reply(claim, form.said, files=form.attached, by=by, at=at),
        lambda claim, by: bool(claim.case.email) and claim.status not in answering.UNTOLD,
        MessageToCustomerForm,
        mail="claims/replied",
    ),
    Verb(
        "note",
        "Add a note",
        "For staff alone.",
        "The note is kept.",
        lambda claim, form, by, at: answering.note(claim, form.said, files=form.attached, by=by, at=at),
        lambda claim, by: True,
        NoteForm,
    ),
    Verb(
        "assign",
        "Assign",
        "Gives the claim to somebody else, or back to the queue.",
        "The claim is assigned.",
        lambda claim, form, by, at: answering.hand_over(
            claim,
            to_user_id=form.cleaned_data["owner"].pk if form.cleaned_data["owner"] else None,
            by=by,
            at=at,
            reason=form.said,
        ),
        lambda claim, by: claim.status in UNDECIDED,
        AssignForm,
    ),
    Verb(
        "tie",
        "Tie to an account",
        "Says whose claim it is. Its credit goes to this account.",
        "The claim is tied to the account.",
        lambda claim, form, by, at: answering.tie(claim, form.cleaned_data["account"], by=by, at=at, reason=form.said),
        _status(*answering.UNPROPOSED),
        TieForm,
    ),
    Verb(
        "by-hand",
        "Credited by hand",
        "Records that you gave the credit in another way, so that nobody gives it again.",
        "It is recorded.",
        _on_entry(
            lambda entry, form, by, at: credits.credited_by_hand(
                entry, external_reference=form.cleaned_data["reference"], by=by, at=at
            ),
            CreditStatus.BY_HAND,
        ),
        _has_entry(CreditStatus.BY_HAND),
        ReferenceForm,
        APPROVE,
        is_grave=True,
    ),
    Verb(
        "found",
        "Found at Stripe",
        "Records the balance transaction that is there already, so that it is not sent again.",
        "It is recorded.",
        _on_entry(
            lambda entry, form, by, at: credits.found_at_stripe(
                entry, transaction_id=form.cleaned_data["reference"], by=by, at=at
            ),
            CreditStatus.UNKNOWN,
        ),
        _has_entry(CreditStatus.UNKNOWN),
        ReferenceForm,
        APPROVE,
    ),
    Verb(
        "not-at-stripe",
        "Not at Stripe",
        "Records that you looked at the customer’s balance and it is not there. Then it can be sent again, or be given by "
        "hand. If it does stand there, sending again would give it twice: look closely.",
        "It is recorded: send it again, or give it by hand.",
        _on_entry(
            lambda entry, form, by, at: credits.not_at_stripe(entry, reason=form.said, by=by, at=at),
            CreditStatus.UNKNOWN,
        ),
        _has_entry(CreditStatus.UNKNOWN),
        LookedForm,
        APPROVE,
        is_grave=True,
    ),
    Verb(
        "try-again",
        "Send to Stripe",
        "Sends it to the customer’s balance at Stripe now that what was in the way is mended.",
        "It is on its way.",
        _on_entry(lambda entry, form, by, at: credits.try_again(entry, by=by, at=at), CreditStatus.BY_HAND),
        _has_entry(CreditStatus.BY_HAND),
        permission=APPROVE,
    ),
    Verb(
        "reverse",
        "Reverse",
        "Proposes to take the credit back. Somebody else has to approve it; the customer reads the reason.",
        "The reversal is proposed.",
        lambda claim, form, by, at: deciding.propose_reversal(claim, reason=form.said, by=by, at=at),
        lambda claim, by: claim.status == ClaimStatus.CREDITED and pending_proposal(claim) is None,
        ReasonToCustomerForm,
        APPROVE,
        is_grave=True,
    ),
    Verb(
        "erase",
        "Erase the person",
        "Takes the person’s data out of this closed claim for good: name, address, words, files, mails. Reference, month, "
        "decisions and money stay.",
        "The person’s data is erased.",
        _erase,
        lambda claim, by: bool(claim.case.closed_at) and not claim.case.erased_at and claim.status not in UNDER_WAY,
        permission=ERASE,
        is_grave=True,
    ),
]
