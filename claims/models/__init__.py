from claims.models.claim import Claim, ClaimStatus
from claims.models.decision import (
    Approval,
    CreditEntry,
    CreditStatus,
    DecisionError,
    Proposal,
    ProposalKind,
    ProposalStatus,
)

__all__ = [
    "Approval", "Claim", "ClaimStatus", "CreditEntry", "CreditStatus", "DecisionError", "Proposal",
    "ProposalKind", "ProposalStatus",
]  # fmt: skip
