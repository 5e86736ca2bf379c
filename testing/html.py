"""Reads a page as tests look at it: its elements with their attributes and texts, in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, blanks collapsed."""
        return " ".join("".join(self.parts).split())

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")


class Document(HTMLParser):
    """`Document(html).all("h1")`: the elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def one(self, tag: str, **attributes: str) -> Element:
        """The one element of this kind with these attributes; anything but one is an error."""
        found = [e for e in self.all(tag) if all(e.get(name) == value for name, value in attributes.items())]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} elements <{tag}> with {attributes}, expected one.")
        return found[0]

    @property
    def title(self) -> str:
        """The page's own title; a drawing in it may have titles too."""
        return self.all("title")[0].text

    def inline_code(self) -> Iterator[str]:
        """Everything that a policy without 'unsafe-inline' refuses: inline sheets, scripts and attributes."""
        for element in self.elements:
            if element.tag == "style" or (element.tag == "script" and not element.get("src") and not _is_data(element)):
                yield f"<{element.tag}>"
            for name, value in element.attributes.items():
                if name == "style" or name.startswith("on") or value.strip().lower().startswith("javascript:"):
                    yield f"<{element.tag} {name}={value!r}>"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and any(element.tag == tag for element in self._open):
            if self._open.pop().tag == tag:
                return

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)


def _is_data(script: Element) -> bool:
    return script.get("type") == "application/json"
