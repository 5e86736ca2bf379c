"""What changed between two texts, word by word: blocks are paired first, then the words within each pair."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from threading import Lock

from legal.alignment import Budget, matches, shared
from legal.blocks import TARGET, Block, blocks_of

WORD = re.compile(rf"{TARGET.pattern.replace('(', '(?:')}|\s+|\w+|[^\w\s]")
VERSION_LINE = re.compile(r'<p class="document-version">.*?</p>')
# Of longer paragraphs it is enough that they share their words.
LONG = 600
# Below this likeness two paragraphs are an old one and a new one, not one that was edited.
ALIKE = 0.4


@dataclass(frozen=True)
class Part:
    """A stretch of text that is in both (`same`), in the newer alone (`added`) or in the older alone (`removed`)."""

    kind: str
    text: str


@dataclass
class ComparedBlock:
    """One block of either text with its parts; `kind` is that of the block, `change` is same, added, removed or edited.

    The number that a clause happens to have is shown and not compared: a new clause would else change all after it.
    """

    kind: str
    change: str
    parts: list[Part] = field(default_factory=list)
    marker: str = ""
    depth: int = 0
    is_quoted: bool = False


@dataclass
class Comparison:
    blocks: list[ComparedBlock]
    added: int = 0
    removed: int = 0
    # Something is marked more widely than it changed, since the texts differ too much to look at every word.
    is_coarse: bool = False
    # The texts differ; where no word does, it is in their layout, their numbers or the names of their clauses.
    is_different: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.added and not self.removed


_one_at_a_time = Lock()


def compare(older: str, newer: str) -> Comparison:
    """Compares two published texts; the line that names version and date differs by its nature and is left out.

    What was compared once is kept, and one is made at a time: however many ask, the others of this process are served.
    """
    with _one_at_a_time:
        return _compared(older, newer)


@lru_cache(maxsize=32)
def _compared(older: str, newer: str) -> Comparison:
    old, new, budget = _blocks(older), _blocks(newer), Budget()
    compared = list(_walk(old, new, budget))
    words = [part for block in compared for part in block.parts]
    return Comparison(
        compared,
        _count(words, "added"),
        _count(words, "removed"),
        is_coarse=budget.is_spent,
        is_different=_without_version(older) != _without_version(newer),
    )


def _without_version(html: str) -> str:
    return VERSION_LINE.sub("", html)


def _blocks(html: str) -> list[Block]:
    return [block for block in blocks_of(html) if block.name != "document-version"]


def _count(parts: list[Part], kind: str) -> int:
    return sum(len(part.text.split()) for part in parts if part.kind == kind)


def _walk(old: list[Block], new: list[Block], budget: Budget) -> Iterator[ComparedBlock]:
    same = matches([_key(block) for block in old], [_key(block) for block in new], budget) or []
    old_from = new_from = 0
    for old_at, new_at in [*same, (len(old), len(new))]:
        yield from _pair(old[old_from:old_at], new[new_from:new_at], budget)
        if new_at < len(new):
            yield _whole(new[new_at], "same")
        old_from, new_from = old_at + 1, new_at + 1


def _key(block: Block) -> tuple[str, str]:
    return block.kind, block.words_and_targets


def _whole(block: Block, kind: str) -> ComparedBlock:
    return ComparedBlock(block.kind, kind, [Part(kind, block.words)], block.marker, block.depth, block.is_quoted)


def _pair(old: list[Block], new: list[Block], budget: Budget) -> Iterator[ComparedBlock]:
    """Pairs the blocks that are alike; between two pairs stand first those that were removed, then those added."""
    if [_key(block) for block in old] <= [_key(block) for block in new]:
        pairs = list(_likenesses(old, new, budget))
    else:
        # Always found in the same direction, so that the comparison the other way round is the mirror image.
        pairs = [(left, right) for right, left in _likenesses(new, old, budget)]
    old_from = new_from = 0
    for old_at, new_at in [*pairs, (len(old), len(new))]:
        yield from (_whole(gone, "removed") for gone in old[old_from:old_at])
        yield from (_whole(come, "added") for come in new[new_from:new_at])
        if new_at < len(new):
            yield _edited(old[old_at], new[new_at], budget)
        old_from, new_from = old_at + 1, new_at + 1


def _likenesses(old: list[Block], new: list[Block], budget: Budget) -> Iterator[tuple[int, int]]:
    """Each new block with the first old one behind the last pair that is like it."""
    start = 0
    for place, block in enumerate(new):
        found = next((index for index in range(start, len(old)) if _is_alike(old[index], block, budget)), None)
        if found is not None:
            yield found, place
            start = found + 1


def _is_alike(old: Block, new: Block, budget: Budget) -> bool:
    if old.kind != new.kind:
        return False
    if old.anchor and old.anchor == new.anchor:
        return True
    before, after = old.words.split(), new.words.split()
    length = len(before) + len(after)
    if not budget.take(length) or 2 * (Counter(before) & Counter(after)).total() < ALIKE * length:
        return False
    if length > LONG:
        return True
    common = matches(before, after, budget)
    return common is not None and 2 * len(common) >= ALIKE * length


def _edited(old: Block, new: Block, budget: Budget) -> ComparedBlock:
    is_moved = old.targets != new.targets
    before, after = (_tokens(block, with_targets=is_moved) for block in (old, new))
    same = matches(before, after, budget)
    if same is None:
        same = _ends(before, after)
    parts = list[Part]()
    old_from = new_from = 0
    for old_at, new_at in [*same, (len(before), len(after))]:
        parts += _changed(before[old_from:old_at], after[new_from:new_at])
        if new_at < len(after):
            parts.append(Part("same", after[new_at]))
        old_from, new_from = old_at + 1, new_at + 1
    return ComparedBlock(new.kind, "edited", _merged(_run_together(parts)), new.marker, new.depth, new.is_quoted)


def _tokens(block: Block, *, with_targets: bool) -> list[str]:
    """Words, blanks and signs; the address of a link is one word, in brackets behind the words that lead there."""
    text = block.words_and_targets if with_targets else block.words
    return [TARGET.sub(r" (\1)", token) for token in WORD.findall(text)]


def _ends(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """For texts that have too little in common: what they begin and end with."""
    head = shared(before, after)
    tail = shared(before[head:][::-1], after[head:][::-1])
    ends = ((len(before) - back, len(after) - back) for back in range(tail, 0, -1))
    return [*((place, place) for place in range(head)), *ends]


def _changed(removed: list[str], added: list[str]) -> list[Part]:
    parts = [("removed", "".join(removed)), ("added", "".join(added))]
    return [Part(kind, text) for kind, text in parts if text]


def _run_together(parts: list[Part]) -> list[Part]:
    runs = ((kind, "".join(part.text for part in run)) for kind, run in groupby(parts, key=lambda part: part.kind))
    return [Part(kind, text) for kind, text in runs]


def _merged(parts: list[Part]) -> list[Part]:
    """A lone blank between two changes belongs to them: a changed phrase reads as one."""
    merged: list[Part] = []
    for position, part in enumerate(parts):
        is_gap = part.kind == "same" and part.text.isspace() and 0 < position < len(parts) - 1
        pieces = [Part("removed", part.text), Part("added", part.text)] if is_gap else [part]
        merged += pieces
    return _joined(merged)


def _joined(parts: list[Part]) -> list[Part]:
    """Neighbouring changes as one removal and one addition."""
    result: list[Part] = []
    removed = added = ""
    for part in [*parts, Part("same", "")]:
        if part.kind == "removed":
            removed += part.text
        elif part.kind == "added":
            added += part.text
        else:
            result += [Part("removed", removed)] if removed.strip() else []
            result += [Part("added", added)] if added.strip() else []
            result += [part] if part.text else []
            removed = added = ""
    return result
