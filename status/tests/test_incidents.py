"""Incidents and maintenance: what staff do, what the probes draft, and what the ledger makes of it."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import transaction

from levqor.audit.models import AuditEntry
from levqor.lib.states import IllegalMoveError
from status.component_states import ComponentState
from status.incidents import (
    RefusedError,
    dismiss,
    draft_incident,
    move_maintenances,
    note_recovery,
    post_update,
    publish_draft,
)
from status.judgement import FINE, Judgement
from status.ledger import downtime, observe
from status.live import Sight, lay_over
from status.models import Impact, Incident, IncidentStatus, StateInterval
from status.observing import observe_all
from status.publishing import REFRESH_TASK, build
from status.tests.make import NOON, SUPPORT, component, make_incident, make_maintenance, make_update

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAD = Judgement(ComponentState.MAJOR, "database")


def test_an_incident_holds_its_component_until_it_is_resolved() -> None:
    incident = make_incident(api=ComponentState.MAJOR)
    while_open = build(1, at=NOON).components[1].state

    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + HOUR)

    assert while_open == ComponentState.MAJOR
    assert build(2, at=NOON + HOUR).components[1].state == ComponentState.OPERATIONAL
    assert incident.resolved_at == NOON + HOUR


def test_every_update_leaves_an_audit_entry() -> None:
    incident = make_incident()

    assert AuditEntry.objects.about(incident).count() == 1


def test_an_update_tells_which_component_went_from_what_to_what() -> None:
    incident = make_incident(api=ComponentState.PARTIAL)

    row = post_update(
        incident, make_update(IncidentStatus.IDENTIFIED, "Worse.", api=ComponentState.MAJOR), by=SUPPORT, at=NOON + HOUR
    )

    assert [(one["old_status"], one["new_status"]) for one in row.affected] == [("partial_outage", "major_outage")]


def test_an_update_without_words_is_refused_and_changes_nothing() -> None:
    incident = make_incident()

    with pytest.raises(RefusedError):
        post_update(incident, make_update(IncidentStatus.RESOLVED, "  "), by=SUPPORT, at=NOON + HOUR)

    incident.refresh_from_db()
    assert incident.status == IncidentStatus.INVESTIGATING


def test_a_resolved_incident_may_come_back() -> None:
    incident = make_incident()
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + HOUR)

    post_update(incident, make_update(IncidentStatus.INVESTIGATING, "Not fixed."), by=SUPPORT, at=NOON + 2 * HOUR)

    assert incident.resolved_at is None


def test_between_its_end_and_its_return_an_incident_is_no_downtime() -> None:
    incident = make_incident(api=ComponentState.MAJOR)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + HOUR)
    again = make_update(IncidentStatus.INVESTIGATING, "Not fixed.", api=ComponentState.MAJOR)
    post_update(incident, again, by=SUPPORT, at=NOON + 4 * HOUR)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + 5 * HOUR)

    assert downtime([component()], NOON.date(), at=NOON + 40 * DAY).minutes == 120


def test_a_component_that_an_update_adds_is_down_from_then_on() -> None:
    incident = make_incident(api=ComponentState.DEGRADED)
    worse = make_update(IncidentStatus.IDENTIFIED, "Jobs as well.", jobs=ComponentState.MAJOR)
    post_update(incident, worse, by=SUPPORT, at=NOON + 2 * HOUR)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + 3 * HOUR)

    assert downtime([component("jobs")], NOON.date(), at=NOON + 40 * DAY).minutes == 60


def test_a_draft_that_is_published_counts_from_when_the_probes_were_bad() -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(seconds=20))
    assert draft
    states = make_update(api=ComponentState.MAJOR, jobs=ComponentState.MAJOR)
    publish_draft(draft, "The API is away", Impact.CRITICAL, states, by=SUPPORT, at=NOON + HOUR)
    post_update(draft, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + 2 * HOUR)

    found = [downtime([component(slug)], NOON.date(), at=NOON + 40 * DAY).minutes for slug in ("api", "jobs")]
    assert found == [120, 120]


def test_a_postmortem_looks_back_and_holds_no_component() -> None:
    incident = make_incident(api=ComponentState.MAJOR)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + HOUR)

    looked_back = make_update(IncidentStatus.POSTMORTEM, "A disk was full.", api=ComponentState.MAJOR)
    post_update(incident, looked_back, by=SUPPORT, at=NOON + 2 * HOUR)

    assert downtime([component()], NOON.date(), at=NOON + 40 * DAY).minutes == 60


def test_two_at_once_do_not_both_say_the_next_thing() -> None:
    incident = make_incident()
    again = make_update(IncidentStatus.INVESTIGATING, "Still looking.")
    post_update(incident, again, by=SUPPORT, at=NOON + HOUR, seen=1)

    with pytest.raises(RefusedError, match="Somebody posted"):
        post_update(incident, again, by=SUPPORT, at=NOON + HOUR, seen=1)
    assert incident.updates.count() == 2


def test_what_breaks_within_a_window_is_shown_and_what_is_done_is_not() -> None:
    window = make_maintenance(start=NOON + HOUR, end=NOON + 4 * HOUR)
    move_maintenances(at=NOON + HOUR)
    window.refresh_from_db()
    shown = []
    for state in (ComponentState.MAJOR, ComponentState.OPERATIONAL):
        post_update(window, make_update(IncidentStatus.IN_PROGRESS, "News.", api=state), by=SUPPORT, at=NOON + 2 * HOUR)
        live = lay_over(build(1, at=NOON + 2 * HOUR), Sight(0.0, {}, NOON), at=NOON + 2 * HOUR)
        shown.append(next(row.state for row in live.components if row.document.slug == "api"))

    assert shown == [ComponentState.MAJOR, ComponentState.OPERATIONAL]


def test_an_incident_never_becomes_maintenance() -> None:
    with pytest.raises(IllegalMoveError):
        post_update(make_incident(), make_update(IncidentStatus.SCHEDULED), by=SUPPORT, at=NOON)


def test_maintenance_begins_and_ends_by_itself() -> None:
    window = make_maintenance(start=NOON + HOUR, end=NOON + 2 * HOUR)

    for at in (NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 2 * HOUR):
        move_maintenances(at=at)

    window.refresh_from_db()
    assert [row.status for row in window.updates.order_by("pk")] == ["scheduled", "in_progress", "completed"]
    assert window.status == IncidentStatus.COMPLETED


def test_a_window_that_cannot_be_moved_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = (make_maintenance(start=NOON + HOUR, end=NOON + 2 * HOUR) for _ in range(2))
    advance = Incident.advance

    def stumble(row: Incident, *args: Any, **kwargs: Any) -> None:
        if row.pk == broken.pk:
            raise RuntimeError("This row alone.")
        advance(row, *args, **kwargs)

    monkeypatch.setattr(Incident, "advance", stumble)

    assert move_maintenances(at=NOON + HOUR) == 1
    fine.refresh_from_db()
    assert fine.status == IncidentStatus.IN_PROGRESS
    assert [row.is_overdue(at=NOON + HOUR + timedelta(minutes=3)) for row in (broken, fine)] == [True, False]


def test_a_page_that_cannot_be_published_is_left_to_the_worker(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("status.publishing.publish", Mock(side_effect=RuntimeError("No page.")))
    monkeypatch.setattr("status.publishing.nudge", lambda task: transaction.on_commit(lambda: woken.append(task)))

    with django_capture_on_commit_callbacks(execute=True):
        incident = make_incident()

    assert woken == [REFRESH_TASK]
    assert Incident.objects.get() == incident


@pytest.mark.parametrize(("start", "end"), [(2 * HOUR, HOUR), (-2 * HOUR, -HOUR)])
def test_a_window_that_makes_no_sense_is_refused(start: timedelta, end: timedelta) -> None:
    with pytest.raises(RefusedError):
        make_maintenance(start=NOON + start, end=NOON + end)


def test_three_bad_rounds_draft_one_incident() -> None:
    for seconds in (0, 10):
        observe_all({"api": BAD}, at=NOON + timedelta(seconds=seconds))
    after_two = Incident.objects.count()

    for seconds in (20, 30, 40):
        observe_all({"api": BAD}, at=NOON + timedelta(seconds=seconds))

    draft = Incident.objects.get()
    assert after_two == 0
    assert (draft.status, draft.started_at) == (IncidentStatus.DRAFT, NOON)


def test_a_draft_of_which_nobody_could_be_told_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("The outbox is away.")

    monkeypatch.setattr("status.emails.send", fail)

    with pytest.raises(RuntimeError):
        draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)

    assert not Incident.objects.exists()


def test_a_draft_is_not_public() -> None:
    draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)

    assert build(1, at=NOON).incidents == ()
    assert build(1, at=NOON).components[1].state == ComponentState.OPERATIONAL


def test_flapping_is_one_incident() -> None:
    draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    note_recovery(component(), at=NOON + timedelta(minutes=5))

    draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(minutes=10))

    assert Incident.objects.get().recovered_at is None


def test_a_relapse_after_the_resolution_is_told_to_staff_and_drafts_nothing() -> None:
    incident = make_incident()
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON)

    drafted = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(minutes=10))

    incident.refresh_from_db()
    assert drafted is None
    assert incident.relapsed_at == NOON + timedelta(minutes=10)


def test_a_relapse_is_over_with_the_incident_that_it_reopened() -> None:
    incident = make_incident()
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON)
    draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(minutes=10))

    for status in (IncidentStatus.INVESTIGATING, IncidentStatus.RESOLVED):
        post_update(incident, make_update(status, "Again."), by=SUPPORT, at=NOON + HOUR)

    incident.refresh_from_db()
    assert (incident.status, incident.relapsed_at) == (IncidentStatus.RESOLVED, None)


def test_a_dismissed_draft_stays_away_for_half_an_hour() -> None:
    draft = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON)
    assert draft
    dismiss(draft, by=SUPPORT, at=NOON, reason="Our own test.")

    soon = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(minutes=29))
    later = draft_incident(component(), ComponentState.MAJOR, since=NOON, at=NOON + timedelta(minutes=31))

    assert soon is None
    assert later is not None


def test_the_ledger_grows_one_interval_while_nothing_changes() -> None:
    for seconds in (0, 10, 20):
        observe(component(), FINE, at=NOON + timedelta(seconds=seconds))

    assert StateInterval.objects.get().seen_at == NOON + timedelta(seconds=20)


def test_a_hole_in_the_ledger_is_no_data() -> None:
    observe(component(), FINE, at=NOON)
    observe(component(), FINE, at=NOON + HOUR)
    observe(component(), FINE, at=NOON + HOUR + timedelta(seconds=60))

    found = downtime([component()], NOON.date(), at=NOON + 2 * HOUR)

    assert found.totals.measured == 60


def test_the_months_downtime_takes_the_worst_of_all_components() -> None:
    for state, slug in ((ComponentState.PARTIAL, "api"), (ComponentState.MAJOR, "jobs")):
        incident = make_incident(at=NOON, **{slug: state})
        post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=NOON + HOUR)

    found = downtime([component("api"), component("jobs")], NOON.date(), at=NOON + 40 * DAY)

    assert (found.minutes, found.is_final) == (60, True)


def test_a_month_s_announced_maintenance_is_maintenance_and_no_hole() -> None:
    start = NOON + timedelta(hours=48)
    make_maintenance(start=start, end=start + HOUR)
    for slug, ends in (("api", start + 3 * HOUR), ("jobs", start + HOUR / 2)):
        facts = {"component": component(slug), "state": ComponentState.OPERATIONAL, "started_at": start}
        StateInterval.objects.create(**facts, seen_at=ends, is_open=False)

    found = downtime([component("api"), component("jobs")], NOON.date(), at=NOON + 40 * DAY)

    # Of the hour one half was told of by the other component, and two hours follow it.
    assert (found.totals.maintenance, found.totals.measured) == (1800, 1800 + 7200)


@pytest.mark.parametrize(("ahead", "minutes"), [(timedelta(hours=48), 0), (timedelta(hours=47), 60)])
def test_only_maintenance_announced_48_hours_ahead_is_left_out(ahead: timedelta, minutes: int) -> None:
    start = NOON + ahead
    make_maintenance(start=start, end=start + HOUR)
    incident = make_incident(at=start, api=ComponentState.MAJOR)
    post_update(incident, make_update(IncidentStatus.RESOLVED, "Fixed."), by=SUPPORT, at=start + HOUR)

    assert downtime([component()], NOON.date(), at=NOON + 40 * DAY).minutes == minutes
