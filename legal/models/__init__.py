"""What the legal room keeps."""

from legal.models.acceptance import Acceptance, AcceptanceAnnex, AcceptedDocument, BuyerKind, ReceiptLink
from legal.models.document import (
    NOTICE,
    Document,
    DocumentVersion,
    DraftEdit,
    Origin,
    PublishedPdf,
    VersionStatus,
)
from legal.models.package import DfyPackage

__all__ = [
    "NOTICE",
    "Acceptance",
    "AcceptanceAnnex",
    "AcceptedDocument",
    "BuyerKind",
    "DfyPackage",
    "Document",
    "DocumentVersion",
    "DraftEdit",
    "Origin",
    "PublishedPdf",
    "ReceiptLink",
    "VersionStatus",
]
