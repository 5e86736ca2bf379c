"""The feeds: Atom and RSS of what was said, and a calendar of maintenance, all from the snapshot."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import feedgenerator
from icalendar import Calendar, Event

from status.document import IncidentDocument, UpdateDocument
from status.labels import STATUS_LABELS
from status.live import Live
from status.statuspage import incident_url

ENTRIES: Final = 50


def atom(live: Live) -> tuple[str, str]:
    feed = _feed(feedgenerator.Atom1Feed, live, "history.atom")
    return feed.writeString("utf-8"), "application/atom+xml; charset=utf-8"


def rss(live: Live) -> tuple[str, str]:
    feed = _feed(feedgenerator.Rss201rev2Feed, live, "history.rss")
    return feed.writeString("utf-8"), "application/rss+xml; charset=utf-8"


def _feed(kind: type[feedgenerator.SyndicationFeed], live: Live, name: str) -> feedgenerator.SyndicationFeed:
    entries = list(_entries(live))
    feed = kind(
        title="Levqor status",
        link=f"{settings.SITE_URL}/status",
        description="Incidents and planned maintenance of Levqor.",
        language="en-gb",
        feed_url=f"{settings.SITE_URL}/status/{name}",
    )
    for row, update in entries:
        label = STATUS_LABELS[update.status]
        feed.add_item(
            title=_printable(f"{label}: {row.name}"),
            link=incident_url(row.id),
            description=_printable(update.body),
            unique_id=f"{incident_url(row.id)}#{update.id}",
            unique_id_is_permalink=False,
            pubdate=update.display_at,
            updateddate=update.display_at,
        )
    return feed


def _entries(live: Live) -> Iterator[tuple[IncidentDocument, UpdateDocument]]:
    """What was said, newest first."""
    said = [(row, update) for row in (*live.document.incidents, *live.document.maintenances) for update in row.updates]
    said.sort(key=lambda pair: (pair[1].display_at, pair[1].id), reverse=True)
    yield from said[:ENTRIES]


def _printable(text: str) -> str:
    """Without the characters that XML has no way to write (XML 1.0, section 2.2)."""
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff"))


def calendar(live: Live) -> tuple[str, str]:
    """Maintenance as iCalendar; the UID of a window never changes, so that calendars move it instead of adding one."""
    feed = Calendar()
    feed.add("prodid", "-//Levqor//Status//EN")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", "Levqor maintenance")
    feed.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for row in live.document.maintenances:
        if row.scheduled_for and row.scheduled_until:
            feed.add_component(_event(row, row.scheduled_for, row.scheduled_until))
    return feed.to_ical().decode(), "text/calendar; charset=utf-8"


def _event(row: IncidentDocument, start: datetime, end: datetime) -> Event:
    event = Event()
    event.add("uid", f"{row.id}@{settings.SITE_HOST}")
    event.add("dtstamp", row.updated_at)
    event.add("last-modified", row.updated_at)
    event.add("sequence", len(row.updates))
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", _printable(f"Levqor maintenance: {row.name}"))
    event.add("description", _printable(row.updates[0].body if row.updates else ""))
    event.add("url", incident_url(row.id))
    event.add("status", "CANCELLED" if row.status == "cancelled" else "CONFIRMED")
    return event
