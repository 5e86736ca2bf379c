from datetime import datetime
from typing import Any

from claims.models import Claim
from levqor.cases.models import Case
from levqor.cases.privacy import ERASED, erase_reasons
from levqor.lib.events import on
from levqor.lib.nudge import nudge
from status.models import Incident


@on("incident.resolved")
def draft_its_credits(*, incident: Incident, at: datetime) -> None:
    """The drafts follow from the incident's rows; this only makes them come sooner."""
    nudge("claims.draft_credits")


@on("case.exported")
def add_the_claim(*, case: Case, facts: dict[str, Any]) -> None:
    claim = Claim.objects.filter(case=case).select_related("plan").first()
    if claim is None:
        return
    facts["claim"] = {
        "status": claim.status,
        "plan": claim.plan.slug,
        "incident_at": claim.incident_at.isoformat(),
        "month": f"{claim.month:%Y-%m}",
        "description": claim.description,
        "credits": [
            {"kind": entry.kind, "amount": entry.amount, "status": entry.status} for entry in claim.credit_entries.all()
        ],
    }


@on("case.erased")
def erase_the_claim(*, case: Case, at: datetime) -> None:
    """The customer's words go; the month, the decisions and the money stay."""
    for claim in Claim.objects.filter(case=case):
        Claim.objects.filter(pk=claim.pk).update(description=ERASED)
        erase_reasons(claim)
