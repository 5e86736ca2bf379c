"""The receipt of an acceptance: as JSON that a machine can check, and as a PDF for people."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from legal.blocks import Run
from legal.models import Acceptance, BuyerKind, DocumentVersion
from levqor.lib.money import format_price

if TYPE_CHECKING:
    from legal.pdf import Paper

FORMAT = "levqor-acceptance/1"


def canonical(content: Any) -> bytes:
    """The one form over which a receipt's SHA-256 is taken: sorted keys, no blanks, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def content_of(acceptance: Acceptance, versions: Sequence[DocumentVersion]) -> dict[str, Any]:
    """What the receipt states; `versions` with their PDFs, the agreement first."""
    return {
        "format": FORMAT,
        "issued_by": settings.COMPANY_NAME,
        "reference": acceptance.reference,
        "accepted_at": acceptance.accepted_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "accepted_by": {
            "name": acceptance.full_name,
            "email": acceptance.email,
            "company": acceptance.company,
            "as": acceptance.kind,
        },
        "package": {
            "slug": acceptance.package_slug,
            "name": acceptance.package_name,
            "price_cents": acceptance.price_cents,
            "currency": acceptance.currency,
        },
        "sentence": acceptance.sentence,
        "button": acceptance.button,
        "declarations": acceptance.declarations,
        "locale": acceptance.locale,
        "request_id": acceptance.request_id,
        "documents": [_document(version) for version in versions],
    }


def _document(version: DocumentVersion) -> dict[str, Any]:
    slug, number = version.document.slug, version.number
    return {
        "slug": slug,
        "title": version.title,
        "version": number,
        "address": settings.SITE_URL + reverse("legal:version", args=[slug, number]),
        "sha256": version.sha256,
        "pdf_sha256": version.pdf.sha256,
    }


def as_file(acceptance: Acceptance) -> bytes:
    """The JSON file that the customer keeps: the receipt and the SHA-256 of its canonical form."""
    whole = {"receipt": json.loads(acceptance.receipt), "sha256": acceptance.receipt_sha256}
    return json.dumps(whole, indent=2, ensure_ascii=False).encode() + b"\n"


def sha256_of_file(content: bytes) -> str:
    """The receipt code of a JSON receipt as a customer kept it, however it is spaced; empty where it is no receipt."""
    try:
        receipt = json.loads(content)["receipt"]
        return hashlib.sha256(canonical(receipt)).hexdigest()
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def as_pdf(acceptance: Acceptance, versions: Sequence[DocumentVersion]) -> bytes:
    # With its fonts half a second to load, which no process should wait for at its start.
    from legal.pdf import Paper  # noqa: PLC0415

    paper = Paper(
        title=f"Receipt {acceptance.reference}",
        footer=f"Receipt {acceptance.reference}  ·  code {acceptance.receipt_sha256}",
        made_at=acceptance.accepted_at,
    )
    verify = settings.SITE_URL + reverse("legal:verify")
    paper.title_line(f"Receipt {acceptance.reference}")
    paper.paragraph([Run("This is the record of your order. Keep it: it shows what you accepted, and when.")])
    check = [Run("To check it, give its reference or upload this file at "), Run(verify, href=verify)]
    paper.paragraph([*check, Run(". No sign-in is needed, and nothing about you is shown.")])
    paper.facts(facts(acceptance))
    if any(paper.unprintable(value) for _, value in facts(acceptance)):
        exact = (
            "In place of □ stands a character that this file cannot show. The receipt as JSON has it as you wrote it."
        )
        paper.paragraph([Run(exact)])
    paper.title_line("What you declared", size=13.5)
    paper.paragraph([Run(acceptance.sentence)])
    for declaration in acceptance.declarations:
        paper.paragraph([Run(f"{'Ticked' if declaration['ticked'] else 'Not ticked'}: {declaration['words']}")])
    paper.title_line("The documents, and how to recognise them", size=13.5)
    for version in versions:
        _recognised_by(paper, version)
    return paper.as_bytes()


def _recognised_by(paper: "Paper", version: DocumentVersion) -> None:
    address = settings.SITE_URL + reverse("legal:version", args=[version.document.slug, version.number])
    paper.keep_together(22)
    paper.paragraph([Run(f"{version.title}, version {version.number}", is_strong=True)], after=0)
    paper.paragraph([Run(address, href=address)], size=9, after=0)
    paper.paragraph([Run(f"SHA-256 of the text {version.sha256}")], size=7.5, after=0)
    paper.paragraph([Run(f"SHA-256 of the PDF {version.pdf.sha256}")], size=7.5)


def facts(acceptance: Acceptance) -> list[tuple[str, str]]:
    """What was agreed, as names and values: for the receipt's page, its PDF and the mail."""
    moment = timezone.localtime(acceptance.accepted_at)
    rows = [
        ("Reference", acceptance.reference),
        (
            "Accepted",
            f"{moment.day} {moment:%B %Y, %H:%M:%S} {moment:%Z} ({acceptance.accepted_at.astimezone(UTC):%H:%M:%S} UTC)",
        ),
        ("Name", acceptance.full_name),
        ("Email", acceptance.email),
        ("Company", acceptance.company),
        ("Bought as", BuyerKind(acceptance.kind).label.lower()),
        ("Package", acceptance.package_name),
        ("Price", format_price(acceptance.price_cents, acceptance.currency)),
        ("Button pressed", f"“{acceptance.button}”"),
    ]
    return [(name, value) for name, value in rows if value]
