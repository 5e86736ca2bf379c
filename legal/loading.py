"""Loading the first texts from `legal/documents/`, once. A file that changes later drafts the next version at most."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.utils import timezone

from legal.catalogue import DOCUMENTS, CataloguedDocument
from legal.examination import examine, read
from legal.models import Document, DocumentVersion, Origin, VersionStatus
from legal.publishing import RefusedError, publish
from levqor.audit.models import record
from levqor.lib.actors import SYSTEM

logger = structlog.get_logger(__name__)

FIRST_NOTE = "First published version."


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `published`, `drafted`, `unchanged`, `held` (with the reasons) or `missing`."""

    slug: str
    result: str
    problems: list[str] = field(default_factory=list)


def load_documents(*, at: datetime, catalogue: list[CataloguedDocument] | None = None) -> list[Outcome]:
    """Publishes each file whose document has no version yet, and drafts a new version from each that changed since."""
    documents = DOCUMENTS if catalogue is None else catalogue
    sources = {document.slug: source for document in documents if (source := _source(document)) is not None}
    companions = {slug: read(source, on=timezone.localdate(at))[0].anchors for slug, source in sources.items()}
    return [
        _load(document.slug, sources[document.slug], companions, at=at)
        if document.slug in sources
        else Outcome(document.slug, "missing")
        for document in documents
    ]


def check_documents(*, at: datetime) -> list[Outcome]:
    """What is wrong with the files as they are, as if all were published together; writes nothing."""
    day = timezone.localdate(at)
    sources = {document.slug: source for document in DOCUMENTS if (source := _source(document)) is not None}
    companions = {slug: read(source, on=day)[0].anchors for slug, source in sources.items()}
    outcomes = []
    for document in DOCUMENTS:
        if document.slug not in sources:
            outcomes.append(Outcome(document.slug, "missing"))
            continue
        examination = examine(document.slug, sources[document.slug], on=day, at=at, companions=companions)
        outcomes.append(Outcome(document.slug, "held" if examination.problems else "publishable", examination.problems))
    return outcomes


def _source(document: CataloguedDocument) -> str | None:
    return document.source.read_text(encoding="utf-8") if document.source.exists() else None


def _load(slug: str, source: str, companions: dict[str, set[str]], *, at: datetime) -> Outcome:
    digest = hashlib.sha256(source.encode()).hexdigest()
    document, _ = Document.objects.get_or_create(slug=slug)
    is_known = document.file_sha256 == digest
    newest = document.versions.published().first()
    if newest and (is_known or newest.source == source):
        result = Outcome(slug, "unchanged")
    elif newest:
        result = _draft(document, source, at=at)
    else:
        result = _publish_first(document, source, companions, at=at)
    # What staff's own draft holds up is looked at again once that is gone.
    if not is_known and result.result != "held":
        Document.objects.filter(pk=document.pk).update(file_sha256=digest)
    return result


def _publish_first(document: Document, source: str, companions: dict[str, set[str]], *, at: datetime) -> Outcome:
    draft = _open_file_draft(document, source, at=at)
    if draft is None:
        return Outcome(document.slug, "held", ["Staff are writing in its draft."])
    try:
        publish(draft, by=None, at=at, reason=FIRST_NOTE, companions=companions)
    except RefusedError as refusal:
        logger.warning("document_not_published", slug=document.slug, problems=refusal.reasons)
        return Outcome(document.slug, "held", refusal.reasons)
    return Outcome(document.slug, "published")


def _draft(document: Document, source: str, *, at: datetime) -> Outcome:
    draft = _open_file_draft(document, source, at=at)
    return Outcome(document.slug, "drafted") if draft else Outcome(document.slug, "held", ["Another draft is open."])


def _open_file_draft(document: Document, source: str, *, at: datetime) -> DocumentVersion | None:
    """The draft that holds the file's words; None where people have a draft of their own, which is left alone."""
    with transaction.atomic():
        Document.objects.locked(document.pk)
        draft = document.versions.filter(status=VersionStatus.DRAFT).first()
        if draft is None:
            draft = DocumentVersion.objects.create(
                document=document, source=source, origin=Origin.FILE, created_at=at, changed_at=at
            )
            record("drafted", draft, by=SYSTEM, at=at, changes={"origin": Origin.FILE.value})
            return draft
        if draft.origin != Origin.FILE or draft.draft_edits.exists():
            return None
        if draft.source != source:
            # Counted like every edit: who read the words before this neither overwrites nor publishes these unseen.
            changes = {"source": source, "changed_at": at, "edit_count": F("edit_count") + 1}
            DocumentVersion.objects.filter(pk=draft.pk).update(**changes)
            draft.refresh_from_db()
        return draft


def load_after_migrate(using: str = "default", **kwargs: Any) -> None:
    """Connected to post_migrate, which tests also send when they empty the tables; then there is no `plan`."""
    if "plan" not in kwargs or _is_behind(using):
        return
    for outcome in load_documents(at=timezone.now()):
        if outcome.result == "held":
            logger.warning("document_held", slug=outcome.slug, problems=outcome.problems)


def _is_behind(using: str) -> bool:
    """True where some migration is still to come, as after migrating one app alone."""
    executor = MigrationExecutor(connections[using])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
