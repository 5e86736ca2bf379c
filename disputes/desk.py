"""What disputes bring to the back office."""

from collections.abc import Iterable

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from disputes.models import NEEDS_EVIDENCE, Chargeback, Dispute, DisputeStatus
from levqor.guard.references import parse_reference
from levqor.lib.desk import SHOWN, Entry, Figure, Figures, Finder, Hit, Part, Search, register


def _figures() -> list[Figure]:
    url = reverse("admin:disputes_dispute_changelist")
    late = Q(
        case__deadlines__ended_at=None, case__deadlines__waiting_since=None, case__deadlines__due_at__lt=timezone.now()
    )
    counts = Dispute.objects.filter(status=DisputeStatus.OPEN).aggregate(
        all=Count("pk"),
        unowned=Count("pk", filter=Q(case__owner=None)),
        late=Count("pk", filter=late),
    )
    banks = Chargeback.objects.filter(
        payment__status__in=NEEDS_EVIDENCE, is_answered=False, evidence_due_at__gt=timezone.now()
    ).count()
    return [
        Figure(counts["all"], "to answer", url),
        Figure(counts["unowned"], "unassigned", f"{url}?owner=nobody"),
        Figure(counts["late"], "overdue", f"{url}?state=overdue", is_bad=counts["late"] > 0),
        Figure(
            banks, "chargebacks that want evidence", reverse("admin:disputes_chargeback_changelist"), is_bad=banks > 0
        ),
    ]


def _find(search: Search) -> Iterable[Hit]:
    fits = (
        Q(case__account__in=search.account_ids)
        | Q(case__reference=parse_reference(search.words))
        | Q(case__email=search.words.lower())
    )
    disputes = Dispute.objects.filter(fits).select_related("case").order_by("-pk")
    for dispute in disputes[: SHOWN + 1]:
        detail = f"{dispute.subject}, {dispute.get_stage_display().lower()}, {dispute.get_status_display().lower()}"
        yield Hit(f"Dispute {dispute}", detail, reverse("admin:disputes_dispute_change", args=[dispute.pk]))


register(
    Part(
        "disputes",
        menu=(
            Entry("Cases", "Disputes", "disputes_dispute", "balance"),
            Entry("Cases", "Chargebacks", "disputes_chargeback", "undo"),
        ),
        figures=(Figures("Disputes", "disputes.view_dispute", _figures),),
        finders=(Finder("Disputes", "disputes.view_dispute", _find, is_case=True),),
        roles={"Support": ["view_*", "change_dispute"], "Finance": ["view_*"]},
    )
)
