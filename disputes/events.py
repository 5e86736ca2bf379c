from datetime import datetime
from typing import Any

from billing.models import PaymentDispute
from billing.stripe_payments import DisputeFacts
from disputes import chargebacks
from disputes.models import Dispute
from levqor.cases.models import Case
from levqor.cases.privacy import ERASED, erase_reasons
from levqor.lib.events import on


@on("payment.disputed")
def keep_the_chargeback(*, dispute: PaymentDispute, facts: DisputeFacts, at: datetime) -> None:
    chargebacks.keep(dispute, facts, at=at)


@on("case.exported")
def add_the_dispute(*, case: Case, facts: dict[str, Any]) -> None:
    dispute = Dispute.objects.filter(case=case).first()
    if dispute is None:
        return
    facts["dispute"] = {
        "stage": dispute.stage,
        "status": dispute.status,
        "category": dispute.category,
        "subject": dispute.subject,
        "description": dispute.description,
        "desired_resolution": dispute.desired_resolution,
        "ticket_numbers": dispute.ticket_numbers,
        "letters": [
            {"kind": letter.kind, "at": letter.issued_at.isoformat(), "text": letter.body, "sha256": letter.sha256}
            for letter in dispute.letters.order_by("pk").defer("pdf")
        ],
    }


@on("case.erased")
def erase_the_dispute(*, case: Case, at: datetime) -> None:
    """The customer's words go; stages, states and outcome stay."""
    for dispute in Dispute.objects.filter(case=case):
        rows = Dispute.objects.filter(pk=dispute.pk)
        rows.update(subject=ERASED, description=ERASED, desired_resolution="", ticket_numbers=[])
        dispute.letters.update(body=ERASED, pdf=b"")
        erase_reasons(dispute)
