"""The snapshot as it must be read: a dead system never looks green."""

from datetime import timedelta

import pytest

from status.component_states import ComponentState
from status.judgement import NO_EVIDENCE, Judgement
from status.live import EMPTY_DOCUMENT, NO_SNAPSHOT_AGE, Live, Sight, lay_over, window_state
from status.tests.make import NOON, component_document, status_document, window_document

DEAD = Judgement(ComponentState.MAJOR, "database")
HOUR = timedelta(hours=1)


def read(document=None, *, age=1.0, at=NOON, **judgements) -> Live:  # type: ignore[no-untyped-def]
    return lay_over(document or status_document(), Sight(age, judgements, at), at=at)


@pytest.mark.parametrize(
    ("state", "text", "indicator"),
    [
        (ComponentState.OPERATIONAL, "All Systems Operational", "none"),
        (ComponentState.MAINTENANCE, "Service Under Maintenance", "maintenance"),
        (ComponentState.DEGRADED, "Partially Degraded Service", "minor"),
        (ComponentState.PARTIAL, "Partial System Outage", "major"),
        (ComponentState.MAJOR, "Major Service Outage", "critical"),
    ],
)
def test_the_banner_is_that_of_the_worst_component(state: ComponentState, text: str, indicator: str) -> None:
    live = read(status_document(component_document("jobs"), component_document(state=state)))

    assert (live.banner.text, live.banner.indicator) == (text, indicator)


def test_a_dead_database_wins_over_a_green_snapshot() -> None:
    assert read(api=DEAD).banner.text == "Major Service Outage"


def test_an_old_snapshot_leaves_green_by_itself() -> None:
    live = read(age=91)

    assert live.banner.text == "Status Unknown"
    assert live.as_of == NOON


def test_an_old_snapshot_does_not_hide_an_outage() -> None:
    assert read(age=91, api=DEAD).banner.text == "Major Service Outage"


def test_without_any_snapshot_a_dead_database_is_told_all_the_same() -> None:
    live = read(EMPTY_DOCUMENT, age=NO_SNAPSHOT_AGE, api=DEAD)

    assert live.banner.text == "Major Service Outage"
    assert [(row.document.name, row.cause) for row in live.components if row.cause] == [("API", "database")]


def test_without_any_snapshot_and_any_finding_nothing_is_claimed() -> None:
    live = read(EMPTY_DOCUMENT, age=NO_SNAPSHOT_AGE, api=NO_EVIDENCE, jobs=NO_EVIDENCE)

    assert live.banner.text == "Status Unknown"


def test_maintenance_begins_and_ends_by_the_clock() -> None:
    window = window_document(NOON, NOON + HOUR)

    states = [window_state(window, at=NOON + shift) for shift in (-HOUR, timedelta(0), HOUR)]

    assert states == ["ahead", "running", "over"]


def test_maintenance_that_waits_for_a_person_stays_ahead() -> None:
    assert window_state(window_document(NOON, NOON + HOUR, starts_itself=False), at=NOON) == "ahead"


def test_maintenance_that_does_not_end_by_itself_goes_on() -> None:
    assert window_state(window_document(NOON, NOON + HOUR, ends_itself=False), at=NOON + 2 * HOUR) == "running"


def test_maintenance_never_hides_an_outage() -> None:
    document = status_document(maintenances=(window_document(NOON, NOON + HOUR),))

    assert read(document).banner.text == "Service Under Maintenance"
    assert read(document, api=DEAD).banner.text == "Major Service Outage"
