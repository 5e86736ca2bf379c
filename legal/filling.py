"""Reading a Markdown source: its front matter, the blocks that depend on a fact, and the places where facts go.

Nothing here runs anything: a source can name facts and leave blocks out, and that is all. A fact's place is held by a mark
of private-use characters while the Markdown is read, so a value is never read as Markdown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from legal.variables import Fact

OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}")
VARIABLE = re.compile(r"\{\{\s*([^{}\n]*?)\s*\}\}")
# An anchor's are the only braces that a text may show; every other is of a variable that is not whole.
ANCHOR_AT_END = re.compile(r"\{#[^{}\n]*\}\s*$", re.MULTILINE)
BLOCK = re.compile(r"^\s*\{\{\s*([#^/])\s*([^{}\n]*?)\s*\}\}\s*$")
FIELDS = ("title", "summary")


@dataclass
class Filled:
    """A source with its facts looked up. `marked` is Markdown with a mark for each fact; `marks` names them in order."""

    title: str = ""
    summary: str = ""
    marked: str = ""
    marks: list[str] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def value(self, mark: re.Match[str]) -> str:
        """The value that belongs where the mark stands."""
        return self.used.get(self.marks[int(mark[1])], "")

    def as_written(self, mark: re.Match[str]) -> str:
        """How the source has what the mark stands for."""
        return f"{{{{ {self.marks[int(mark[1])]} }}}}"


def fill(source: str, facts: Mapping[str, Fact]) -> Filled:
    """Reads a source against the facts; what is wrong with it is in `problems`, in sentences."""
    filled = Filled()
    text = source.replace("\r\n", "\n").replace("\r", "\n").replace(OPEN, "").replace(CLOSE, "")
    front, body = _split(text, filled)
    kept = _choose_blocks(body, facts, filled)
    filled.title = _plain(front.get("title", ""), facts, filled)
    filled.summary = _plain(front.get("summary", ""), facts, filled)
    filled.marked = VARIABLE.sub(lambda found: _mark(found[1], facts, filled), kept)
    filled.problems += _half_written(f"{filled.title}\n{filled.summary}\n{filled.marked}", filled)
    filled.problems = list(dict.fromkeys(filled.problems))
    return filled


def _half_written(text: str, filled: Filled) -> list[str]:
    """Lines with braces left over: readers would see them in place of the fact."""
    lines = [line.strip() for line in ANCHOR_AT_END.sub("", text).split("\n") if "{" in line or "}" in line]
    return [
        f"“{MARK.sub(filled.as_written, line)}” has a brace too many or too few: a fact is written “{{{{ name }}}}”, "
        "an anchor “{#name}” at the end of its line."
        for line in lines
    ]


def _split(text: str, filled: Filled) -> tuple[dict[str, str], str]:
    """The front matter as fields, and the body after it."""
    head, found, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not found:
        filled.problems.append(
            "The text does not begin with its front matter: title and summary between two lines “---”."
        )
        return {}, text
    pairs = [line.partition(":") for line in head.splitlines() if line.strip()]
    front = {name.strip(): value.strip() for name, _, value in pairs}
    filled.problems += [f"The front matter has no {name}." for name in FIELDS if not front.get(name)]
    filled.problems += [f"The front matter has an unknown line “{name}”." for name in front if name not in FIELDS]
    return front, body


def _choose_blocks(body: str, facts: Mapping[str, Fact], filled: Filled) -> str:
    """The body without the blocks whose fact is empty (or, for `^`, filled)."""
    lines, inside, is_kept = [], "", True
    for line in body.split("\n"):
        sign, name = found.groups() if (found := BLOCK.match(line)) else ("", "")
        if not sign:
            lines += [line] if is_kept else []
        elif sign == "/":
            if name != inside:
                filled.problems.append(f"“{{{{/{name}}}}}” closes a block that is not open.")
            inside, is_kept = "", True
        else:
            if inside:
                filled.problems.append(f"The block “{name}” begins inside the block “{inside}”.")
            inside, is_kept = name, _has_value(name, facts, filled) == (sign == "#")
    if inside:
        filled.problems.append(f"The block “{inside}” is never closed: “{{{{/{inside}}}}}” is missing.")
    return "\n".join(lines)


def _has_value(name: str, facts: Mapping[str, Fact], filled: Filled) -> bool:
    if name not in facts:
        filled.problems.append(f"Unknown variable “{name}”.")
        return False
    # That it is empty is a fact of the text as well: filling the setting later changes the document.
    filled.used[name] = facts[name].value
    return bool(facts[name].value)


def _plain(text: str, facts: Mapping[str, Fact], filled: Filled) -> str:
    return VARIABLE.sub(lambda found: _looked_up(found[1], facts, filled), text)


def _mark(name: str, facts: Mapping[str, Fact], filled: Filled) -> str:
    _looked_up(name, facts, filled)
    filled.marks.append(name)
    return f"{OPEN}{len(filled.marks) - 1}{CLOSE}"


def _looked_up(name: str, facts: Mapping[str, Fact], filled: Filled) -> str:
    fact = facts.get(name)
    if name[:1] in {"#", "^", "/"}:
        filled.problems.append(f"“{{{{{name}}}}}” must stand alone on its line.")
    elif fact is None:
        filled.problems.append(f"Unknown variable “{name}”.")
    elif not fact.value:
        filled.problems.append(f"“{name}” is empty and the text needs it: fill in {fact.source}.")
    else:
        filled.used[name] = fact.value
        return fact.value
    return ""
