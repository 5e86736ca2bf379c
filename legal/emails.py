"""The mails of an order: the copy of what was accepted, to the customer, and the note to support."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from legal import receipts
from legal.models import Acceptance, BuyerKind, DocumentVersion
from legal.variables import in_words
from levqor.lib.money import format_price
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import Attachment, about, send

# Consumer Contracts (Information, Cancellation and Additional Charges) Regulations 2013, regs 29 and 30: the period ends at
# the end of the 14th day after the day on which the contract was made.
CANCELLATION = timedelta(days=14)


def cancel_until(acceptance: Acceptance) -> str:
    """The last day on which a consumer may cancel without giving a reason."""
    return in_words(timezone.localdate(acceptance.accepted_at) + CANCELLATION)


def accepted(
    acceptance: Acceptance, versions: Sequence[DocumentVersion], *, link: str, key: str, at: datetime
) -> OutgoingMail:
    """The confirmation on a durable medium, as the law asks: the receipt and every document that binds, attached."""
    documents = [
        {
            "title": version.title,
            "number": version.number,
            "url": settings.SITE_URL + reverse("legal:version", args=[version.document.slug, version.number]),
            "sha256": version.sha256,
        }
        for version in versions
    ]
    verify_url = f"{settings.SITE_URL}{reverse('legal:verify')}?reference={acceptance.reference}"
    context = _order(acceptance) | {"documents": documents, "verify_url": verify_url, "receipt_url": link}
    return send(
        "legal/accepted",
        acceptance.email,
        context,
        key=key,
        at=at,
        about=about(acceptance),
        attachments=[
            Attachment(f"receipt-{acceptance.reference}.pdf", "application/pdf", bytes(acceptance.receipt_pdf)),
            Attachment(f"receipt-{acceptance.reference}.json", "application/json", receipts.as_file(acceptance)),
            *(_pdf(version) for version in versions),
        ],
    )


def order_received(acceptance: Acceptance, *, at: datetime) -> OutgoingMail:
    """Tells support what to do, and when work may start."""
    url = settings.SITE_URL + reverse("admin:legal_acceptance_change", args=[acceptance.pk])
    key = f"acceptance:{acceptance.pk}:support"
    context = _order(acceptance) | {"admin_url": url}
    return send("legal/order_received", settings.SUPPORT_EMAIL, context, key=key, at=at, about=about(acceptance))


def _order(acceptance: Acceptance) -> dict[str, Any]:
    return {
        "reference": acceptance.reference,
        "name": acceptance.full_name,
        "email": acceptance.email,
        "company": acceptance.company,
        "package": acceptance.package_name,
        "price": format_price(acceptance.price_cents, acceptance.currency),
        "accepted_at": acceptance.accepted_at,
        "is_consumer": acceptance.kind == BuyerKind.CONSUMER,
        "wants_early_start": acceptance.wants_early_start,
        "cancel_until": cancel_until(acceptance),
        "sentence": acceptance.sentence,
        "boxes": [box["words"] for box in acceptance.declarations if box["ticked"]],
        "button": acceptance.button,
    }


def _pdf(version: DocumentVersion) -> Attachment:
    name = f"levqor-{version.document.slug}-v{version.number}.pdf"
    return Attachment(name, "application/pdf", bytes(version.pdf.content))


def was_sent(key: str) -> bool:
    return OutgoingMail.objects.filter(key=key).exists()
