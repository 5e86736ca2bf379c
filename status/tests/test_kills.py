"""SIGKILL of the worker at each boundary of telling subscribers: nobody is missed, nobody is told twice by the provider."""

import signal
from collections import Counter
from datetime import timedelta

import pytest

from levqor.lib.testing.brokers import wait_until
from levqor.lib.testing.fake_resend import FakeResend
from levqor.lib.testing.processes import Boundary, Processes
from levqor.lib.testing.soak import soak_all_but
from levqor.mail.models import OutgoingMail
from status.models import Notice, NoticeStatus, Subscriber, SubscriberState
from status.tests.make import NOON, make_incident

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

PEOPLE = [f"{name}@example.com" for name in ("ada", "bob", "cy", "dee")]
TASKS = ("status.write_notices", "mail.deliver_due")
BOUNDARIES: list[Boundary] = [
    ("status.emails", "incident_update", "before"),
    ("status.emails", "incident_update", "after"),
    ("levqor.mail.outbox", "_hand_over", "before"),
    ("levqor.mail.outbox", "_hand_over", "after"),
]


@pytest.fixture
def told() -> None:
    """An update of which four people are to hear."""
    Subscriber.objects.bulk_create(
        Subscriber(email=email, state=SubscriberState.ACTIVE, asked_at=NOON) for email in PEOPLE
    )
    make_incident()


@pytest.mark.parametrize("boundary", soak_all_but([0, 3], [(boundary,) for boundary in BOUNDARIES]), ids="-".join)
def test_a_killed_worker_is_followed_by_one_that_tells_the_rest(
    told: None, processes: Processes, resend: FakeResend, boundary: Boundary
) -> None:
    processes.move_to(NOON)
    killed = processes.start("worker", dies_at=boundary)
    wait_until(lambda: killed.wait(0.2) is not None, meanwhile=lambda: processes.broker.publish(*TASKS))
    assert killed.wait() == -signal.SIGKILL

    # The mail that was in its hands is free again when the lease is over.
    processes.move_to(NOON + timedelta(minutes=5))
    processes.start("worker")
    wait_until(everybody_was_told, meanwhile=lambda: processes.broker.publish(*TASKS))

    assert Counter(address for mail in resend.mails for address in mail.body["to"]) == Counter(PEOPLE)
    assert Notice.objects.filter(status=NoticeStatus.WRITTEN).count() == len(PEOPLE)


def everybody_was_told() -> bool:
    return OutgoingMail.objects.filter(status="sent").count() == len(PEOPLE)
