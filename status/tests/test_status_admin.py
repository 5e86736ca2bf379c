"""The back office of the status page: one screen to open an incident, and nobody without the right to."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from levqor.accounts.models import User
from levqor.audit.models import AuditEntry
from levqor.mail.models import OutgoingMail
from status.component_states import ComponentState
from status.incidents import draft_incident, post_update
from status.models import Component, Incident, IncidentStatus, Snapshot, Subscriber, SubscriberState
from status.subscriptions import write_notices
from status.tests.make import NOON, SUPPORT, component, make_incident, make_maintenance, make_update

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/status/incident/add/", "/admin/status/incident/"


def make_staff(*permissions: str) -> User:
    user = User.objects.create_user("ann@levqor.test", "a long enough passphrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="status"))
    return user


@pytest.fixture
def publisher(client: Client) -> Client:
    client.force_login(make_staff("view_incident", "publish_incident"))
    return client


def filled(**changes: object) -> dict[str, object]:
    states = {f"state_{one.slug}": "operational" for one in Component.objects.all()}
    words = {"name": "Slow answers", "impact": "minor", "status": "investigating", "body": "We are looking.", "seen": 0}
    return states | words | {"state_api": "partial_outage", "publish": "1"} | changes


def test_one_screen_opens_an_incident_and_publishes_it(publisher: Client, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    with django_capture_on_commit_callbacks(execute=True):
        publisher.post(ADD, filled())

    incident = Incident.objects.get()
    assert (incident.status, incident.updates.count()) == (IncidentStatus.INVESTIGATING, 1)
    assert "Slow answers" in Snapshot.objects.get().body


def test_a_preview_publishes_nothing(publisher: Client) -> None:
    shown = publisher.post(ADD, _preview(filled()))

    assert "[Investigating] Slow answers" in shown.text
    assert not Incident.objects.exists()


def _preview(facts: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if name != "publish"} | {"preview": "1"}


def preview_of(page: str) -> str:
    letter = re.search(r'<pre class="letter-text">(.*?)</pre>', page, re.DOTALL)
    assert letter
    return what_it_says(unescape(letter[1]))


def what_it_says(letter: str) -> str:
    """Without the minute in which it was written, and what is each subscriber's own."""
    return re.sub(r"\d\d:\d\d UTC", "", letter).partition("All updates:")[0].strip()


@pytest.mark.parametrize(
    "said",
    [
        {"status": "investigating"},
        {"status": "identified", "state_api": "major_outage"},
        {"status": "resolved", "state_api": "partial_outage"},
    ],
)
def test_the_preview_of_an_update_is_its_mail(publisher: Client, said: dict[str, object]) -> None:
    incident = make_incident(api=ComponentState.PARTIAL)
    Subscriber.objects.create(email="ada@example.com", state=SubscriberState.ACTIVE, asked_at=NOON)
    url, facts = f"{LIST}{incident.pk}/change/", filled(seen=1, body="So <it> is.", notify="on", **said)

    shown = preview_of(publisher.post(url, _preview(facts)).text)
    publisher.post(url, facts)
    write_notices(at=NOON)

    assert what_it_says(OutgoingMail.objects.get(name="status/update").text_body) == shown


def test_the_preview_of_a_draft_has_the_title_that_staff_give_it(publisher: Client) -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    assert draft

    facts = filled(name="The API is away", impact="critical", state_api="major_outage")
    shown = publisher.post(f"{LIST}{draft.pk}/change/", _preview(facts)).text

    assert "[Investigating] The API is away" in shown
    assert "impact: Critical" in preview_of(shown)


@pytest.mark.parametrize("query", ["", "?kind=maintenance"])
def test_a_button_pressed_twice_opens_one(publisher: Client, query: str) -> None:
    window = _window_facts(*(timezone.localtime() + timedelta(days=days) for days in (3, 4)), state_api="on")
    once = (window if query else filled()) | {"public_id": field_of(publisher.get(ADD + query).text, "public_id")}

    answers = [publisher.post(ADD + query, once) for _ in range(2)]

    assert Incident.objects.get().updates.count() == 1
    assert len({answer["Location"] for answer in answers}) == 1
    assert "pressed twice" in publisher.get(answers[1]["Location"]).text


def field_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found
    return found[1]


def test_two_forms_open_two(publisher: Client) -> None:
    ids = {field_of(publisher.get(ADD).text, "public_id") for _ in range(2)}

    for public_id in ids:
        publisher.post(ADD, filled(public_id=public_id))

    assert set(Incident.objects.values_list("public_id", flat=True)) == ids


@pytest.mark.parametrize("public_id", ["<script>", "0" * 13, "\0" + "0" * 12])
def test_an_id_that_no_form_gave_is_refused(publisher: Client, public_id: str) -> None:
    assert "errorlist" in publisher.post(ADD, filled(public_id=public_id)).text
    assert not Incident.objects.exists()


def test_an_incident_says_what_it_touches(publisher: Client) -> None:
    refused = publisher.post(ADD, filled(state_api="operational"))

    assert "Say which component is touched" in refused.text
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("state", "impact"), [("degraded_performance", "minor"), ("partial_outage", "major"), ("major_outage", "critical")]
)
def test_the_impact_follows_the_worst_component(publisher: Client, state: str, impact: str) -> None:
    publisher.post(ADD, filled(impact="", state_api=state, state_jobs="degraded_performance"))

    assert Incident.objects.get().impact == impact


def test_the_next_update_starts_from_the_present_status(publisher: Client) -> None:
    incident = make_incident()
    post_update(incident, make_update(IncidentStatus.MONITORING, "It holds."), by=SUPPORT, at=NOON)

    assert '<option value="monitoring" selected>' in publisher.get(f"{LIST}{incident.pk}/change/").text


def test_a_window_that_did_not_begin_is_marked(publisher: Client) -> None:
    make_maintenance(start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2))

    assert "but its time is over" in publisher.get(LIST).text


def test_the_second_of_two_people_is_told_and_keeps_the_words(publisher: Client) -> None:
    incident = make_incident()
    url = f"{LIST}{incident.pk}/change/"
    first = filled(status="identified", seen=1, body="Found it.")

    publisher.post(url, first)
    second = publisher.post(url, filled(status="monitoring", seen=1, body="My own words."))

    assert "Somebody posted an update" in second.text
    assert "My own words." in second.text
    assert incident.updates.count() == 2


def test_maintenance_needs_a_window_in_the_future(publisher: Client) -> None:
    now = timezone.localtime()
    window = {"start": now - timedelta(hours=2), "end": now - timedelta(hours=1), "state_api": "on"}

    refused = publisher.post(f"{ADD}?kind=maintenance", _window_facts(**window))

    assert "lies in the past" in refused.text


def test_a_window_is_announced(publisher: Client) -> None:
    now = timezone.localtime()
    window = {"start": now + timedelta(days=3), "end": now + timedelta(days=3, hours=1), "state_api": "on"}

    publisher.post(f"{ADD}?kind=maintenance", _window_facts(**window))

    assert Incident.objects.maintenances().get().status == IncidentStatus.SCHEDULED


def _window_facts(start, end, **more: object) -> dict[str, object]:  # type: ignore[no-untyped-def]
    times = {"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{end:%Y-%m-%dT%H:%M}"}
    words = {"name": "Disk move", "status": "scheduled", "body": "We move a disk.", "seen": 0, "publish": "1"}
    return times | words | {"starts_itself": "on", "ends_itself": "on"} | more


def test_a_draft_is_published_under_the_title_that_staff_give_it(publisher: Client) -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    assert draft

    publisher.post(f"{LIST}{draft.pk}/change/", filled(name="The API is away", impact="critical"))

    draft.refresh_from_db()
    assert (draft.name, draft.status) == ("The API is away", IncidentStatus.INVESTIGATING)


def test_a_draft_is_dismissed_with_a_reason(publisher: Client) -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    assert draft

    publisher.post(f"{LIST}{draft.pk}/dismiss/", {"reason": ""})
    draft.refresh_from_db()
    without = draft.status
    publisher.post(f"{LIST}{draft.pk}/dismiss/", {"reason": "Our own load test."})

    draft.refresh_from_db()
    assert (without, draft.status) == (IncidentStatus.DRAFT, IncidentStatus.DISMISSED)


def correct(client: Client, incident: Incident, **changes: str) -> str:
    facts = {"name": "Slow answers", "seen_name": incident.name, "reason": "A slip."} | changes
    return client.post(f"{LIST}{incident.pk}/title/", facts, follow=True).text


def test_a_corrected_title_is_kept_in_the_trail(publisher: Client, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    incident = make_incident(name="Slow anwsers")

    with django_capture_on_commit_callbacks(execute=True):
        correct(publisher, incident)

    incident.refresh_from_db()
    entry = AuditEntry.objects.about(incident).get(verb="title.corrected")
    assert (incident.name, incident.updates.count()) == ("Slow answers", 1)
    assert "Slow answers" in Snapshot.objects.get().body
    assert entry.note.text == "It was “Slow anwsers”. A slip."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "This field is required"),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed"),
        ({"name": "Slow anwsers"}, "this one it has"),
        ({"reason": ""}, "Why?: This field is required"),
        ({"seen_name": "What it was before"}, "Somebody changed it"),
    ],
)
def test_a_title_that_cannot_be_is_refused_with_words(publisher: Client, changes: dict[str, str], words: str) -> None:
    incident = make_incident(name="Slow anwsers")

    assert words in correct(publisher, incident, **changes)
    incident.refresh_from_db()
    assert incident.name == "Slow anwsers"


def test_a_draft_has_no_title_on_the_page(publisher: Client) -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    assert draft

    assert "look at it again" in correct(publisher, draft, name="Another")


def test_who_may_only_read_cannot_publish(client: Client) -> None:
    client.force_login(make_staff("view_incident"))
    incident = make_incident()

    codes = [
        client.get(LIST).status_code,
        client.get(ADD).status_code,
        client.post(f"{LIST}{incident.pk}/dismiss/", {"reason": "x"}).status_code,
        client.post(f"{LIST}{incident.pk}/title/", {"name": "x"}).status_code,
    ]
    client.post(f"{LIST}{incident.pk}/change/", filled(seen=1, status="resolved"))

    incident.refresh_from_db()
    assert codes == [200, 403, 403, 403]
    assert incident.status == IncidentStatus.INVESTIGATING


def test_a_stranger_sees_nothing(client: Client) -> None:
    client.force_login(make_staff())

    assert {client.get(path).status_code for path in (LIST, ADD, f"{LIST}{make_incident().pk}/change/")} == {403}


def test_a_changed_component_is_published(client: Client, django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    client.force_login(make_staff("view_component", "change_component"))
    facts = {"name": "API", "description": "", "manual_state": "degraded_performance", "position": 2, "start_date": ""}

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/status/component/{component().pk}/change/", facts)

    assert "degraded_performance" in Snapshot.objects.get().body
