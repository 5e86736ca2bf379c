import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from claims.models import Claim, Proposal
from claims.recomputing import decided_proposal, recompute
from levqor.guard.references import parse_reference
from levqor.lib.money import format_money


class Command(BaseCommand):
    help = "Computes a claim's credit once more from the inputs kept with its decision; exit 1 where they disagree."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference", help="of the claim, such as SLA-2026-000123-K")

    def handle(self, *args: Any, reference: str, **options: Any) -> None:
        claim = Claim.objects.filter(case__reference=parse_reference(reference)).first()
        proposal = decided_proposal(claim) if claim else None
        if claim is None or proposal is None:
            raise CommandError(f"{reference}: " + ("no credit was proposed yet." if claim else "no such claim."))
        faults = self._show(claim, proposal)
        for fault in faults:
            self.stdout.write(f"DISAGREES  {fault}")
        if faults:
            sys.exit(1)
        self.stdout.write("agrees")

    def _show(self, claim: Claim, proposal: Proposal) -> list[str]:
        self.stdout.write(f"{claim}: {proposal.get_status_display().lower()}, {proposal.amount}")
        for name, value in sorted(proposal.measurement.items()):
            self.stdout.write(f"  {name} = {value}")
        found = recompute(proposal)
        anew = found.anew
        price, credit = (format_money(cents, anew.currency) for cents in (anew.price_cents, anew.credit_cents))
        self.stdout.write(
            f"recomputed: uptime {anew.uptime_in_words}, {anew.credit_percent}% of {price} = {credit}"
            + (f", less {format_money(found.taken_cents, anew.currency)}" if found.taken_cents else "")
            + (" (the amount was chosen by hand)" if found.is_manual else "")
        )
        return found.faults
