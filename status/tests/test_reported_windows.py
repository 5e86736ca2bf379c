"""Windows that nobody begins or ends by hand, or that staff move, and incidents that are written down afterwards."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from status.component_states import ComponentState
from status.incidents import RefusedError, Said, Update, check_past, post_update, record_past
from status.ledger import downtime, segments_of, windows_of
from status.live import Live, Sight, lay_over
from status.models import Impact, Incident, IncidentStatus, Notice, StateInterval, Subscriber, SubscriberState
from status.pages import history
from status.publishing import build
from status.statuspage import maintenance_json
from status.tests.make import NOON, SUPPORT, component, make_incident, make_maintenance, make_update
from status.tests.scenes import show
from status.tests.test_status_admin import ADD, LIST, filled, make_staff

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
S = IncidentStatus
ENDS = NOON + 30 * MINUTE


@pytest.fixture
def window() -> Incident:
    """From noon to half past, announced three days before; nobody touches it."""
    return make_maintenance(start=NOON, end=ENDS, at=NOON - 3 * DAY)


def read(at: datetime) -> Live:
    """What a web process says whose newest snapshot is from before the window."""
    return lay_over(build(1, at=NOON - HOUR), Sight(1.0, {}, at), at=at)


@pytest.mark.parametrize(
    ("at", "status", "counts", "banner"),
    [
        (NOON - 30 * SECOND, "scheduled", (0, 1), "All Systems Operational"),
        (NOON + 3 * SECOND, "in_progress", (1, 0), "Service Under Maintenance"),
        (ENDS + 3 * SECOND, "completed", (0, 0), "All Systems Operational"),
    ],
)
def test_a_window_goes_by_the_readers_clock(
    window: Incident, at: datetime, status: str, counts: tuple[int, int], banner: str
) -> None:
    live = read(at)

    told = maintenance_json(live.document.maintenances[0], live)
    assert (told["status"], len(live.running), len(live.ahead), live.banner.text) == (status, *counts, banner)
    assert (told["resolved_at"] is None) == (status != "completed")


def test_a_window_that_is_over_is_in_the_history(window: Incident) -> None:
    assert "Disk move" in history(read(ENDS + 3 * SECOND))[0]


def test_an_outage_within_a_window_is_what_the_banner_tells(window: Incident) -> None:
    make_incident(at=NOON + 5 * MINUTE, api=ComponentState.MAJOR)

    assert read(NOON + 6 * MINUTE).banner.text == "Major Service Outage"


def test_a_window_that_staff_finished_leaves_out_no_more(window: Incident) -> None:
    for status, minutes in ((S.IN_PROGRESS, 0), (S.COMPLETED, 15)):
        post_update(window, make_update(status, "So it is."), by=SUPPORT, at=NOON + minutes * MINUTE)
    StateInterval.objects.create(
        component=component(),
        state=ComponentState.MAJOR,
        started_at=NOON,
        seen_at=ENDS,
        is_open=False,
    )

    assert downtime([component()], NOON.date(), at=NOON + HOUR).minutes == 15


def prolong(window: Incident, end: datetime, *, at: datetime) -> None:
    update = make_update(S.IN_PROGRESS, "It takes longer.", api=ComponentState.MAINTENANCE)
    longer = Update(update.status, update.body, update.states, window=(NOON, end))
    post_update(window, longer, by=SUPPORT, at=at)


def test_a_prolonged_window_is_never_green_between(window: Incident) -> None:
    prolong(window, ENDS + 30 * MINUTE, at=ENDS - MINUTE)

    seen = [read(ENDS + minutes * MINUTE).banner.indicator for minutes in (-2, 0, 29, 30)]
    assert seen == ["maintenance"] * 3 + ["none"]


def test_what_was_not_announced_in_time_is_not_left_out(window: Incident) -> None:
    prolong(window, ENDS + 30 * MINUTE, at=ENDS - MINUTE)

    left_out = windows_of([component()], NOON - DAY, NOON + DAY)
    assert [(one.start, one.end) for one in left_out[component().pk]] == [(NOON, ENDS)]


def test_a_window_moved_long_before_is_left_out_whole() -> None:
    window = make_maintenance(start=NOON + 3 * DAY, end=NOON + 3 * DAY + HOUR)

    window.move_window(NOON + 4 * DAY, NOON + 4 * DAY + 2 * HOUR, at=NOON)

    assert window.left_out == (NOON + 4 * DAY, NOON + 4 * DAY + 2 * HOUR)


def test_a_window_moved_at_short_notice_is_not_left_out() -> None:
    window = make_maintenance(start=NOON + 3 * DAY, end=NOON + 3 * DAY + HOUR)

    window.move_window(NOON + DAY, NOON + DAY + HOUR, at=NOON)

    left_out = windows_of([component()], NOON, NOON + 5 * DAY)
    assert [one for one in left_out[component().pk] if one.start < one.end] == []


@pytest.mark.parametrize(
    ("start", "end"), [(NOON, NOON), (NOON - HOUR, ENDS), (NOON + MINUTE, ENDS + HOUR), (NOON, NOON + 4 * MINUTE)]
)
def test_a_window_under_way_is_moved_to_nothing_impossible(window: Incident, start: datetime, end: datetime) -> None:
    moved = Update(S.IN_PROGRESS, "Moved.", window=(start, end))

    with pytest.raises(RefusedError):
        post_update(window, moved, by=SUPPORT, at=NOON + 5 * MINUTE)

    window.refresh_from_db()
    assert (window.status, window.scheduled_until) == (S.SCHEDULED, ENDS)


def test_staff_prolong_a_window_on_its_page(client: Client) -> None:
    now = timezone.now()
    window = make_maintenance(start=now - HOUR, end=now + HOUR, at=now - 3 * DAY)
    client.force_login(make_staff("view_incident", "publish_incident"))
    end = timezone.localtime(now + 3 * HOUR).replace(second=0, microsecond=0)
    facts = filled(seen=1, status="in_progress", state_api="under_maintenance", end=f"{end:%Y-%m-%dT%H:%M}")

    client.post(f"{LIST}{window.pk}/change/", facts)
    show(now)

    window.refresh_from_db()
    assert (window.scheduled_until, window.scheduled_for) == (end, now - HOUR)
    events = Calendar.from_ical(client.get("/status/maintenance.ics").content).events
    assert [(event.end, str(event["sequence"])) for event in events] == [(end, "2")]


def test_words_alone_move_no_window(client: Client) -> None:
    now = timezone.now()
    window = make_maintenance(start=now + DAY, end=now + DAY + HOUR, at=now)
    client.force_login(make_staff("view_incident", "publish_incident"))
    shown = [f"{timezone.localtime(one):%Y-%m-%dT%H:%M}" for one in (now + DAY, now + DAY + HOUR)]
    facts = filled(seen=1, status="scheduled", start=shown[0], end=shown[1])

    client.post(f"{LIST}{window.pk}/change/", facts)

    window.refresh_from_db()
    assert (window.updates.count(), window.scheduled_for, window.left_out_from) == (2, now + DAY, None)


WRITTEN = datetime(2026, 12, 9, 15, tzinfo=UTC)
BEGAN = datetime(2026, 11, 30, 23, 10, tzinfo=UTC)
OVER = datetime(2026, 12, 1, 0, 40, tzinfo=UTC)


def said() -> list[Said]:
    """As it went, and out of order."""
    down = {"api": ComponentState.MAJOR}
    times = [(S.RESOLVED, 90), (S.INVESTIGATING, 5), (S.IDENTIFIED, 40)]
    return [Said(BEGAN + at * MINUTE, make_update(status, "So it was.", **down)) for status, at in times]


def write_down(what: list[Said]) -> Incident:
    StateInterval.objects.create(
        component=component(),
        state=ComponentState.OPERATIONAL,
        started_at=BEGAN.replace(day=1, hour=0, minute=0),
        seen_at=WRITTEN,
    )
    return record_past("API refused calls", Impact.CRITICAL, what, started_at=BEGAN, by=SUPPORT, at=WRITTEN)


@pytest.mark.parametrize("count", [3, 1])
def test_what_is_written_down_later_counts_when_it_was(count: int) -> None:
    write_down(said()[:count])

    november, december = (downtime([component()], date(2026, month, 1), at=WRITTEN) for month in (11, 12))
    pieces = segments_of(component(), BEGAN - DAY, WRITTEN)
    assert (november.minutes, december.minutes) == (50, 40)
    assert f"{november.totals.uptime:.6f}" == "0.998843"
    assert [(one.start, one.end) for one in pieces if one.state == ComponentState.MAJOR] == [(BEGAN, OVER)]


def test_what_is_written_down_later_is_told_with_its_own_times() -> None:
    incident = write_down(said())
    live = lay_over(build(1, at=WRITTEN), Sight(1.0, {}, WRITTEN), at=WRITTEN)

    shown = live.document.incidents[0]
    assert [(one.status, one.display_at - BEGAN) for one in shown.updates] == [
        (S.RESOLVED, 90 * MINUTE),
        (S.IDENTIFIED, 40 * MINUTE),
        (S.INVESTIGATING, 5 * MINUTE),
    ]
    assert (shown.started_at, shown.resolved_at, incident.created_at) == (BEGAN, OVER, WRITTEN)
    assert (live.unresolved, live.banner.indicator) == ((), "none")
    assert "1 hour 30 minutes" in history(live)[0]


@pytest.mark.parametrize(
    ("began", "ended", "words"),
    [
        (OVER, BEGAN, "cannot have ended before it began"),
        (BEGAN + 10 * MINUTE, OVER, "cannot be older than the beginning"),
        (WRITTEN + HOUR, WRITTEN + 2 * HOUR, "cannot have begun in the future"),
        (BEGAN, WRITTEN + HOUR, "cannot lie in the future"),
    ],
)
def test_what_cannot_have_been_so_is_refused(began: datetime, ended: datetime, words: str) -> None:
    told = [Said(ended, make_update(S.RESOLVED, "Over.")), Said(BEGAN, make_update(S.INVESTIGATING))]

    with pytest.raises(RefusedError, match=words):
        check_past(told if began != OVER else told[:1], started_at=began, at=WRITTEN)


def past_facts(now: datetime, **changes: object) -> dict[str, object]:
    ago = {"started_at": 10, "ended_at": 8, "identified_at": 9}
    times = {name: f"{timezone.localtime(now - hours * HOUR):%Y-%m-%dT%H:%M}" for name, hours in ago.items()}
    return filled(status="resolved", body="Over.", identified="Found.", state_api="major_outage") | times | changes


def test_staff_write_an_incident_down_in_one_go_and_nobody_is_alarmed(client: Client) -> None:
    client.force_login(make_staff("view_incident", "publish_incident"))
    Subscriber.objects.create(email="ada@example.com", state=SubscriberState.ACTIVE, asked_at=NOON)

    client.post(f"{ADD}?kind=past", past_facts(timezone.now()))

    incident = Incident.objects.get()
    assert [one.status for one in incident.updates.all()] == ["resolved", "identified"]
    assert incident.resolved_at == incident.started_at + 2 * HOUR
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ended_at": "2020-01-01T10:00"}, "cannot have ended before it began"),
        ({"identified_at": "2020-01-01T10:00"}, "cannot be older than the beginning"),
        ({"started_at": "2999-01-01T10:00"}, "cannot have begun in the future"),
        ({"ended_at": "2999-01-01T10:00"}, "cannot lie in the future"),
        ({"identified": ""}, "Give both the time and the words"),
        ({"ended_at": ""}, "This field is required"),
    ],
)
def test_the_form_says_what_cannot_have_been_so(client: Client, changes: dict[str, object], words: str) -> None:
    client.force_login(make_staff("view_incident", "publish_incident"))

    shown = client.post(f"{ADD}?kind=past", past_facts(timezone.now(), **changes))

    assert words in shown.text
    assert not Incident.objects.exists()


def test_an_incident_may_be_opened_with_the_time_at_which_it_began(client: Client) -> None:
    client.force_login(make_staff("view_incident", "publish_incident"))
    began = timezone.localtime(timezone.now() - HOUR).replace(second=0, microsecond=0)

    client.post(ADD, filled(started_at=f"{began:%Y-%m-%dT%H:%M}"))

    assert Incident.objects.get().impacts.get().started_at == began
