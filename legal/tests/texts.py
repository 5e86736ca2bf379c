"""The sources of the documents as the tests of their wording read them, without the engine that publishes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from legal.catalogue import DOCUMENTS, CataloguedDocument

ANCHOR = re.compile(r"\{#([a-z0-9-]+)\}")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK_LINE = re.compile(r"^\s*\{\{[#^/].*\}\}\s*$", re.MULTILINE)
VARIABLE = re.compile(r"\{\{\s*[a-z_.]+\s*\}\}")
SENTENCE_END = re.compile(r"(?<=[.!?:])\s+|\n")
PLAIN_WORDS = "> **In plain words:**"


@dataclass(frozen=True)
class Text:
    slug: str
    source: str

    @property
    def body(self) -> str:
        return self.source.split("\n---\n", 1)[1]

    @property
    def anchors(self) -> list[str]:
        return ANCHOR.findall(self.body)

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.body)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Each section's heading line and what stands below it."""
        pieces = re.split(r"^## ", self.body, flags=re.MULTILINE)[1:]
        return [(piece.split("\n", 1)[0], piece.split("\n", 1)[1]) for piece in pieces]

    @cached_property
    def words(self) -> str:
        """The prose as a reader sees it: no anchors, no addresses, one word for each variable."""
        text = BLOCK_LINE.sub("", self.body)
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", ANCHOR.sub("", text))
        return VARIABLE.sub("Value", text).replace("**", "").replace("`", "")

    @property
    def sentences(self) -> list[str]:
        """Sentences of the prose; tables are left out, and each item of a list stands for itself."""
        lines = [line for line in self.words.splitlines() if not line.lstrip().startswith(("|", "#"))]
        parts = SENTENCE_END.split("\n".join(line.strip(" ->") for line in lines))
        return [part for part in parts if len(part.split()) > 2]


def read(document: CataloguedDocument) -> Text:
    return Text(document.slug, document.source.read_text(encoding="utf-8"))


def texts() -> Iterator[Text]:
    return (read(document) for document in DOCUMENTS)


TEXTS = {text.slug: text for text in texts()}
