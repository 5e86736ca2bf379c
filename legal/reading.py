"""What readers see of a document: the version in force by the date, what is announced, and what was before."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString, mark_safe

from legal.catalogue import BY_SLUG, DOCUMENTS, CataloguedDocument
from legal.models import DocumentVersion, VersionStatus


@dataclass(frozen=True)
class Listed:
    """A version in a list, with its status as the date has it."""

    version: DocumentVersion
    status: VersionStatus

    @property
    def label(self) -> str:
        return self.status.label


@dataclass(frozen=True)
class Shelf:
    """All public versions of one document, newest first, without their texts."""

    document: CataloguedDocument
    history: list[Listed]

    @property
    def current(self) -> DocumentVersion | None:
        return next((listed.version for listed in self.history if listed.status == VersionStatus.IN_FORCE), None)

    @property
    def announced(self) -> list[DocumentVersion]:
        """What comes into force later, soonest first."""
        return [listed.version for listed in reversed(self.history) if listed.status == VersionStatus.SCHEDULED]

    def numbered(self, number: int) -> Listed | None:
        return next((listed for listed in self.history if listed.version.number == number), None)

    def before(self, version: DocumentVersion) -> DocumentVersion | None:
        """The version that this one replaced or will replace."""
        earlier = [
            listed.version
            for listed in self.history
            if listed.status != VersionStatus.WITHDRAWN and (listed.version.number or 0) < (version.number or 0)
        ]
        return earlier[0] if earlier else None


def shelf(slug: str, *, at: datetime) -> Shelf | None:
    """The versions of the document; None for a slug that names none."""
    document = BY_SLUG.get(slug)
    if document is None:
        return None
    versions = list(DocumentVersion.objects.published().light().filter(document__slug=slug).select_related("document"))
    return Shelf(document, [Listed(version, _status(version, versions, at=at)) for version in versions])


def _status(version: DocumentVersion, versions: list[DocumentVersion], *, at: datetime) -> VersionStatus:
    """By the date: a task that has not run yet changes nothing for the reader."""
    if version.status == VersionStatus.WITHDRAWN or version.effective_at is None:
        return VersionStatus.WITHDRAWN
    if version.effective_at > at:
        return VersionStatus.SCHEDULED
    later = (
        other.effective_at
        for other in versions
        if other.status != VersionStatus.WITHDRAWN and other.effective_at and other.effective_at > version.effective_at
    )
    return VersionStatus.SUPERSEDED if any(moment <= at for moment in later) else VersionStatus.IN_FORCE


@dataclass(frozen=True)
class ShownText:
    """The published text in its two parts: the head, and all that follows it."""

    head: SafeString
    body: SafeString


def shown(version: DocumentVersion) -> ShownText:
    """The text as it was frozen; it was cleaned of everything that could run before it was published."""
    head, found, body = version.html.partition("</header>\n")
    return ShownText(mark_safe(head + found), mark_safe(body))  # noqa: S308  # see above


def listed_documents(*, at: datetime) -> list[tuple[CataloguedDocument, DocumentVersion | None]]:
    """Every document with its version in force, in the order of the catalogue."""
    versions = DocumentVersion.objects.in_force(at=at).light().select_related("document")
    current = {version.document.slug: version for version in versions}
    return [(document, current.get(document.slug)) for document in DOCUMENTS]
