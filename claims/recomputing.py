"""A decision computed once more, from the inputs that were kept with it and from nothing else."""

from dataclasses import dataclass

from claims.measuring import Measurement
from claims.models import Claim, Proposal, ProposalKind, ProposalStatus
from levqor.accounts.models import SlaTerms
from levqor.lib.money import share_of


@dataclass(frozen=True)
class Recomputation:
    """What was kept, what follows from it today, and the amount that was decided; money in the smallest unit."""

    kept: Measurement
    anew: Measurement
    taken_cents: int
    limit_cents: int
    amount_cents: int
    is_manual: bool

    @property
    def faults(self) -> list[str]:
        """What does not agree, in words; empty where all does."""
        faults = [
            f"{name.replace('_', ' ')}: kept {was}, recomputed {now}"
            for name in ("uptime", "target_percent", "credit_percent", "credit_cents")
            if (was := getattr(self.kept, name)) != (now := getattr(self.anew, name))
        ]
        due = self.limit_cents - self.taken_cents
        if self.amount_cents > due or (not self.is_manual and self.amount_cents != due):
            faults.append(
                f"amount: decided {self.amount_cents}, {'at most ' if self.is_manual else ''}{due} recomputed"
            )
        return faults


def decided_proposal(claim: Claim) -> Proposal | None:
    """The credit that was approved, else the newest that was proposed."""
    proposed = claim.proposals.filter(kind=ProposalKind.CREDIT)
    return proposed.filter(status=ProposalStatus.APPROVED).first() or proposed.order_by("-pk").first()


def recompute(proposal: Proposal) -> Recomputation:
    """Raises SlaTerms.DoesNotExist where the terms that it names are gone."""
    kept = Measurement.from_json(proposal.measurement)
    terms = SlaTerms.objects.prefetch_related("bands").get(version=kept.terms_version)
    anew = kept.recomputed(terms)
    return Recomputation(
        kept=kept,
        anew=anew,
        taken_cents=proposal.measurement["taken_cents"],
        limit_cents=share_of(kept.price_cents, terms.cap_percent) if proposal.is_manual else anew.credit_cents,
        amount_cents=proposal.amount_cents,
        is_manual=proposal.is_manual,
    )
