"""What claims bring to the back office."""

from collections.abc import Iterable

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from claims.models import Claim, ClaimStatus
from levqor.guard.references import parse_reference
from levqor.lib.desk import SHOWN, Entry, Figure, Figures, Finder, Hit, Part, Search, register


def _figures() -> list[Figure]:
    url = reverse("admin:claims_claim_changelist")
    late = Q(
        case__deadlines__ended_at=None, case__deadlines__waiting_since=None, case__deadlines__due_at__lt=timezone.now()
    )
    counts = (
        Claim.objects.filter(case__closed_at=None)
        .exclude(status=ClaimStatus.DRAFTED)
        .aggregate(
            all=Count("pk"),
            unowned=Count("pk", filter=Q(case__owner=None)),
            late=Count("pk", filter=late),
            proposed=Count("pk", filter=Q(status=ClaimStatus.PROPOSED)),
        )
    )
    stuck = Claim.objects.filter(status__in=[ClaimStatus.BY_HAND, ClaimStatus.UNKNOWN]).count()
    return [
        Figure(counts["all"], "to decide", url),
        Figure(counts["unowned"], "unassigned", f"{url}?owner=nobody"),
        Figure(counts["late"], "overdue", f"{url}?state=overdue", is_bad=counts["late"] > 0),
        Figure(counts["proposed"], "to approve", f"{url}?state={ClaimStatus.PROPOSED}"),
        Figure(stuck, "by hand or unknown", f"{url}?state=stuck", is_bad=stuck > 0),
    ]


def _find(search: Search) -> Iterable[Hit]:
    fits = (
        Q(case__account__in=search.account_ids)
        | Q(case__reference=parse_reference(search.words))
        | Q(case__email=search.words.lower())
    )
    claims = Claim.objects.filter(fits).select_related("case").order_by("-pk")
    for claim in claims[: SHOWN + 1]:
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
