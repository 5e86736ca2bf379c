"""The forms of the back office say by themselves what they were opened with: who changes nothing, changes nothing."""

from datetime import timedelta

import pytest

from status.admin_forms import UpdateForm
from status.component_states import ComponentState
from status.incidents import post_update
from status.models import Incident
from status.tests.make import NOON, SUPPORT, make_incident, make_maintenance

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def sent_as_opened(incident: Incident, status: str) -> UpdateForm:
    """The form as a browser sends it when only words are added."""
    opened = UpdateForm(incident)
    states = {f"state_{one.slug}": opened[f"state_{one.slug}"].value() for one in opened.components}
    return UpdateForm(incident, states | {"status": status, "body": "More words.", "seen": opened.updates_now})


def test_the_next_words_on_a_window_leave_its_components_under_maintenance() -> None:
    window = make_maintenance(start=NOON + HOUR, end=NOON + 2 * HOUR)

    form = sent_as_opened(window, "in_progress")

    assert form.is_valid()
    assert post_update(window, form.update(), by=SUPPORT, at=NOON + HOUR).affected == []
    assert window.impacts.get().ended_at is None


def test_the_next_words_on_an_incident_leave_its_components_as_they_are() -> None:
    incident = make_incident(api=ComponentState.PARTIAL)

    form = sent_as_opened(incident, "identified")

    assert form.is_valid()
    assert post_update(incident, form.update(), by=SUPPORT, at=NOON + HOUR).affected == []
