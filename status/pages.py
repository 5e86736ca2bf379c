"""What the templates of the status pages are filled with: counted and named here, so that nothing is computed there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from django.http import HttpRequest
from django.template.loader import render_to_string

from status.component_states import ComponentState
from status.document import Day, IncidentDocument
from status.labels import CAUSES, IMPACT_LABELS, STATUS_LABELS, TONES, duration
from status.live import Live, LiveComponent
from status.uptime import Totals, percent

HTML = "text/html; charset=utf-8"
RECENT_DAYS = 15


@dataclass(frozen=True)
class Run:
    """Days in a row of which the same is said: once, for a text browser reads it out. `places` are those of its bars."""

    tone: str
    title: str
    places: list[int]


@dataclass(frozen=True)
class ComponentLine:
    name: str
    description: str
    state: str
    tone: str
    cause: str
    runs: list[Run]
    summary: str
    bad_days: list[str]


@dataclass(frozen=True)
class UpdateLine:
    label: str
    body: str
    at: datetime


@dataclass(frozen=True)
class IncidentLine:
    id: str
    name: str
    impact: str
    tone: str
    status: str
    started_at: datetime
    resolved_at: datetime | None
    lasted: str
    updates: list[UpdateLine]
    components: str
    scheduled_for: datetime | None
    scheduled_until: datetime | None

    @property
    def is_one_day(self) -> bool:
        """True for a window that ends on the day on which it begins: the date is said once."""
        begins, ends = self.scheduled_for, self.scheduled_until
        return begins is not None and ends is not None and begins.date() == ends.date()


@dataclass(frozen=True)
class Past:
    """A day with its incidents, or a stretch of days without any."""

    when: str
    incidents: list[IncidentLine]


IMPACT_TONES = {
    "none": "good",
    "minor": "minor",
    "major": "major",
    "critical": "critical",
    "maintenance": "maintenance",
}


def page(live: Live) -> tuple[str, str]:
    """`/status`."""
    return _render("status/page.html", "/status", live, recent=_recent(live), **_open(live))


def history(live: Live) -> tuple[str, str]:
    """`/status/history`: every incident that the snapshot holds, by month."""
    newest = [incident_line(row, live) for row in live.document.incidents]
    older = [
        IncidentLine(
            row.id,
            row.name,
            IMPACT_LABELS[row.impact],
            IMPACT_TONES[row.impact],
            "Resolved" if row.resolved_at else "",
            row.started_at,
            row.resolved_at,
            duration(row.started_at, row.resolved_at) if row.resolved_at else "",
            [],
            "",
            None,
            None,
        )
        for row in live.document.history
    ]
    lines = sorted([*newest, *older], key=lambda line: line.started_at, reverse=True)
    months = [(month, list(rows)) for month, rows in groupby(lines, key=lambda line: f"{_utc(line.started_at):%B %Y}")]
    done = [incident_line(row, live) for row in live.document.maintenances if row.resolved_at]
    return _render("status/history.html", "/status/history", live, months=months, maintenances=done)


def incident_page(row: IncidentDocument, live: Live) -> str:
    """`/status/incidents/<id>`."""
    return _render("status/incident.html", f"/status/incidents/{row.id}", live, incident=incident_line(row, live))[0]


def _render(template: str, path: str, live: Live, **context: object) -> tuple[str, str]:
    everything = {
        "live": live,
        "banner": live.banner,
        "status_banner": live.banner,
        "components": [_line(row, live) for row in live.components],
        **context,
    }
    # A bare request: the frame's context processors find nobody signed in and ask no session, hence no database.
    request = HttpRequest()
    request.path = path
    return render_to_string(template, everything, request), HTML


def _open(live: Live) -> dict[str, object]:
    return {
        "incidents": [incident_line(row, live) for row in live.unresolved],
        "running": [incident_line(row, live) for row in live.running],
        "ahead": [incident_line(row, live) for row in live.ahead],
    }


def _recent(live: Live) -> list[Past]:
    """The last days, newest first: each with what began on it, and quiet ones in a row as one."""
    if not live.document.version:
        return []
    today = live.as_of.astimezone(UTC).date()
    of: dict[date, list[IncidentLine]] = {today - timedelta(days=back): [] for back in range(RECENT_DAYS)}
    for row in live.document.incidents:
        day = _utc(row.started_at).date()
        if row.resolved_at and day in of:
            of[day].append(incident_line(row, live))
    pasts: list[Past] = []
    for is_quiet, days in groupby(of, key=lambda day: not of[day]):
        stretch = list(days)
        if is_quiet:
            pasts.append(Past(_stretch(stretch[-1], stretch[0]), []))
        else:
            pasts += [Past(_day(day), of[day]) for day in stretch]
    return pasts


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _stretch(first: date, last: date) -> str:
    if (first.year, first.month) == (last.year, last.month):
        return _day(last) if first == last else f"{first.day} to {_day(last)}"
    return f"{_day(first)} to {_day(last)}"


def incident_line(row: IncidentDocument, live: Live) -> IncidentLine:
    names = {one.document.id: one.document.name for one in live.components}
    return IncidentLine(
        id=row.id,
        name=row.name,
        impact=IMPACT_LABELS[row.impact],
        tone=IMPACT_TONES[row.impact],
        status=STATUS_LABELS[row.status],
        started_at=_utc(row.started_at),
        resolved_at=_utc(row.resolved_at) if row.resolved_at else None,
        lasted=duration(row.started_at, row.resolved_at)
        if row.resolved_at and row.resolved_at > row.started_at
        else "",
        updates=[UpdateLine(STATUS_LABELS[one.status], one.body, _utc(one.display_at)) for one in row.updates],
        components=", ".join(names[one.id] for one in row.components if one.id in names),
        scheduled_for=_utc(row.scheduled_for) if row.scheduled_for else None,
        scheduled_until=_utc(row.scheduled_until) if row.scheduled_until else None,
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _line(row: LiveComponent, live: Live) -> ComponentLine:
    # What was well when it was last seen is not said to be well now.
    is_unknown = live.is_stale and row.state in {ComponentState.OPERATIONAL, ComponentState.MAINTENANCE}
    days = row.document.days
    totals = Totals()
    for day in days:
        totals = totals.plus(Totals(day.measured, day.partial, day.major, day.maintenance))
    uptime = percent(totals.uptime)
    measured = sum(day.measured > 0 for day in days)
    bad = [f"{_day(day.day)}: {_fate(day)}" for day in days if day.partial or day.major]
    return ComponentLine(
        name=row.document.name,
        description=row.document.description,
        state="Unknown" if is_unknown else ComponentState(row.state).label,
        tone="unknown" if is_unknown else TONES[row.state],
        cause=CAUSES.get(row.cause, ""),
        runs=list(_runs(days)),
        summary=_summary(uptime, measured, len(bad)) + (f" {_counted_until(live)}" if live.is_stale else ""),
        bad_days=bad,
    )


def _summary(uptime: str, measured: int, bad: int) -> str:
    if not uptime:
        return "No data for the last 90 days yet."
    days = f"{measured} of the last 90 days measured" if measured < 90 else "the last 90 days"
    trouble = f"{bad} {'day' if bad == 1 else 'days'} with downtime" if bad else "no downtime"
    return f"{uptime} % uptime, {days}, {trouble}."


def _counted_until(live: Live) -> str:
    """What an old figure must say with it, or a hundred per cent would be claimed for hours that nobody counted."""
    built = _utc(live.as_of)
    return f"Counted until {_day(built.date())}, {built:%H:%M} UTC."


def _runs(days: Iterable[Day]) -> Iterator[Run]:
    for fate, run in groupby(enumerate(days), key=lambda numbered: _fate(numbered[1])):
        places, stretch = zip(*run, strict=True)
        title = f"{_stretch(stretch[0].day, stretch[-1].day)}: {fate}."
        yield Run(_day_tone(stretch[0]), title, [place * 6 for place in places])


def _day_tone(day: Day) -> str:
    if day.measured == 0:
        return "maintenance" if day.maintenance else "none"
    if day.major:
        return "critical"
    return "major" if day.partial else "good"


def _fate(day: Day) -> str:
    if day.measured == 0:
        return "maintenance" if day.maintenance else "no data"
    parts = [
        f"{_minutes(seconds)} of {name}"
        for seconds, name in ((day.major, "major outage"), (day.partial, "partial outage"))
        if seconds
    ]
    return " and ".join(parts) or "no downtime"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
