"""The documents that Levqor publishes: their slugs, in the order in which they are listed.

The address of a document is its slug at the root of the site (`/terms`); its versions are at `/legal/<slug>/v/<n>`.
"""

from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "documents"


@dataclass(frozen=True)
class CataloguedDocument:
    """A document as the code knows it; `title` names it where no version is published yet."""

    slug: str
    title: str

    @property
    def path(self) -> str:
        return f"/{self.slug}"

    @property
    def source(self) -> Path:
        """The Markdown file of its first version."""
        return SOURCES / f"{self.slug}.md"


DOCUMENTS = [
    CataloguedDocument("dfy-agreement", "Done-for-you agreement"),
    CataloguedDocument("terms", "Terms of service"),
    CataloguedDocument("privacy", "Privacy notice"),
    CataloguedDocument("refunds", "Refund policy"),
    CataloguedDocument("acceptable-use", "Acceptable use policy"),
    CataloguedDocument("fair-use", "Fair use policy"),
    CataloguedDocument("sla", "Service level agreement"),
    CataloguedDocument("delivery", "Delivery policy"),
    CataloguedDocument("revisions", "Revisions policy"),
    CataloguedDocument("onboarding", "Onboarding guide"),
]
BY_SLUG = {document.slug: document for document in DOCUMENTS}

# What somebody binds themselves to by accepting a done-for-you agreement, the agreement first.
BOUND_BY_ACCEPTANCE = ["dfy-agreement", "terms", "refunds", "privacy", "acceptable-use"]

# What answers before any list of addresses is asked.
ANSWERED_EARLY = {"/health"}
