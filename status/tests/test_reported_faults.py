"""What others reported of their status pages, of feeds, validators and caches: each with what is right here."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from django.test import Client
from icalendar import Calendar

from status import health
from status.broker import BrokerSight
from status.evidence import NOTHING
from status.health import HealthDesk
from status.incidents import correct_title, post_update
from status.memory import memory
from status.models import Component, Incident, IncidentStatus
from status.tests.make import SUPPORT, make_incident, make_maintenance, make_update
from status.tests.scenes import show
from status.tests.test_views import PATHS

pytestmark = pytest.mark.django_db
FEEDS = ["/status/history.atom", "/status/history.rss"]
LISTS = ["incidents", "incidents/unresolved", "scheduled-maintenances/upcoming"]
NAME = "Card payments \x0b failing \x1b[31mnow\x1b[0m \uffff 🚀 & <b>"
WORDS = "step 1\b\r\nstep 2\u2028end\x85 \ufffe tab:\t ]]> done"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("path", FEEDS)
def test_signs_that_xml_cannot_hold_break_no_feed(client: Client, now: datetime, path: str) -> None:
    make_incident(at=now, name="Another one")
    post_update(make_incident(at=now, name=NAME), make_update(body=WORDS), by=SUPPORT, at=now)
    show(now)

    body = client.get(path).content

    feed = feedparser.parse(body)
    text = "".join(ET.fromstring(body).itertext())
    assert (feed.bozo, len(feed.entries)) == (0, 2)
    assert "Card payments  failing [31mnow[0m  🚀 & <b>" in text
    assert "step 1\nstep 2\u2028end\x85  tab:\t ]]> done" in text


def test_signs_that_xml_cannot_hold_break_no_calendar(client: Client, now: datetime) -> None:
    make_maintenance(start=now + DAY, end=now + 2 * DAY, at=now, name=NAME, body=WORDS)
    show(now)

    event = Calendar.from_ical(client.get("/status/maintenance.ics").content).events[0]

    assert "🚀 & <b>" in str(event["summary"])
    assert "]]> done" in str(event["description"])


@pytest.mark.parametrize("path", FEEDS)
def test_what_staff_write_is_no_markup_in_a_reader(client: Client, now: datetime, path: str) -> None:
    post_update(make_incident(at=now), make_update(body="<b>bold</b> &amp;"), by=SUPPORT, at=now)
    show(now)

    entry = feedparser.parse(client.get(path).content, sanitize_html=False).entries[0]

    told = entry.content[0] if "content" in entry else entry.summary_detail
    assert ("<b>" in told.value) == (told.type == "text/plain")


@pytest.mark.parametrize("path", [*FEEDS, "/status/maintenance.ics", *(f"/api/v2/{name}.json" for name in LISTS)])
def test_nothing_to_tell_is_the_same_bytes_each_time(client: Client, now: datetime, path: str) -> None:
    show(now)
    before = client.get(path)

    show(now + HOUR)
    after = client.get(path)

    assert (before.status_code, before["ETag"], before.content) == (200, after["ETag"], after.content)


def test_a_calendar_without_an_event_holds_a_component(client: Client, now: datetime) -> None:
    show(now)

    empty = Calendar.from_ical(client.get("/status/maintenance.ics").content)

    assert [part.name for part in empty.subcomponents] == ["VTIMEZONE"]
    assert (empty.errors, str(empty["version"]), bool(empty["prodid"])) == ([], "2.0", True)


def test_nothing_to_tell_is_said_in_words(client: Client, now: datetime) -> None:
    show(now)

    assert "No incident" in client.get("/status/history").text
    assert client.get("/api/v2/incidents.json").json()["incidents"] == []


def make_two(now: datetime) -> tuple[Incident, Incident]:
    """One that was resolved last week with three updates, and one that is open."""
    old = make_incident(at=now - 7 * DAY, name="Slow anwsers")
    for status in (IncidentStatus.IDENTIFIED, IncidentStatus.RESOLVED):
        post_update(old, make_update(status, "More."), by=SUPPORT, at=now - 7 * DAY + HOUR)
    return old, make_incident(at=now - HOUR, name="Failed logins")


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_does_not_change_by_itself(client: Client, now: datetime, path: str) -> None:
    make_two(now)
    show(now)
    before = client.get(path)

    Component.objects.filter(slug="api").update(name="Interface", updated_at=now)
    show(now + HOUR)
    memory.take(memory.live().document.model_dump_json())

    assert client.get(path).content == before.content


def stamps(client: Client, path: str) -> dict[str, str]:
    feed = feedparser.parse(client.get(path).content)
    return {entry.id: str((entry.title, dict.get(entry, "updated"), entry.get("content"))) for entry in feed.entries}


def test_one_entry_changes_and_keeps_its_id(client: Client, now: datetime) -> None:
    _, still_open = make_two(now)
    show(now)
    before = stamps(client, FEEDS[0])

    post_update(still_open, make_update(IncidentStatus.IDENTIFIED, "Found."), by=SUPPORT, at=now)
    show(now)
    after = stamps(client, FEEDS[0])

    assert before.keys() == after.keys()
    assert [key.rpartition("/")[2] for key in before if before[key] != after[key]] == [still_open.public_id]


@pytest.mark.parametrize("path", FEEDS)
def test_a_corrected_title_changes_one_entry_and_no_id(client: Client, now: datetime, path: str) -> None:
    old, _ = make_two(now)
    show(now)
    before = stamps(client, path)

    correct_title(old, "Slow answers", by=SUPPORT, at=now, reason="A slip.")
    show(now)
    after = stamps(client, path)

    assert before.keys() == after.keys()
    assert [key.rpartition("/")[2] for key in before if before[key] != after[key]] == [old.public_id]


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_is_as_old_as_its_newest_entry(client: Client, now: datetime, path: str) -> None:
    _, newest = make_two(now)
    show(now)

    feed = feedparser.parse(client.get(path).content)

    assert feed.feed.updated_parsed == newest.updated_at.utctimetuple()
    assert feed.entries[0].title == "Investigating: Failed logins"


def known_tags(etag: str) -> Iterator[tuple[str, int]]:
    yield from ((one, 304) for one in (etag, f"W/{etag}", f'"other", W/{etag}', f'{etag} , "other"', "*"))
    yield from ((one, 200) for one in ('"other"', "nonsense", ""))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_tag_that_came_back_weak_is_known(client: Client, now: datetime, path: str, encoding: str) -> None:
    show(now)
    first = client.get(path, headers={"Accept-Encoding": encoding})

    for tag, status in known_tags(first["ETag"]):
        for ask in (client.get, client.head):
            again = ask(path, headers={"If-None-Match": tag, "Accept-Encoding": encoding})
            assert (tag, again.status_code) == (tag, status)
            if status == 304:
                names = ("Cache-Control", "Vary", "Access-Control-Allow-Origin")
                assert [again.get(name) for name in names] == [first.get(name) for name in names]


@pytest.mark.parametrize("path", ["/health", "/api/status/health", "/api/status/ready"])
@pytest.mark.parametrize("is_down", [False, True])
def test_no_cache_keeps_health(client: Client, monkeypatch: pytest.MonkeyPatch, path: str, is_down: bool) -> None:
    monkeypatch.setattr(health, "look_at_broker", lambda: BrokerSight(answers=True))
    if is_down:
        monkeypatch.setattr("status.views.desk", HealthDesk(lambda: NOTHING))

    for answer in (client.get(f"{path}?x=1"), client.head(path)):
        assert answer.status_code == (503 if is_down and path != "/health" else 200)
        assert answer["Cache-Control"] == "no-store"
        assert not {"ETag", "Expires", "Last-Modified"} & answer.headers.keys()
        assert ("Accept" in answer.get("Vary", "")) == (path != "/health")
