"""What changed between two texts, word by word: blocks are paired first, then the words within each pair."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from legal.blocks import Block, blocks_of

WORD = re.compile(r"\s+|\w+|[^\w\s]")
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

    @property
    def is_empty(self) -> bool:
        return not self.added and not self.removed


def compare(older: str, newer: str) -> Comparison:
    """Compares two published texts; the line that names version and date differs by its nature and is left out."""
    old, new = _blocks(older), _blocks(newer)
    compared = list(_walk(old, new))
    words = [part for block in compared for part in block.parts]
    return Comparison(compared, _count(words, "added"), _count(words, "removed"))


def _blocks(html: str) -> list[Block]:
    return [block for block in blocks_of(html) if block.name != "document-version"]


def _count(parts: list[Part], kind: str) -> int:
    return sum(len(part.text.split()) for part in parts if part.kind == kind)


def _walk(old: list[Block], new: list[Block]) -> Iterator[ComparedBlock]:
    matcher = SequenceMatcher(None, [_key(block) for block in old], [_key(block) for block in new], autojunk=False)
    for change, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if change == "equal":
            yield from (_whole(block, "same") for block in new[new_from:new_to])
        else:
            yield from _pair(old[old_from:old_to], new[new_from:new_to])


def _key(block: Block) -> tuple[str, str]:
    return block.kind, block.words


def _whole(block: Block, kind: str) -> ComparedBlock:
    return ComparedBlock(block.kind, kind, [Part(kind, block.words)], block.marker, block.depth, block.is_quoted)


def _pair(old: list[Block], new: list[Block]) -> Iterator[ComparedBlock]:
    """Pairs each new block with the first old one that is like it; what is passed over was removed."""
    left = list(old)
    for block in new:
        position = next((index for index, other in enumerate(left) if _is_alike(other, block)), None)
        if position is None:
            yield _whole(block, "added")
            continue
        yield from (_whole(gone, "removed") for gone in left[:position])
        yield _edited(left[position], block)
        left = left[position + 1 :]
    yield from (_whole(gone, "removed") for gone in left)


def _is_alike(old: Block, new: Block) -> bool:
    if old.kind != new.kind:
        return False
    if old.anchor and old.anchor == new.anchor:
        return True
    matcher = SequenceMatcher(None, old.words.split(), new.words.split(), autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _edited(old: Block, new: Block) -> ComparedBlock:
    before, after = WORD.findall(old.words), WORD.findall(new.words)
    parts: list[Part] = []
    for change, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if change == "equal":
            parts.append(Part("same", "".join(after[new_from:new_to])))
            continue
        parts += [Part("removed", text)] if (text := "".join(before[old_from:old_to])) else []
        parts += [Part("added", text)] if (text := "".join(after[new_from:new_to])) else []
    return ComparedBlock(new.kind, "edited", _merged(parts), new.marker, new.depth, new.is_quoted)


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
