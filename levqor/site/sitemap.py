"""Every public page, for search engines. `lastmod` is named only where it is known: a made-up date is worse than none."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from legal.reading import listed_documents
from levqor.site import navigation


@dataclass(frozen=True)
class Entry:
    url: str
    changed_on: date | None = None


def entries(*, at: datetime) -> list[Entry]:
    """A document is listed once a version is in force, with the day since when it is."""
    days = {
        document.path: timezone.localdate(version.effective_at) if version else None
        for document, version in listed_documents(at=at)
    }
    urls = [link.url for link in navigation.links(navigation.PUBLIC)]
    return [Entry(url, days.get(url)) for url in urls if url not in days or days[url]]
