"""Many at the same moment: twenty equal disputes are one, and of customer and staff one acts on what they saw."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from disputes.models import Dispute
from disputes.tests.make import make_dispute, post_dispute, track_path
from levqor.cases.models import Case, CaseMessage, Deadline
from levqor.desk.roles import ensure_groups
from levqor.desk.tests.make import make_staff, signed_in
from levqor.lib.forms import HumanForm
from levqor.mail.models import OutgoingMail
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("key", ["", "one"])
@pytest.mark.parametrize("email", ["ada@fern.test", None])
def test_equal_disputes_at_once_are_one(key: str, email: str | None, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_EMAIL = 1

    def post(number: int) -> int:
        return int(post_dispute(Client(), key=key, email=email).status_code)

    statuses = set(together(20, post))

    # With a key, those that came while the first still ran are told so.
    assert statuses <= ({201, 409} if key else {201, 200})
    assert Dispute.objects.count() == Case.objects.count() == Deadline.objects.count() == 1
    assert OutgoingMail.objects.count() == (2 if email else 1)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite lets one writer in at a time anyway")
@pytest.mark.parametrize("turn", range(6))
def test_of_the_customer_who_escalates_and_staff_who_resolve_one_wins(
    turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_groups()
    monkeypatch.setattr(HumanForm, "_is_younger_than", lambda self, token, seconds: False)
    dispute = make_dispute()
    support = signed_in(make_staff("Support"))
    path, customer = track_path(dispute), Client()
    opened = customer.get(f"{path}/escalate").context
    form = {"body": "", "opened": opened["form"].fields["opened"].initial, "seen": opened["seen"]}
    words = {"words": "We do not agree.", "outcome": "not_agreed", "revision": Case.objects.get().revision}

    def act(number: int) -> int:
        if number:
            return int(support.post(f"/admin/disputes/dispute/{dispute.pk}/resolve/", words).status_code)
        return int(customer.post(f"{path}/escalate", form).status_code)

    escalated, resolved = together(2, act)

    dispute.refresh_from_db()
    outcomes = {("escalation", "open"): (303, 200), ("support", "resolved"): (409, 302)}
    assert (escalated, resolved) == outcomes[dispute.stage, dispute.status]
    assert Deadline.objects.filter(ended_at=None).count() == (1 if dispute.status == "open" else 0)
    assert CaseMessage.objects.count() == 1
    assert urlsplit(path).path == path


def test_a_button_pressed_ten_times_at_once_goes_one_stage_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HumanForm, "_is_younger_than", lambda self, token, seconds: False)
    path = f"{track_path(make_dispute())}/escalate"
    opened = Client().get(path).context
    form = {"body": "", "opened": opened["form"].fields["opened"].initial, "seen": opened["seen"]}

    statuses = Counter(together(10, lambda _: int(Client().post(path, form).status_code)))

    assert statuses == {303: 10}
    assert Dispute.objects.get().stage == "escalation"
    assert OutgoingMail.objects.filter(name="disputes/escalated").count() == 1
    assert connection.in_atomic_block is False
