"""What claims bring to the back office."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from claims.models import Claim, ClaimStatus
from levqor.cases.desk import found_cases, open_figures
from levqor.lib.desk import Entry, Figure, Figures, Finder, Hit, Part, Search, register


def _figures() -> list[Figure]:
    url = reverse("admin:claims_claim_changelist")
    undecided = Claim.objects.filter(case__closed_at=None).exclude(status=ClaimStatus.DRAFTED)
    proposed = Q(status=ClaimStatus.PROPOSED)
    stuck = Claim.objects.filter(status__in=[ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN]).count()
    return [
        *open_figures(undecided, url, "to decide", proposed=proposed),
        Figure(stuck, "by hand or unknown", f"{url}?state=stuck", is_bad=stuck > 0),
    ]


def _find(search: Search) -> Iterable[Hit]:
    for claim in found_cases(Claim.objects.all(), search):
        detail = f"{claim.case.full_name}, {claim.month:%B %Y}, {claim.get_status_display().lower()}"
        yield Hit(f"Claim {claim}", detail, reverse("admin:claims_claim_change", args=[claim.pk]))


register(
    Part(
        "claims",
        menu=(
            Entry("Cases", "SLA claims", "claims_claim", "request_quote"),
            Entry("Cases", "Credits", "claims_creditentry", "savings"),
        ),
        figures=(Figures("SLA claims", "claims.view_claim", _figures),),
        finders=(Finder("SLA claims", "claims.view_claim", _find, is_case=True),),
        roles={
            "Support": ["view_*", "change_claim", "propose_credit"],
            "Finance": ["view_*", "approve_credit"],
        },
    )
)
