"""Drafts: opening, editing and discarding one, and drafting the new versions that a changed price calls for."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from legal.models import Document, DocumentVersion, DraftEdit, Origin, VersionStatus
from legal.publishing import RefusedError
from legal.variables import Fact, facts_on
from levqor.audit.models import record
from levqor.lib.actors import SYSTEM, Actor, staff
from levqor.lib.states import StaleStateError

if TYPE_CHECKING:
    from levqor.accounts.models import User

# It differs from version to version by its nature.
UNWATCHED = {"effective_date"}


def open_draft(document: Document, *, by: "User", at: datetime) -> DocumentVersion:
    """The open draft of the document; a new one, with the words of the newest version, where there is none."""
    existing = document.versions.filter(status=VersionStatus.DRAFT).first()
    return existing or _create(document, _newest_source(document), Origin.STAFF, by=by, at=at)


def _newest_source(document: Document) -> str:
    newest = document.versions.published().first()
    return newest.source if newest else f"---\ntitle: {document.title}\nsummary: \n---\n\n"


def _create(
    document: Document, source: str, origin: Origin, *, by: "User | None", at: datetime, note: str = ""
) -> DocumentVersion:
    try:
        with transaction.atomic():
            draft = DocumentVersion.objects.create(
                document=document,
                source=source,
                origin=origin,
                change_note=note,
                author=by,
                created_at=at,
                changed_at=at,
            )
            record("drafted", draft, by=_actor(by), at=at, changes={"origin": origin.value})
    except IntegrityError:
        # Somebody else opened one in the same moment: there is never more than one.
        return document.versions.get(status=VersionStatus.DRAFT)
    return draft


def _actor(by: "User | None") -> Actor:
    return staff(by) if by else SYSTEM


def edit(
    draft: DocumentVersion, *, source: str, note: str, is_material: bool, edit_count: int, by: "User", at: datetime
) -> None:
    """Stores the words of a draft that was read at `edit_count`; StaleStateError where somebody wrote since."""
    with transaction.atomic():
        stored = DocumentVersion.objects.filter(pk=draft.pk, status=VersionStatus.DRAFT, edit_count=edit_count)
        changes = {"source": source.replace("\r\n", "\n"), "change_note": note.strip(), "is_material": is_material}
        if not stored.update(**changes, changed_at=at, edit_count=F("edit_count") + 1):
            raise StaleStateError(f"{draft} was changed by somebody else in the meantime; your words are kept below.")
        if changes["source"] != draft.source:
            DraftEdit.objects.get_or_create(version=draft, user=by, defaults={"edited_at": at})
        record("edited", draft, by=staff(by), at=at)
    draft.refresh_from_db()


def discard(draft: DocumentVersion, *, by: "User", at: datetime, reason: str) -> None:
    """Throws a draft away; what was published stays as it is."""
    with transaction.atomic():
        record("discarded", draft, by=staff(by), at=at, reason=reason)
        deleted, _ = DocumentVersion.objects.filter(pk=draft.pk, status=VersionStatus.DRAFT).delete()
        if not deleted:
            raise RefusedError(f"{draft} is no draft any more.")


def follow_facts(*, by: "User | None", at: datetime, on: date | None = None) -> list[DocumentVersion]:
    """Drafts a new version of each document whose newest one names a fact that has changed; returns those drafts.

    `on` is the day from which the changed facts hold, where that lies ahead. A document with an open draft needs none:
    the draft takes its facts when it is published, and is among what is returned.
    """
    day = max(timezone.localdate(at), on or date.min)
    facts = facts_on(day)
    drafts = []
    for document in Document.objects.order_by("pk"):
        newest = document.versions.binding().order_by("-effective_at").first()
        changes = _changed(newest, facts) if newest else []
        if newest and changes:
            existing = document.versions.filter(status=VersionStatus.DRAFT).first()
            note = "Changed facts: " + "; ".join(changes) + "."
            drafts.append(existing or _create(document, newest.source, Origin.FACTS, by=by, at=at, note=note))
    return drafts


def _changed(version: DocumentVersion, facts: dict[str, Fact]) -> list[str]:
    """What a version says otherwise than the facts do now, in words."""
    changes = []
    for name, said in sorted(version.facts.items()):
        fact = facts.get(name)
        now = fact.value if fact else ""
        if name in UNWATCHED or now == said:
            continue
        is_table = "\n" in said or (fact is not None and fact.is_table)
        changes.append(f"{name} changed" if is_table else f"{name}: {said or 'nothing'} → {now or 'nothing'}")
    return changes
