"""Turning a filled source into the HTML that is shown and frozen: numbered sections and clauses under stable anchors."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from html import escape, unescape
from typing import Any, Final
from urllib.parse import quote

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from legal.filling import MARK, Filled
from legal.variables import Fact

ANCHOR: Final = re.compile(r"\s*\{#([^{}]*)\}\s*$")
SANE_ANCHOR: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PLAIN_WORDS: Final = "In plain words:"
PLAIN_WORDS_SHOWN: Final = "In plain words (a summary, not part of the contract):"

# Raw HTML, pictures and code blocks have no place in a contract; underlined headings are too easily made by accident.
_MARKDOWN: Final = (
    MarkdownIt("commonmark", {"html": False, "store_labels": True})
    .enable("table")
    .disable(["image", "code", "fence", "lheading", "html_block"])
)
# Addresses stay as written: markdown-it would turn the mark of a fact in one into punycode.
_MARKDOWN.normalizeLink = lambda url: url  # type: ignore[method-assign]
# A year at the beginning of a line is no clause: CommonMark would begin a list there.
YEAR: Final = re.compile(r"^([ \t]*)(\d{4,9})([.)])(?=\s)", re.MULTILINE)
WORD: Final = re.compile(r"[^\W_]+")
# What stands in a source and is not meant to be read: anchors, marks of facts, and the numbers of items.
UNREAD: Final = re.compile(rf"\{{#[^{{}}]*\}}\s*$|{MARK.pattern}|^[\s>]*\d+[.)]\s|\*")
_TAGS: Final = {
    "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "a", "blockquote", "br", "hr", "code", "span",
    "div", "header", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "h2": {"id"},
    "h3": {"id"},
    "li": {"id"},
    "ol": {"class", "role", "start"},
    "a": {"href"},
    "p": {"class"},
    "blockquote": {"class"},
    "span": {"class"},
    "header": {"class"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "th": {"scope"},
}


@dataclass(frozen=True)
class Section:
    """One line of the contents list."""

    number: int
    title: str
    anchor: str


@dataclass
class Rendered:
    """The body as HTML, what it can be linked by, what it links to, and what is wrong with it."""

    html: str = ""
    sections: list[Section] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def outline(self) -> list[dict[str, object]]:
        return [asdict(section) for section in self.sections]


def render(filled: Filled, facts: dict[str, Fact]) -> Rendered:
    rendered = Rendered()
    marked, env = YEAR.sub(r"\1\2\\\3", filled.marked), dict[str, Any]()
    parsed = _MARKDOWN.parse(marked, env)
    rendered.problems += _unshown(marked, parsed, env)
    tokens = _with_tables(parsed, filled, facts, rendered)
    for token in tokens:
        _put_in_facts(token, filled)
        _show_titles(token)
    _Numbering(tokens, rendered).run()
    html = str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    rendered.html = clean(html)
    return rendered


def clean(html: str) -> str:
    """The HTML with nothing in it but what a legal text may hold."""
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel=None
    ).strip()


def head(title: str, summary: str, version: str) -> str:
    """What stands above the text and is frozen with it."""
    return clean(
        f'<header class="document-head"><h1>{escape(title)}</h1><p class="document-version">{escape(version)}</p>'
        f'<p class="document-summary">{escape(summary)}</p></header>'
    )


def _unshown(marked: str, tokens: list[Token], env: dict[str, Any]) -> list[str]:
    """Lines of the source of which something does not arrive on the page: nobody would have agreed to that."""
    lines, known, repeated = marked.split("\n"), env.get("references", {}), env.get("duplicate_refs", [])
    parts = [part for token in tokens if token.type == "inline" for part in token.children or []]
    labels = {part.meta.get("label") for part in parts}
    unused = [row for label, row in known.items() if label not in labels or not row["href"]]
    shown = {word for token in tokens for word in WORD.findall(_shown_by(token))}
    lost = _lines_of([*unused, *repeated])
    for number in set(range(len(lines))) - _lines_of([*known.values(), *repeated]):
        if not shown.issuperset(WORD.findall(UNREAD.sub("", unescape(lines[number])))):
            lost.add(number)
    return [
        f"“{MARK.sub('…', lines[number].strip())}” would not be shown as it is written: {_why_lost(lines[number])}"
        for number in sorted(lost)
    ]


def _why_lost(line: str) -> str:
    if "|" in line and not line.lstrip().startswith("["):
        return "it has more cells than the first line of its table. Write “\\|” for a line that is meant."
    return "Markdown reads a line that begins with “[…]:” as the target of a link. Write “\\[” for a bracket that is meant."


def _lines_of(references: list[dict[str, Any]]) -> set[int]:
    """The lines on which targets of links are written."""
    return {number for row in references for number in range(*row["map"])}


def _shown_by(token: Token) -> str:
    """The words of a token that reach the page, its addresses among them."""
    parts = token.children or [] if token.type == "inline" else []
    whole = "".join("\n" if part.type in {"softbreak", "hardbreak"} else part.content for part in parts)
    return " ".join([whole, *(str(value) for part in parts for value in part.attrs.values())])


def _show_titles(token: Token) -> None:
    """The title of a link stands behind it in brackets: a hint that only a mouse finds is no part of a contract."""
    if not token.children:
        return
    shown, titles = list[Token](), list[str]()
    for part in token.children:
        if part.type == "link_open":
            titles.append(str(part.attrs.pop("title", "")))
        shown.append(part)
        if part.type == "link_close" and (title := titles.pop()):
            shown.append(Token("text", "", 0, content=f" ({title})"))
    token.children = shown


def _with_tables(tokens: list[Token], filled: Filled, facts: dict[str, Fact], rendered: Rendered) -> list[Token]:
    """The tokens with each table fact, which stands alone in its paragraph, as a table."""
    result: list[Token] = []
    for position, token in enumerate(tokens):
        name = _table_named_by(token, filled, facts)
        if name is None:
            result.append(token)
        elif tokens[position - 1].type != "paragraph_open" or not MARK.fullmatch(token.content):
            rendered.problems.append(
                f"“{name}” is a table: it must stand alone on its line, with empty lines around it."
            )
        else:
            result.pop()
            result += _MARKDOWN.parse(facts[name].value)
            # The end of the paragraph comes next; an empty paragraph would be left over.
            tokens[position + 1].hidden = True
    return result


def _table_named_by(token: Token, filled: Filled, facts: dict[str, Fact]) -> str | None:
    if token.type != "inline":
        return None
    names = [filled.marks[int(mark[1])] for mark in MARK.finditer(token.content)]
    return next((name for name in names if name in facts and facts[name].is_table), None)


def _put_in_facts(token: Token, filled: Filled) -> None:
    for part in [token, *(token.children or [])]:
        part.content = MARK.sub(filled.value, part.content)
        href = part.attrGet("href")
        if isinstance(href, str):
            part.attrSet("href", _fill_address(href, filled))


def _fill_address(href: str, filled: Filled) -> str:
    return MARK.sub(lambda mark: quote(filled.value(mark), safe=":/@.+-_~"), href)


class _Numbering:
    """One walk over the tokens: numbers, anchors, the look of summaries and tables, and the links."""

    def __init__(self, tokens: list[Token], rendered: Rendered) -> None:
        self.tokens = tokens
        self.rendered = rendered
        self.section = 0
        self.numbers: set[str] = set()
        self.written: dict[int, int] = {}
        self.clause = 0

    def run(self) -> None:
        steps = {
            "heading_open": self._heading,
            "ordered_list_open": self._list,
            "list_item_open": self._clause,
            "blockquote_open": self._quote,
            "th_open": self._column,
            "table_open": self._table,
            "table_close": self._table_end,
            "inline": self._links,
        }
        position = 0
        while position < len(self.tokens):
            if step := steps.get(self.tokens[position].type):
                position += step(position)
            position += 1
        if not self.rendered.sections:
            self.rendered.problems.append("The text has no section: a line that begins with “##”.")

    def _heading(self, position: int) -> int:
        token, inline = self.tokens[position], self.tokens[position + 1]
        title = inline.content
        anchor = self._anchor(token, inline)
        if token.tag == "h1":
            self.rendered.problems.append(f"“{title}” is a heading of the first level: sections begin with “##”.")
        elif token.tag == "h2":
            self.section, self.clause = self.section + 1, 0
            shown = _text_of(inline)
            self.rendered.sections.append(Section(self.section, shown, anchor))
            if not anchor:
                self.rendered.problems.append(f"The section “{shown}” has no anchor: end its line with “{{#anchor}}”.")
            _prepend(inline, f'<span class="section-number">{self.section}.</span> ')
        return 0

    def _list(self, position: int) -> int:
        """The clauses go on counting through a section; a list that begins with another number than 1 has that number."""
        token = self.tokens[position]
        start = int(token.attrGet("start") or 1)
        if token.level == 0 and self.section:
            token.attrs = {"class": "clauses", "role": "list"}
            base = self.clause if start == 1 else 0
            self.written = dict(self._written(position, start, base))
        return 0

    def _written(self, position: int, start: int, base: int) -> Iterator[tuple[int, int]]:
        """The number of each item by its place among the tokens; `1.` before every item means that they count on."""
        end = next(n for n in range(position, len(self.tokens)) if self._closes(n, self.tokens[position]))
        items = [n for n in range(position, end) if self._is_clause(self.tokens[n])]
        numbers = [int(self.tokens[n].info or start) for n in items]
        if len(set(numbers)) == 1:
            numbers = list(range(start, start + len(numbers)))
        yield from ((n, base + number) for n, number in zip(items, numbers, strict=True))

    @staticmethod
    def _is_clause(token: Token) -> bool:
        # The sign of an item tells its list: "." and ")" are ordered, "-", "*" and "+" are not.
        return token.type == "list_item_open" and token.level == 1 and token.markup in {".", ")"}

    def _closes(self, position: int, opening: Token) -> bool:
        token = self.tokens[position]
        return token.type == "ordered_list_close" and token.level == opening.level

    def _clause(self, position: int) -> int:
        token = self.tokens[position]
        inline = next((later for later in self.tokens[position + 1 : position + 3] if later.type == "inline"), None)
        if inline is None:
            return 0
        self._anchor(token, inline)
        if self._is_clause(token) and self.section:
            self.clause = self.written.get(position, self.clause + 1)
            number = f"{self.section}.{self.clause}"
            if number in self.numbers:
                self.rendered.problems.append(f"There are two clauses {number}.")
            self.numbers.add(number)
            _prepend(inline, f'<span class="clause-number">{self.section}.{self.clause}</span> ')
        return 0

    def _quote(self, position: int) -> int:
        inline = next((later for later in self.tokens[position:] if later.type == "inline"), None)
        children = (inline.children or []) if inline else []
        label = next((child for child in children if child.type == "text" and child.content), None)
        if label and label.content == PLAIN_WORDS:
            self.tokens[position].attrs = {"class": "plain-words"}
            label.content = PLAIN_WORDS_SHOWN
        return 0

    def _column(self, position: int) -> int:
        self.tokens[position].attrs = {"scope": "col"}
        return 0

    def _table(self, position: int) -> int:
        title = self.rendered.sections[-1].title if self.rendered.sections else "the text"
        label = escape(f"Table of “{title}”")
        # Wide tables scroll by themselves on a narrow screen, also with the keyboard.
        opening = f'<div class="scroll" role="group" tabindex="0" aria-label="{label}">'
        self.tokens.insert(position, _raw(opening))
        return 1

    def _table_end(self, position: int) -> int:
        self.tokens.insert(position + 1, _raw("</div>"))
        return 1

    def _links(self, position: int) -> int:
        href = words = ""
        for child in self.tokens[position].children or []:
            if child.type == "link_open":
                href, words = str(child.attrGet("href") or ""), ""
                self.rendered.links.append(href)
            elif child.type == "link_close" and not words.strip():
                self.rendered.problems.append(f"The link to “{href}” has no words: nobody would see it.")
            words += child.content
        return 0

    def _anchor(self, token: Token, inline: Token) -> str:
        """Takes `{#anchor}` off the end of the line and makes it the element's id; empty where there is none."""
        last = next(
            (child for child in reversed(inline.children or []) if child.type == "text" and child.content), None
        )
        found = ANCHOR.search(last.content) if last else None
        if last is None or found is None:
            return ""
        last.content = last.content[: found.start()]
        anchor = found[1]
        if not SANE_ANCHOR.fullmatch(anchor):
            self.rendered.problems.append(f"“{{#{anchor}}}” is no anchor: use lower-case letters, digits and hyphens.")
            return ""
        if anchor in self.rendered.anchors:
            self.rendered.problems.append(f"The anchor “{anchor}” is there twice.")
        self.rendered.anchors.append(anchor)
        token.attrSet("id", anchor)
        return anchor


def _text_of(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in {"text", "code_inline"}).strip()


def _prepend(inline: Token, html: str) -> None:
    inline.children = [_raw(html, kind="html_inline"), *(inline.children or [])]


def _raw(html: str, *, kind: str = "html_block") -> Token:
    """HTML of our own, which the renderer writes as it stands."""
    return Token(kind, "", 0, content=html)
