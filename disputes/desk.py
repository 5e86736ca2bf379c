"""What disputes bring to the back office."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone

from disputes.models import NEEDS_EVIDENCE, Chargeback, Dispute, DisputeStatus
from levqor.cases.desk import found_cases, open_figures
from levqor.lib.desk import Entry, Figure, Figures, Finder, Hit, Part, Search, register


def _figures() -> list[Figure]:
    url = reverse("admin:disputes_dispute_changelist")
    banks = Chargeback.objects.filter(
        payment__status__in=NEEDS_EVIDENCE, is_answered=False, evidence_due_at__gt=timezone.now()
    ).count()
    return [
        *open_figures(Dispute.objects.filter(status=DisputeStatus.OPEN), url, "to answer"),
        Figure(
            banks, "chargebacks that want evidence", reverse("admin:disputes_chargeback_changelist"), is_bad=banks > 0
        ),
    ]


def _find(search: Search) -> Iterable[Hit]:
    for dispute in found_cases(Dispute.objects.all(), search):
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
