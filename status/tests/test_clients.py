"""Clients of other makers read our answers unmodified, in calm and in every kind of trouble."""

import asyncio
import dataclasses
import datetime

import feedparser
import pytest
from django.test import Client
from health_check.contrib.atlassian import AtlassianStatusPage
from health_check.exceptions import StatusPageWarning
from icalendar import Calendar
from pytest_django.live_server_helper import LiveServer

from status import watcher
from status.statuspage_schema import DESCRIPTIONS, FILES, Incident, SummaryFile
from status.tests.make import component
from status.tests.scenes import Scene, calm, database_down, incident, maintenance, nothing_known, stale

# Each with the indicator that it has for clients.
SCENES: dict[str, tuple[Scene, str]] = {
    "calm": (calm, "none"),
    "incident": (incident, "major"),
    "maintenance": (maintenance, "maintenance"),
    "database down": (database_down, "critical"),
}


@pytest.fixture(autouse=True)
def _nobody_looks_by_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "PAUSE_SECONDS", float("inf"))


@pytest.fixture
def now() -> datetime.datetime:
    return datetime.datetime.now().astimezone()


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES)
def test_every_file_is_statuspage_v2_to_the_letter(client: Client, now: datetime.datetime, scene: str) -> None:
    prepare, indicator = SCENES[scene]
    prepare(now)

    for name, schema in FILES.items():
        schema.model_validate_json(client.get(f"/api/v2/{name}.json").content)

    summary = SummaryFile.model_validate_json(client.get("/api/v2/summary.json").content)
    assert summary.status.model_dump() == {"indicator": indicator, "description": DESCRIPTIONS[indicator]}
    assert [row.status for row in summary.components] == sorted_states(scene)
    newest_first = [row.incident_updates for row in summary.incidents]
    assert all([*updates] == sorted(updates, key=lambda one: one.display_at, reverse=True) for updates in newest_first)


def sorted_states(scene: str) -> list[str]:
    """Of Dashboard, API and Background Jobs, in the order of the page."""
    api = {"incident": "partial_outage", "maintenance": "under_maintenance", "database down": "major_outage"}
    jobs = "degraded_performance" if scene == "database down" else "operational"
    return ["operational", api.get(scene, "operational"), jobs]


def test_the_schema_refuses_what_is_not_in_it() -> None:
    with pytest.raises(ValueError, match="extra_forbidden"):
        SummaryFile.model_validate({"page": {}, "more": 1})
    with pytest.raises(ValueError, match="literal_error"):
        Incident.model_validate({"status": "unknown"})


def ask(url: str, component: str = "") -> None:
    """django-health-check's own client for Statuspage, on our address."""

    @dataclasses.dataclass
    class Levqor(AtlassianStatusPage):  # type: ignore[misc]  # django-health-check carries no types
        timeout: datetime.timedelta = datetime.timedelta(seconds=10)
        base_url: str = url
        component: str = ""

    asyncio.run(Levqor(component=component).run())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scene", ["calm", "maintenance"])
def test_django_health_check_finds_no_incident(live_server: LiveServer, now: datetime.datetime, scene: str) -> None:
    SCENES[scene][0](now)

    assert ask(live_server.url, component("api").name) is None  # type: ignore[func-returns-value]  # it raises otherwise


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scene", ["incident", "database down"])
def test_django_health_check_reads_an_open_incident(
    live_server: LiveServer, now: datetime.datetime, scene: str
) -> None:
    SCENES[scene][0](now)

    with pytest.raises(StatusPageWarning, match="Slow answers"):
        ask(live_server.url, component("api").name)


# What statuspage-exporter (sergeyshevch/statuspage-exporter, pkg/engines/statuspageio) turns into figures: closed lists, in
# which maintenance, here as with Statuspage itself, is not.
EXPORTER_STATES = {"operational", "degraded_performance", "partial_outage", "major_outage"}
EXPORTER_INDICATORS = {"none", "minor", "major", "critical"}
# What stts (inket/stts, StatusPageService.swift) shows for each indicator; one that it does not know is no status to it.
STTS_SHOWS = {"none": "good", "minor": "minor", "major": "major", "critical": "major", "maintenance": "maintenance"}
WITHOUT_KNOWLEDGE: dict[str, Scene] = {"stale": stale, "nothing known": nothing_known}
EVERY_SCENE = {name: prepare for name, (prepare, _) in SCENES.items()} | WITHOUT_KNOWLEDGE


@pytest.mark.django_db
@pytest.mark.parametrize("scene", EVERY_SCENE)
def test_statuspage_exporter_finds_the_page_and_a_figure_for_each_component(
    client: Client, now: datetime.datetime, scene: str
) -> None:
    """It takes a page for Statuspage where HEAD succeeds, and reads the overall status from the components' file."""
    EVERY_SCENE[scene](now)

    found = client.head("/api/v2/components.json").status_code
    body = client.get("/api/v2/components.json").json()

    words = {row["status"] for row in body["components"]}
    assert 200 <= found < 300
    assert [type(body["page"][key]) for key in ("name", "url")] == [str, str]
    assert all(isinstance(row["name"], str) for row in body["components"])
    assert words - EXPORTER_STATES == ({"under_maintenance"} if scene == "maintenance" else set())
    assert {body["status"]["indicator"]} - EXPORTER_INDICATORS == ({"maintenance"} if scene == "maintenance" else set())
    assert scene not in WITHOUT_KNOWLEDGE or "operational" not in words


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        ("calm", "good"),
        ("incident", "major"),
        ("maintenance", "maintenance"),
        ("database down", "major"),
        ("stale", "minor"),
        ("nothing known", "minor"),
    ],
)
def test_stts_shows_what_is_the_case(client: Client, now: datetime.datetime, scene: str, shown: str) -> None:
    """It decodes the status as texts alone, so one value of another kind would be no status at all."""
    EVERY_SCENE[scene](now)

    status = client.get("/api/v2/status.json").json()["status"]

    assert {type(value) for value in status.values()} == {str}
    assert STTS_SHOWS.get(status["indicator"]) == shown


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", ["history.atom", "history.rss"])
def test_feedparser_reads_the_feeds(client: Client, now: datetime.datetime, name: str, scene: str) -> None:
    SCENES[scene][0](now)

    feed = feedparser.parse(client.get(f"/status/{name}").content)

    assert not feed.bozo
    assert len({entry.id for entry in feed.entries}) == len(feed.entries) > 0
    assert feed.entries[0].title.partition(": ")[2] in {"Slow answers", "Disk move"}


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES)
def test_icalendar_reads_the_maintenance(client: Client, now: datetime.datetime, scene: str) -> None:
    SCENES[scene][0](now)

    events = Calendar.from_ical(client.get("/status/maintenance.ics").content).events

    wanted = {"calm": ["CANCELLED"], "maintenance": ["CONFIRMED", "CONFIRMED"]}
    assert [str(event["status"]) for event in events] == wanted.get(scene, [])
    assert {str(event["summary"]) for event in events} <= {"Levqor maintenance: Disk move"}
    assert len({str(event["uid"]) for event in events}) == len(events)
