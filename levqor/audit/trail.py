"""Sealing the trail into a hash chain, and walking the chain.

Writers never queue for the chain: entries are written unsealed and a beat task links them afterwards, each hash covering
the entry's content and the hash before it. A changed, removed or inserted sealed entry breaks the chain at that place.

A chain cut off at its end is whole in itself, so its end is kept beside it (`AuditHead`), signed with SECRET_KEY, which
the database does not hold. Sealing goes on only from that end, so a cut is never sealed over. What this cannot find:
somebody who holds SECRET_KEY as well, or puts back an older head together with the older end that it fits. Against both
the head is logged at each verification, and `verify_audit --head` compares with one kept elsewhere. An entry removed
before it was sealed (within seconds of its writing) leaves no trace but a gap in the ids.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.apps import apps as django_apps
from django.db import transaction

from levqor.audit.models import AuditEntry, AuditEntryQuerySet, AuditHead, AuditNote, AuditSeal, head_signature

GENESIS = "0" * 64
BATCH = 500
LATEST = 10_000
# Sealing runs twice a minute: what waits longer shows that it does not.
GRACE = timedelta(minutes=10)


class BrokenTrailError(Exception):
    """The trail was tampered with, or cannot be shown not to have been. The text is fit for people."""


@dataclass(frozen=True)
class Verification:
    """The outcome of a walk: how many links hold, the last hash, and what is wrong (empty where nothing is)."""

    sealed: int
    head: str
    unsealed: int = 0
    fault: str = ""


def begin_trail(apps: Any = django_apps, **kwargs: Any) -> None:
    """The head of a trail without any seal; connected to post_migrate. A head that went missing later is a fault."""
    try:
        apps.get_model("audit", "AuditHead")
    except LookupError:
        # Migrated back to before there was one.
        return
    if not AuditSeal.objects.exists():
        _sign(0, GENESIS, only_if_missing=True)


def seal_entries(*, whole: bool = True) -> int:
    """Links all unsealed entries and returns how many; sealers at the same time take turns.

    Without `whole` it looks no further back than LATEST entries from the end: fast, and enough but for what a very long
    transaction wrote. Raises BrokenTrailError, and links nothing, where the chain does not end as its signed head says.
    """
    sealed = 0
    while linked := _seal_batch(whole=whole):
        sealed += linked
    return sealed


def _unsealed(*, whole: bool) -> AuditEntryQuerySet:
    last = None if whole else AuditSeal.objects.order_by("-position").first()
    return AuditEntry.objects.unsealed_after(last.entry_id - LATEST) if last else AuditEntry.objects.unsealed()


def _seal_batch(*, whole: bool) -> int:
    if not _unsealed(whole=whole).exists():
        return 0
    with transaction.atomic():
        # The row of the head is the turn: whoever holds it sees the chain as the one before left it.
        head = AuditHead.objects.select_for_update().first()
        last = AuditSeal.objects.order_by("-position").first()
        fault = _head_fault(head, *_end(last))
        if fault:
            raise BrokenTrailError(f"Nothing was sealed: {fault}.")
        links = list(_links(list(_unsealed(whole=whole).order_by("pk")[:BATCH]), *_end(last)))
        if links:
            AuditSeal.objects.bulk_create(links)
            _sign(links[-1].position, links[-1].hash)
        return len(links)


def _end(last: AuditSeal | None) -> tuple[int, str]:
    return (last.position, last.hash) if last else (0, GENESIS)


def _sign(position: int, link: str, *, only_if_missing: bool = False) -> None:
    values = {"position": position, "hash": link, "signature": head_signature(position, link)}
    if only_if_missing:
        AuditHead.objects.get_or_create(id=1, defaults=values)
    else:
        AuditHead.objects.update_or_create(id=1, defaults=values)


def _head_fault(head: AuditHead | None, position: int, link: str) -> str:
    if head is None:
        return "the signed head of the chain is missing"
    if not head.is_genuine():
        return (
            "the head of the chain is not signed with this SECRET_KEY (was it changed? then: verify_audit --sign-head)"
        )
    if (head.position, head.hash) != (position, link):
        return f"the chain ends at seal {position}, and its signed head at {head.position}: its end was cut off or replaced"
    return ""


def _links(entries: list[AuditEntry], position: int, previous: str) -> Iterator[AuditSeal]:
    for entry in entries:
        position += 1
        previous = link_hash(previous, entry)
        yield AuditSeal(position=position, entry=entry, hash=previous)


def link_hash(previous: str, entry: AuditEntry) -> str:
    return hashlib.sha256(f"{previous}:{entry.pk}:{entry.digest}".encode()).hexdigest()


def sign_head() -> None:
    """Signs the end of the chain anew, after SECRET_KEY was changed. Only after a walk that found nothing else."""
    with transaction.atomic():
        AuditHead.objects.select_for_update().first()
        _sign(*_end(AuditSeal.objects.order_by("-position").first()))


def verify(
    *, at: datetime, expected_head: str = "", is_head_signed: bool = True, grace: timedelta | None = GRACE
) -> Verification:
    """Walks the whole chain, then looks for altered reasons and for unsealed entries that were altered.

    An entry that nobody sealed within `grace` is a fault too; None: it may wait. Writes nothing.
    """
    before = AuditHead.objects.first()
    position, link, passed = 0, GENESIS, {0: GENESIS}
    for position, link, fault in _walk():
        if fault:
            return Verification(position - 1, link, fault=fault)
        if link == expected_head or (before and before.position == position):
            passed[position] = link
    fault = (
        (_fault_at_the_end(before, position, passed) if is_head_signed else "")
        or ("" if not expected_head or expected_head in passed.values() else _CUT)
        or _fault_of_notes()
        or _fault_of_unsealed(at - grace if grace else None)
    )
    return Verification(position, link, AuditEntry.objects.unsealed().count(), fault)


_CUT = "the expected head is not in the chain: its end was cut off or replaced"


def _fault_at_the_end(before: AuditHead | None, position: int, passed: dict[int, str]) -> str:
    """The chain must hold the head that was there before the walk, and not go on past the one that is there after it."""
    if before is None:
        return _head_fault(None, position, "")
    if before.position > position or not before.is_genuine():
        return _head_fault(before, position, "")
    if passed.get(before.position) != before.hash:
        return f"seal {before.position} is not the signed head of the chain: its end was replaced"
    after = AuditHead.objects.first()
    if after is None or after.position < position:
        return f"the chain goes on to seal {position}, past its signed head"
    return ""


def _fault_of_notes() -> str:
    for note in AuditNote.objects.select_related("entry").iterator(chunk_size=BATCH):
        if not note.is_genuine():
            return f"entry {note.pk}: the words of its reason were changed"
    return ""


def _fault_of_unsealed(due: datetime | None) -> str:
    for entry in AuditEntry.objects.unsealed().order_by("pk").iterator(chunk_size=BATCH):
        if entry.digest != entry.content_digest():
            return f"entry {entry.pk} was changed"
        if due and entry.recorded_at < due:
            return f"entry {entry.pk}: not sealed since {entry.recorded_at:%Y-%m-%d %H:%M}; does “Audit seal” run?"
    return ""


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
