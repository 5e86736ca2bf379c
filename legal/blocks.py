"""A published text taken apart into blocks of plain runs, for the PDF and for comparing versions."""

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import groupby

TARGET = re.compile("\ue000([^\ue001]*)\ue001")


@dataclass(frozen=True)
class Run:
    """A stretch of text in one style."""

    text: str
    is_strong: bool = False
    is_emphasis: bool = False
    href: str = ""


@dataclass
class Block:
    """A heading, a paragraph, an item, or a row of a table (whose runs are in `cells`).

    `kind` is h1 to h4, p, item, row or head_row; `marker` is the number or bullet that stands before it.
    """

    kind: str
    runs: list[Run] = field(default_factory=list)
    marker: str = ""
    depth: int = 0
    is_quoted: bool = False
    anchor: str = ""
    name: str = ""
    cells: list[list[Run]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Without the marker; the cells of a row stand side by side."""
        if self.cells:
            return " | ".join(_joined(cell) for cell in self.cells)
        return _joined(self.runs)

    @property
    def words_and_targets(self) -> str:
        """With the address of each link behind its words, between two signs of private use (TARGET)."""
        if self.cells:
            return " | ".join(_joined_with_targets(cell) for cell in self.cells)
        return _joined_with_targets(self.runs)

    @property
    def targets(self) -> list[str]:
        return TARGET.findall(self.words_and_targets)

    @property
    def text(self) -> str:
        """With the marker."""
        return f"{self.marker} {self.words}".strip()


def _joined(runs: list[Run]) -> str:
    return " ".join("".join(run.text for run in runs).split())


def _joined_with_targets(runs: list[Run]) -> str:
    links = ((href, "".join(run.text for run in part)) for href, part in groupby(runs, key=lambda run: run.href))
    return " ".join("".join(f"{text}\ue000{href}\ue001" if href else text for href, text in links).split())


def blocks_of(html: str) -> list[Block]:
    parser = _Reader()
    parser.feed(html)
    parser.close()
    return [block for block in parser.blocks if block.text]


HEADINGS = {"h1", "h2", "h3", "h4"}
NUMBERS = {"section-number", "clause-number"}


class _Reader(HTMLParser):
    """Reads the HTML that `legal.markdown` writes, and no other."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.lists: list[int | None] = []  # for each open list the number of its last item; None for bullets
        self.marker = ""
        self.anchor = ""
        self.strong = self.emphasis = self.quotes = 0
        self.href = ""
        self.in_number = False
        self.open: Block | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in HEADINGS or tag == "p":
            self._begin(tag if tag in HEADINGS else "p", attributes)
        elif tag in {"ul", "ol"}:
            self.open = None
            self.lists.append(int(attributes.get("start") or 1) - 1 if tag == "ol" else None)
        elif tag == "li":
            self._begin_item(attributes)
        elif tag == "tr":
            self.open = None
            self.blocks.append(Block("row", is_quoted=bool(self.quotes)))
        elif tag in {"td", "th"}:
            row = self.blocks[-1]
            row.kind = "head_row" if tag == "th" else "row"
            row.cells.append([])
        elif tag == "span" and attributes.get("class") in NUMBERS:
            self.in_number = True
        elif tag == "br":
            self.handle_data(" ")
        else:
            self._count(tag, 1)
            self.href = attributes.get("href", self.href)

    def handle_endtag(self, tag: str) -> None:
        if tag in HEADINGS or tag in {"p", "li", "table"}:
            self.open = None
        elif tag in {"ul", "ol"}:
            self.lists.pop()
            self.open = None
        elif tag == "span":
            self.in_number = False
        elif tag == "a":
            self.href = ""
        else:
            self._count(tag, -1)

    def handle_data(self, data: str) -> None:
        text = data.replace("\n", " ")
        run = Run(text, self.strong > 0, self.emphasis > 0, self.href)
        if self.blocks and self.blocks[-1].cells and self.open is None and self.blocks[-1].kind.endswith("row"):
            self.blocks[-1].cells[-1].append(run)
            return
        if self.open is None and not text.strip():
            return
        if self.open is None:
            self._begin("p", {})
        assert self.open is not None  # noqa: S101  # opened in the line above
        if self.in_number:
            self.open.marker = text.strip()
        elif self.open.runs or text.strip():
            first = not self.open.runs
            self.open.runs.append(replace(run, text=text.lstrip()) if first else run)

    def _begin(self, kind: str, attributes: dict[str, str]) -> None:
        in_item = bool(self.lists)
        self.open = Block(
            "item" if in_item and kind == "p" else kind,
            marker=self.marker,
            depth=len(self.lists),
            is_quoted=bool(self.quotes),
            anchor=self.anchor or attributes.get("id", ""),
            name=attributes.get("class", ""),
        )
        self.marker = self.anchor = ""
        self.blocks.append(self.open)

    def _begin_item(self, attributes: dict[str, str]) -> None:
        last = self.lists[-1]
        self.lists[-1] = None if last is None else last + 1
        self.marker = "•" if last is None else f"{last + 1}."
        self.anchor = attributes.get("id", "")
        self.open = None

    def _count(self, tag: str, step: int) -> None:
        if tag == "strong":
            self.strong += step
        elif tag == "em":
            self.emphasis += step
        elif tag == "blockquote":
            self.quotes += step
            self.open = None
