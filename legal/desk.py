"""What legal brings to the back office: documents and their versions."""

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from legal.models import DocumentVersion, VersionStatus
from legal.models.document import is_overdue
from levqor.lib.desk import Entry, Figure, Figures, Part, register


def _documents() -> list[Figure]:
    url = reverse("admin:legal_documentversion_changelist")
    counts = DocumentVersion.objects.aggregate(
        drafts=Count("pk", filter=Q(status=VersionStatus.DRAFT)),
        announced=Count("pk", filter=Q(status=VersionStatus.SCHEDULED)),
        overdue=Count("pk", filter=is_overdue(at=timezone.now())),
    )
    return [
        Figure(counts["drafts"], "drafts", f"{url}?status__exact={VersionStatus.DRAFT}"),
        Figure(counts["announced"], "announced", f"{url}?status__exact={VersionStatus.SCHEDULED}"),
        Figure(counts["overdue"], "stuck on their day", f"{url}?overdue=yes", is_bad=counts["overdue"] > 0),
    ]


register(
    Part(
        "legal",
        menu=(
            Entry("Legal", "Documents", "legal_document", "gavel"),
            Entry("Legal", "Versions", "legal_documentversion", "history_edu"),
            Entry("Legal", "DFY packages", "legal_dfypackage", "inventory_2"),
            Entry("Legal", "Acceptances", "legal_acceptance", "handshake"),
        ),
        figures=(Figures("Documents", "legal.view_documentversion", _documents),),
        roles={
            "Support": ["view_*", "change_documentversion", "change_acceptance", "delete_acceptanceannex"],
            "Finance": ["view_*", "publish_documentversion"],
            "Legal": ["view_*", "change_documentversion", "publish_documentversion"],
        },
    )
)
