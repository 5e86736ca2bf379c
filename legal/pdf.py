"""PDFs of the published texts: A4, the same bytes for the same version, whenever and wherever they are made."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from fpdf import FPDF
from fpdf.fonts import FontFace, TTFFont

from legal.blocks import Block, Run, blocks_of
from legal.models import DocumentVersion

FONTS: Final = Path(__file__).parent / "fonts"
FAMILY: Final = "source"
STYLES: Final = {"": "Regular", "B": "Bold", "I": "Italic"}
INK, QUIET, LINE, TINT = (20, 33, 31), (74, 90, 87), (214, 221, 215), (228, 241, 238)
ACCENT = (10, 99, 91)
MARGIN: Final = 22.0
INDENT: Final = 9.0
LEADING: Final = 5.4
SIZES: Final = {"h1": 21.0, "h2": 13.5, "h3": 11.5, "h4": 10.5}


class Paper(FPDF):
    """One document on A4 with a footer on each page. `made_at` stands in the file in place of the clock."""

    def __init__(self, *, title: str, footer: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.footer_text = footer
        self.set_margins(MARGIN, 20, MARGIN)
        self.set_auto_page_break(True, margin=22)
        self.set_title(title)
        self.set_lang("en-GB")
        self.set_author(settings.SITE_URL)
        self.set_producer("Levqor")
        self.set_creation_date(made_at)
        self.add_page()

    def file_id(self) -> str:
        # In place of fpdf2's, which hashes what it has written so far: ours depends on the words alone.
        digest = hashlib.sha256(f"{self.title}\n{self.footer_text}".encode()).hexdigest()[:32].upper()
        return f"<{digest}><{digest}>"

    def footer(self) -> None:
        self.set_y(-15)
        self.use(7.5, color=QUIET)
        # A page may end within a paragraph that is set in: the footer never is.
        self.set_x(MARGIN)
        self.cell(self.w - 2 * MARGIN - 24, 4, self.footer_text)
        self.cell(24, 4, f"Page {self.page_no()} of {{nb}}", align="R")

    def use(self, size: float, *, style: str = "", color: tuple[int, int, int] = INK) -> None:
        self._read(style)
        self.set_font(FAMILY, style, size)
        self.set_text_color(*color)

    def _read(self, style: str) -> None:
        # A font is read when its first word is set: reading one takes longer than setting a page.
        if f"{FAMILY}{style}" not in self.fonts:
            self.add_font(FAMILY, style, FONTS / f"SourceSans3-{STYLES[style]}.ttf")

    def unprintable(self, text: str) -> set[str]:
        """The characters for which the font has no shape, such as those of Chinese or Arabic."""
        self._read("")
        shapes = self.fonts[FAMILY]
        assert isinstance(shapes, TTFFont)  # noqa: S101  # ours come from files
        return {character for character in printable(text) if ord(character) not in shapes.cmap}

    def shown(self, text: str) -> str:
        """The text with a box in place of what cannot be printed: nothing vanishes unseen."""
        return printable(text).translate({ord(character): "□" for character in self.unprintable(text)})

    def keep_together(self, height: float) -> None:
        """Begins a new page where this much does not fit on this one."""
        if self.will_page_break(height):
            self.add_page()

    def heading(self, block: Block) -> None:
        size = SIZES[block.kind]
        self.ln(1 if block.kind == "h1" else 4)
        # A heading never stands alone at the foot of a page.
        self.keep_together(size * 0.5 + 3 * LEADING)
        if block.kind in {"h2", "h3"}:
            self.start_section(block.text, level=0 if block.kind == "h2" else 1)
        self.use(size, style="B")
        self.multi_cell(0, size * 0.46, block.text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1.5)

    def title_line(self, text: str, *, size: float = 21.0) -> None:
        self.ln(1 if size > 20 else 3)
        self.use(size, style="B")
        self.multi_cell(0, size * 0.46, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1.5)

    def paragraph(
        self, runs: Iterable[Run], *, marker: str = "", depth: int = 0, size: float = 10.5, after: float = 1.6
    ) -> None:
        """Runs of text with their styles, set in by `depth`, behind a number or bullet."""
        left, line = self.l_margin, LEADING if size > 9 else 0.45 * size
        inner = left + INDENT * depth
        self.use(size)
        if marker:
            self.set_x(inner - INDENT)
            self.cell(INDENT, line, marker)
        self.set_left_margin(inner)
        self.set_x(inner)
        for run in runs:
            style = "B" if run.is_strong else "I" if run.is_emphasis else ""
            self.use(size, style=style, color=ACCENT if run.href else INK)
            self.write(line, self.shown(run.text), _absolute(run.href))
        self.ln(line)
        self.set_left_margin(left)
        self.ln(after)

    def quote(self, blocks: Sequence[Block]) -> None:
        """A summary in plain words: set apart by a bar, since it binds nobody."""
        self.ln(0.5)
        page, top = self.page_no(), self.get_y()
        left = self.l_margin
        self.set_left_margin(left + 5)
        for block in blocks:
            self.paragraph(block.runs, marker=block.marker, depth=block.depth, size=10)
        self.set_left_margin(left)
        if self.page_no() == page:
            self.set_draw_color(*LINE)
            self.set_line_width(0.8)
            self.line(left + 1, top, left + 1, self.get_y() - 2)
        self.ln(0.8)

    def rows(self, blocks: Sequence[Block]) -> None:
        self.use(9.5)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.use(9.5, style="B")
        self.use(9.5)
        heads = FontFace(emphasis="BOLD", fill_color=TINT, color=INK)
        with self.table(
            borders_layout="HORIZONTAL_LINES", headings_style=heads, text_align="LEFT", line_height=5, padding=1.5
        ) as table:
            for block in blocks:
                row = table.row()
                for cell in block.cells:
                    row.cell("".join(run.text for run in cell).strip())
        self.ln(3)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names and values, in two columns."""
        for name, value in pairs:
            self.use(10, color=QUIET)
            top = self.get_y()
            self.multi_cell(45, LEADING, name, align="L", new_x="RIGHT", new_y="TOP")
            self.use(10)
            self.set_xy(self.l_margin + 47, top)
            self.multi_cell(self.epw - 47, LEADING, self.shown(value), align="L", new_x="LMARGIN", new_y="NEXT")
            self.ln(0.8)
        self.ln(2)

    def flow(self, blocks: Sequence[Block]) -> None:
        """All blocks in order; those that belong together (a table's rows, a summary's lines) as one."""
        position = 0
        while position < len(blocks):
            together = _together(blocks, position)
            first = together[0]
            if first.kind in SIZES:
                self.heading(first)
            elif first.cells:
                self.rows(together)
            elif first.is_quoted:
                self.quote(together)
            elif first.name == "document-version":
                self.paragraph([Run(first.text, is_strong=True)])
            else:
                self.paragraph(first.runs, marker=first.marker, depth=first.depth)
            position += len(together)

    def as_bytes(self) -> bytes:
        content: Any = self.output()
        return bytes(content)


def _together(blocks: Sequence[Block], start: int) -> Sequence[Block]:
    first, end = blocks[start], start + 1
    while end < len(blocks) and (
        (first.cells and blocks[end].kind == "row") or (first.is_quoted and not first.cells and blocks[end].is_quoted)
    ):
        end += 1
    return blocks[start:end]


def _absolute(href: str) -> str:
    if href.startswith("/"):
        return f"{settings.SITE_URL}{href}"
    return "" if href.startswith("#") else href


def printable(text: str) -> str:
    """The text without control characters, which a page cannot show."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text)


def of_version(version: DocumentVersion) -> bytes:
    """The PDF of a version that has its number, text and dates."""
    assert version.published_at is not None  # noqa: S101  # asked for at publication and after it alone
    paper = Paper(
        title=f"{version.title}, version {version.number}",
        footer=f"{version.title}, version {version.number}  ·  SHA-256 {version.sha256}",
        made_at=version.published_at,
    )
    paper.flow(blocks_of(version.html))
    return paper.as_bytes()
