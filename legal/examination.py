"""Looking a source over before it is published: what it becomes, and everything that is wrong with it."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from legal import markdown
from legal.catalogue import ANSWERED_EARLY, BY_SLUG
from legal.filling import fill
from legal.models import DocumentVersion
from legal.variables import facts_on
from levqor.lib.forms import UNSEEN


@dataclass
class Examination:
    """What a source becomes. With `problems` it cannot be published; `warnings` are for the reader to judge."""

    title: str
    summary: str
    body: str
    outline: list[dict[str, object]]
    facts: dict[str, str]
    anchors: set[str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all that a reader of the preview had before him, prices filled in."""
        return hashlib.sha256("\0".join([self.title, self.summary, self.body]).encode()).hexdigest()


def read(source: str, *, on: date) -> tuple[Examination, list[str]]:
    """The source with the facts of this day, looked over by itself; and what it links to."""
    facts = facts_on(on)
    filled = fill(source, facts)
    rendered = markdown.render(filled, facts)
    examination = Examination(
        title=filled.title,
        summary=filled.summary,
        body=rendered.html,
        outline=rendered.outline,
        facts=filled.used,
        anchors=set(rendered.anchors),
        problems=filled.problems + rendered.problems,
    )
    examination.problems += _unseen(source)
    return examination, list(dict.fromkeys(rendered.links))


# Marks that strike out or enclose the character before them, and the choice between two looks of one.
RESTYLING: Final = re.compile("[\u0335-\u0338\u20d0-\u20f0\ufe00-\ufe0f]")


def _unseen(source: str) -> list[str]:
    """Characters by which a text would read otherwise than what is frozen and signed."""
    return [
        f"Line {number} holds a character that is not seen, or changes how another reads (U+{ord(found[0]):04X}): remove it."
        for number, line in enumerate(source.split("\n"), start=1)
        if (found := UNSEEN.search(line) or RESTYLING.search(line))
    ]


def examine(
    slug: str, source: str, *, on: date, at: datetime, companions: Mapping[str, set[str]] | None = None
) -> Examination:
    """The source as a version of this document, links in both directions included.

    `companions` holds the anchors of documents that are published together with it; the others are asked for their
    versions in force.
    """
    examination, links = read(source, on=on)
    others = _published_anchors(at=at) | dict(companions or {}) | {slug: examination.anchors}
    examination.problems += [fault for link in links if (fault := _dead(link, slug, others))]
    examination.problems += _broken_inbound_links(slug, examination.anchors, at=at)
    examination.warnings += _lost_anchors(slug, examination.anchors, at=at)
    return examination


def _published_anchors(*, at: datetime) -> dict[str, set[str]]:
    versions = DocumentVersion.objects.in_force(at=at).select_related("document")
    return {version.document.slug: version.anchors for version in versions}


def _dead(link: str, slug: str, anchors: Mapping[str, set[str]]) -> str:
    """What is wrong with a link; empty where it leads somewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    if parts.path and not parts.path.startswith("/"):
        return f"The link “{link}” must begin with “/”."
    target = parts.path.removeprefix("/") if parts.path else slug
    if target in BY_SLUG or not parts.path:
        if target not in anchors:
            return f"The link “{link}” leads to a document that is not published."
        lost = parts.fragment and parts.fragment not in anchors[target]
        return f"The link “{link}” leads to an anchor that is not there." if lost else ""
    return "" if _exists(parts.path) else f"The link “{link}” leads to a page that is not there."


def _exists(path: str) -> bool:
    try:
        return resolve(path).view_name != "legal:nothing"
    except Resolver404:
        return path in ANSWERED_EARLY


def _broken_inbound_links(slug: str, anchors: set[str], *, at: datetime) -> list[str]:
    """Public texts of other documents that point at an anchor which this source does not have."""
    public = DocumentVersion.objects.in_force(at=at) | DocumentVersion.objects.announced(at=at).order_by()
    return sorted(
        f"{version} links to “/{slug}#{anchor}”, an anchor that this text does not have."
        for version in public.exclude(document__slug=slug).select_related("document")
        for anchor in _pointed_at(version.links, slug) - anchors
    )


def _pointed_at(links: Iterable[str], slug: str) -> set[str]:
    parts = [urlsplit(link) for link in links]
    return {part.fragment for part in parts if part.path == f"/{slug}" and part.fragment and not part.netloc}


def _lost_anchors(slug: str, anchors: set[str], *, at: datetime) -> list[str]:
    current = DocumentVersion.objects.in_force(at=at).filter(document__slug=slug).first()
    lost = sorted(current.anchors - anchors) if current else []
    return [
        f"The anchor “{anchor}” of {current} is gone: links to it from outside lose their place." for anchor in lost
    ]
