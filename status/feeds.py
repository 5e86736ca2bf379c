"""The feeds: Atom and RSS with one entry for each incident, and a calendar of maintenance, all from the snapshot.

No time in them is that of the drawing: what did not change is the same bytes, or readers would show it all as unread.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import feedgenerator
from django.utils.xmlutils import SimplerXMLGenerator
from icalendar import Calendar, Event, Timezone, TimezoneStandard

from status.document import IncidentDocument
from status.labels import STATUS_LABELS
from status.live import Live
from status.statuspage import incident_url

ENTRIES: Final = 50


class _AsOfItsNewest(feedgenerator.SyndicationFeed):
    """Dates an empty feed by the last change of the page; Django would take the clock."""

    def latest_post_date(self) -> datetime:
        times: list[datetime] = [item["updateddate"] for item in self.items]
        return max(times, default=self.feed["empty_since"])


class _Atom(_AsOfItsNewest, feedgenerator.Atom1Feed):
    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        # As text: Django's own summary is HTML, in which what staff wrote would be markup.
        super().add_item_elements(handler, item | {"description": None})
        handler.addQuickElement("content", item["description"], {"type": "text"})


class _Rss(_AsOfItsNewest, feedgenerator.Rss201rev2Feed):
    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        # Readers take a description for HTML: without these two signs it has no markup but ours.
        words = item["description"].replace("&", "&amp;").replace("<", "&lt;")
        super().add_item_elements(handler, item | {"description": f'<div style="white-space: pre-line">{words}</div>'})


def atom(live: Live) -> tuple[str, str]:
    return _feed(_Atom, live, "history.atom").writeString("utf-8"), "application/atom+xml; charset=utf-8"


def rss(live: Live) -> tuple[str, str]:
    return _feed(_Rss, live, "history.rss").writeString("utf-8"), "application/rss+xml; charset=utf-8"


def _feed(kind: type[feedgenerator.SyndicationFeed], live: Live, name: str) -> feedgenerator.SyndicationFeed:
    feed = kind(
        title="Levqor status",
        link=f"{settings.SITE_URL}/status",
        description="Incidents and planned maintenance of Levqor.",
        language="en-gb",
        feed_url=f"{settings.SITE_URL}/status/{name}",
        empty_since=live.document.updated_at,
    )
    rows = [*live.document.incidents, *live.document.maintenances]
    rows.sort(key=lambda row: (row.updated_at, row.id), reverse=True)
    for row in rows[:ENTRIES]:
        address = incident_url(row.id)
        feed.add_item(
            title=_printable(f"{STATUS_LABELS[row.status]}: {row.name}"),
            link=address,
            description=_printable(_said(row)),
            unique_id=address,
            unique_id_is_permalink=True,
            pubdate=min([row.created_at, *(one.display_at for one in row.updates)]),
            updateddate=row.updated_at,
        )
    return feed


def _said(row: IncidentDocument) -> str:
    """Everything that was said, newest first."""
    return "\n\n".join(
        f"{STATUS_LABELS[one.status]}, {one.display_at:%Y-%m-%d %H:%M} UTC\n{one.body}" for one in row.updates
    )


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
    # A calendar holds at least one component (RFC 5545, section 3.6): without this one, a calm month would be refused.
    feed.add_component(_universal_time())
    for row in live.document.maintenances:
        if row.scheduled_for and row.scheduled_until:
            feed.add_component(_event(row, row.scheduled_for, row.scheduled_until))
    return feed.to_ical().decode(), "text/calendar; charset=utf-8"


def _universal_time() -> Timezone:
    zone, always = Timezone(), TimezoneStandard()
    zone.add("tzid", "Etc/UTC")
    always.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001  # the local time of a zone's rule has no zone
    always.add("tzoffsetfrom", timedelta())
    always.add("tzoffsetto", timedelta())
    always.add("tzname", "UTC")
    zone.add_component(always)
    return zone


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
