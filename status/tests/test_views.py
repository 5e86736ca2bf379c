"""The public answers over HTTP: from memory, with validators, in every method, inert whatever is written into them."""

import gzip
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries

from status import watcher
from status.component_states import ComponentState
from status.incidents import post_update
from status.live import Live
from status.memory import StatusMemory, memory
from status.models import IncidentStatus, Snapshot
from status.publishing import publish
from status.tests import scenes
from status.tests.make import SUPPORT, make_incident, make_maintenance, make_update

pytestmark = pytest.mark.django_db

V2 = [
    "summary",
    "status",
    "components",
    "incidents",
    "incidents/unresolved",
    "scheduled-maintenances",
    "scheduled-maintenances/upcoming",
    "scheduled-maintenances/active",
]
JSON_PATHS = [f"/api/v2/{name}.json" for name in V2] + ["/api/status/uptime"]
OTHERS = ["/status", "/status/history", "/status/history.atom", "/status/history.rss", "/status/maintenance.ics"]
PATHS = [*JSON_PATHS, *OTHERS, "/status/badge.svg"]
NASTY = "<script>alert(1)</script>]]>\"'&<!--\x0b\uffff\r\nATTACH:file:///etc/passwd"


@pytest.fixture
def now() -> datetime:
    return datetime.now().astimezone()


def show(now: datetime) -> None:
    """Publishes, and lets this process pick it up as its watcher would."""
    publish(at=now)
    watcher.Watcher(memory).look()


@pytest.mark.parametrize("path", PATHS)
def test_it_answers_get_and_head_alike(client: Client, path: str, now: datetime) -> None:
    show(now)

    got, headed = client.get(path), client.head(path)

    assert (got.status_code, headed.status_code) == (200, 200)
    assert headed["Content-Length"] == got["Content-Length"] == str(len(got.content))
    assert headed.content == b""


@pytest.mark.parametrize("path", PATHS)
def test_it_asks_neither_the_database_nor_redis(
    client: Client,
    path: str,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show(now)
    # The web process has its watcher; the look by hand would be due here on a slow machine.
    monkeypatch.setattr(watcher, "PAUSE_SECONDS", float("inf"))

    with django_assert_num_queries(0):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_who_holds_the_bytes_already_gets_304(client: Client, path: str, now: datetime) -> None:
    show(now)
    etag = client.get(path)["ETag"]

    again = client.get(path, headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    # A cache would take the type over for what it holds.
    assert "Content-Type" not in again.headers


@pytest.mark.parametrize("path", ["/status", "/api/v2/summary.json"])
def test_a_query_string_gives_the_same_bytes(client: Client, path: str, now: datetime) -> None:
    show(now)

    assert client.get(f"{path}?bust=1")["ETag"] == client.get(path)["ETag"]


def test_the_compressed_form_holds_the_same_bytes(client: Client, now: datetime) -> None:
    show(now)

    zipped = client.get("/status", headers={"Accept-Encoding": "br, gzip"})

    assert zipped["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == client.get("/status").content
    assert len(zipped.content) < 30_000


def test_caches_may_serve_it_on_while_we_are_away(client: Client) -> None:
    assert "stale-if-error=86400" in client.get("/status")["Cache-Control"]


@pytest.mark.parametrize("path", JSON_PATHS)
def test_any_origin_may_read_the_json(client: Client, path: str) -> None:
    preflight = client.options(path)

    assert client.get(path)["Access-Control-Allow-Origin"] == "*"
    assert (preflight.status_code, preflight["Allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize("method", ["POST", "DELETE", "FOO"])
def test_the_json_can_only_be_read(path: str, method: str) -> None:
    refused = Client(enforce_csrf_checks=True).generic(method, path)

    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert refused["Allow"] == "GET, HEAD, OPTIONS"


def test_an_open_incident_is_on_the_page_and_in_the_json(client: Client, now: datetime) -> None:
    incident = make_incident(at=now, name="Slow answers", api=ComponentState.PARTIAL)
    show(now)

    summary = client.get("/api/v2/summary.json").json()

    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert [row["id"] for row in summary["incidents"]] == [incident.public_id]
    assert "Slow answers" in client.get("/status").text


def test_planned_maintenance_is_upcoming_and_not_active(client: Client, now: datetime) -> None:
    make_maintenance(start=now + timedelta(days=3), end=now + timedelta(days=3, hours=1), at=now)
    show(now)

    upcoming = client.get("/api/v2/scheduled-maintenances/upcoming.json").json()["scheduled_maintenances"]

    assert [row["status"] for row in upcoming] == ["scheduled"]
    assert client.get("/api/v2/scheduled-maintenances/active.json").json()["scheduled_maintenances"] == []


def test_the_uptime_can_be_computed_again_from_what_is_published(client: Client, now: datetime) -> None:
    incident = make_incident(at=now - timedelta(hours=1), api=ComponentState.PARTIAL)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=now)
    show(now)

    body = client.get("/api/status/uptime").json()

    api = next(row for row in body["components"] if row["id"] == "lvqc1api")
    down = measured = 0.0
    for piece in api["segments"]:
        if piece["status"] and not piece["maintenance"]:
            seconds = (datetime.fromisoformat(piece["end"]) - datetime.fromisoformat(piece["start"])).total_seconds()
            measured += seconds
            down += seconds * body["weights"].get(piece["status"], 0)
    assert api["uptime"] == pytest.approx(1 - down / measured, abs=1e-6)


def test_markup_in_titles_and_texts_is_inert_everywhere(client: Client, now: datetime) -> None:
    post_update(make_incident(at=now, name=NASTY), make_update(body=NASTY), by=SUPPORT, at=now)
    make_maintenance(start=now + timedelta(days=1), end=now + timedelta(days=2), at=now, name=NASTY, body=NASTY)
    show(now)

    answers = {path: client.get(path).text for path in PATHS}

    # A calendar has no markup: it is words there, as long as they begin no line of their own.
    assert [path for path, text in answers.items() if "<script>alert" in text] == ["/status/maintenance.ics"]
    for path in JSON_PATHS:
        json.loads(answers[path])
    for path in ("/status/history.atom", "/status/history.rss", "/status/badge.svg"):
        ET.fromstring(answers[path])
    event = Calendar.from_ical(answers["/status/maintenance.ics"]).events[0]
    assert "attach:file" in str(event["summary"]).lower()
    assert "attach" not in event


def test_what_is_stale_is_not_said_to_be_operational(client: Client, now: datetime) -> None:
    scenes.stale(now)

    shown = client.get("/status").text

    assert "Status Unknown" in shown
    assert "Operational" not in shown.partition("<main")[2].partition("</main>")[0]


def test_before_the_first_measurement_it_says_so(client: Client) -> None:
    shown = client.get("/status").text

    assert "Nothing is known yet" in shown
    assert "1970" not in shown


def test_a_window_of_one_day_says_the_date_once(client: Client, now: datetime) -> None:
    start = (now + timedelta(days=3)).replace(hour=5, minute=0)
    make_maintenance(start=start, end=start.replace(hour=6), at=now)
    show(now)

    assert f"{start:%H:%M}</time> to" in client.get("/status").text
    assert client.get("/status").text.count(f"{start.day} {start:%B %Y}") == 1


def test_an_incident_has_a_page_of_its_own(client: Client, now: datetime) -> None:
    incident = make_incident(at=now)
    show(now)

    assert "Slow answers" in client.get(f"/status/incidents/{incident.public_id}").text
    assert client.head(f"/status/incidents/{incident.public_id}").status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "FOO"])
def test_the_page_of_an_incident_can_only_be_read(method: str, now: datetime) -> None:
    refused = Client(enforce_csrf_checks=True).generic(method, f"/status/incidents/{make_incident(at=now).public_id}")

    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, OPTIONS")


def read_as_text(page: str) -> str:
    """As a browser without pictures and styles shows it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0])).split())


def test_the_bars_make_sense_as_text(client: Client, now: datetime) -> None:
    """A text browser reads out what each bar says: ninety times the same would bury the rest."""
    incident = make_incident(at=now - timedelta(hours=1), api=ComponentState.PARTIAL)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=now)
    show(now)

    text = read_as_text(client.get("/status").text)

    assert text.count(": no data.") == 3
    assert re.search(r"\d: \d+ minutes? of partial outage\.", text)
    assert len(text) < 3000


def test_an_old_figure_says_until_when_it_was_counted(client: Client, now: datetime) -> None:
    scenes.stale(now)
    stale = client.get("/status").text
    scenes.calm(now)

    built = memory.live().document.built_at.astimezone(UTC)
    assert (
        stale.count(f"Counted until {built.day} {built:%B %Y, %H:%M} UTC.") == stale.count("No data for the last") > 0
    )
    assert "Counted until" not in client.get("/status").text


def test_an_old_incident_is_read_from_the_database(client: Client, now: datetime) -> None:
    incident = make_incident(at=now)
    show(now)
    assert memory.take(memory.live().document.model_copy(update={"incidents": ()}).model_dump_json())

    assert client.get(f"/status/incidents/{incident.public_id}").status_code == 200


@pytest.mark.parametrize("public_id", ["nonsense", "%00", "a" * 500])
def test_an_unknown_incident_is_not_found(client: Client, public_id: str) -> None:
    assert client.get(f"/status/incidents/{public_id}").status_code == 404


@pytest.mark.parametrize(
    "break_it", [lambda body: body[:-9], lambda body: body.replace("partial_outage", "partial_joy")]
)
def test_a_broken_snapshot_leaves_the_last_good_one(now: datetime, break_it: Callable[[str], str]) -> None:
    """Cut off, or with a word that another version of ours may have written."""
    make_incident(at=now)
    show(now)
    version = memory.version

    assert memory.take(break_it(Snapshot.objects.get().body)) is False
    assert memory.version == version


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"null", b"[]", b'{"version": 9'])
def test_a_broken_file_is_no_reason_not_to_start(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "snapshot.json").write_bytes(body)

    assert StatusMemory(tmp_path).take_from_disk() is False


def test_what_was_seen_is_there_after_a_cold_start(tmp_path: Path, now: datetime) -> None:
    publish(at=now)
    StatusMemory(tmp_path).keep_on_disk(Snapshot.objects.get().body)

    cold = StatusMemory(tmp_path)

    assert cold.take_from_disk() is True
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"]


def test_it_is_drawn_and_compressed_once_for_all_who_ask(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    show(now)
    drawn = []

    def render(live: Live) -> tuple[str, str]:
        time.sleep(0.05)
        drawn.append(live)
        return "page", "text/plain"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: memory.answer("slow to draw", render), range(20)))

    assert len(drawn) == 1
    assert all(answer is answers[0] for answer in answers)
