"""Sealing the trail into a hash chain, and walking the chain.

Writers never queue for the chain: entries are written unsealed and a beat task links them afterwards, each hash covering
the entry's content and the hash before it. A changed, removed or inserted sealed entry breaks the chain at that place.
What the chain alone cannot show is a tail cut off with its seals; so its head is logged each time it is verified, and
`verify_audit --head` compares with a head kept elsewhere.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from django.db import IntegrityError, transaction

from levqor.audit.models import AuditEntry, AuditNote, AuditSeal

GENESIS = "0" * 64
BATCH = 500


@dataclass(frozen=True)
class Verification:
    """The outcome of a walk: how many links hold, the last hash, and what is wrong (empty where nothing is)."""

    sealed: int
    head: str
    fault: str = ""


def seal_entries() -> int:
    """Links all unsealed entries and returns how many; a second sealer at the same time links none."""
    sealed = 0
    while batch := list(AuditEntry.objects.unsealed().order_by("pk")[:BATCH]):
        try:
            with transaction.atomic():
                AuditSeal.objects.bulk_create(_links(batch))
        except IntegrityError:
            # Another process took the same positions first: what it has not linked is linked by the next run.
            return sealed
        sealed += len(batch)
    return sealed


def _links(entries: list[AuditEntry]) -> Iterator[AuditSeal]:
    last = AuditSeal.objects.order_by("-position").first()
    position, previous = (last.position, last.hash) if last else (0, GENESIS)
    for entry in entries:
        position += 1
        previous = link_hash(previous, entry)
        yield AuditSeal(position=position, entry=entry, hash=previous)


def link_hash(previous: str, entry: AuditEntry) -> str:
    return hashlib.sha256(f"{previous}:{entry.pk}:{entry.digest}".encode()).hexdigest()


def verify(*, at: datetime, expected_head: str = "", grace: timedelta = timedelta(minutes=10)) -> Verification:
    """Walks the whole chain, then looks for altered reasons and for entries that nobody sealed within `grace`."""
    position, head, heads = 0, GENESIS, {GENESIS}
    for position, head, fault in _walk():
        if fault:
            return Verification(position - 1, head, fault)
        if head == expected_head:
            heads.add(head)
    if expected_head and expected_head not in heads:
        return Verification(position, head, "the expected head is not in the chain: its end was cut off or replaced")
    for note in AuditNote.objects.select_related("entry").iterator(chunk_size=BATCH):
        if not note.is_genuine():
            return Verification(position, head, f"entry {note.pk}: the words of its reason were changed")
    late = AuditEntry.objects.unsealed().filter(recorded_at__lt=at - grace).order_by("pk").first()
    if late:
        return Verification(position, head, f"entry {late.pk}: not sealed since {late.recorded_at:%Y-%m-%d %H:%M}")
    return Verification(position, head)


def _walk() -> Iterator[tuple[int, str, str]]:
    """Yields (position, hash, fault) for each seal; the walk ends at the first fault."""
    previous, expected = GENESIS, 0
    for seals in batched(AuditSeal.objects.order_by("position").iterator(chunk_size=BATCH), BATCH):
        entries = AuditEntry.objects.in_bulk([seal.entry_id for seal in seals])
        for seal in seals:
            expected += 1
            fault = _fault(seal, expected, previous, entries.get(seal.entry_id))
            previous = previous if fault else seal.hash
            yield expected, previous, fault
            if fault:
                return


def _fault(seal: AuditSeal, expected: int, previous: str, entry: AuditEntry | None) -> str:
    if seal.position != expected:
        return f"seal {expected} is missing"
    if entry is None:
        return f"entry {seal.entry_id} is missing"
    if entry.digest != entry.content_digest() or link_hash(previous, entry) != seal.hash:
        return f"entry {entry.pk} was changed"
    return ""
