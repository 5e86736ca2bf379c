"""Whether a receipt or a document is ours, told to anybody without a word about any person."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from legal import receipts
from legal.acceptance import versions_of
from legal.models import Acceptance, DocumentVersion, PublishedPdf
from legal.references import parse_reference
from legal.variables import in_words

CODE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verdict:
    """What was found: `kind` is receipt, document or empty. `is_intact` tells that every text is as it was accepted."""

    kind: str = ""
    accepted_on: str = ""
    documents: list[DocumentVersion] = field(default_factory=list)
    is_intact: bool = True

    @property
    def is_match(self) -> bool:
        return bool(self.kind)

    def as_json(self) -> dict[str, Any]:
        return {
            "match": self.is_match,
            "kind": self.kind,
            "accepted_on": self.accepted_on,
            "documents": [
                {"slug": version.document.slug, "version": version.number, "sha256": version.sha256}
                for version in self.documents
            ],
            "intact": self.is_match and self.is_intact,
        }


def of_text(text: str) -> Verdict:
    """The verdict on a reference, or on a SHA-256 of a receipt, a text or a PDF, as somebody typed or pasted it."""
    reference = parse_reference(text)
    if reference:
        return _of_acceptance(Acceptance.objects.filter(reference=reference).first())
    code = "".join(text.lower().split())
    return _of_digest(code) if CODE.fullmatch(code) else Verdict()


def of_file(content: bytes) -> Verdict:
    """The verdict on a file: a receipt (PDF or JSON), or a document's PDF or text."""
    verdict = _of_digest(hashlib.sha256(content).hexdigest())
    if verdict.is_match:
        return verdict
    code = receipts.sha256_of_file(content)
    return _of_digest(code) if code else Verdict()


def _of_digest(code: str) -> Verdict:
    acceptances = Acceptance.objects.filter(receipt_sha256=code) | Acceptance.objects.filter(receipt_pdf_sha256=code)
    acceptance = acceptances.first()
    if acceptance:
        return _of_acceptance(acceptance)
    pdf = PublishedPdf.objects.filter(sha256=code).defer("content").first()
    version = DocumentVersion.objects.published().filter(sha256=code).first() or (pdf.version if pdf else None)
    return Verdict("document", documents=[version], is_intact=version.is_genuine()) if version else Verdict()


def _of_acceptance(acceptance: Acceptance | None) -> Verdict:
    if acceptance is None:
        return Verdict()
    versions = versions_of(acceptance)
    hashes = dict(acceptance.accepted_documents.values_list("version", "sha256"))
    is_intact = all(hashes[version.pk] == version.sha256 and version.is_genuine() for version in versions)
    return Verdict("receipt", _day(acceptance.accepted_at), versions, is_intact)


def _day(moment: datetime) -> str:
    return in_words(timezone.localdate(moment))
