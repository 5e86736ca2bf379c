"""SIGKILL of a Celery worker at each boundary of a send: at the provider there is one mail per step, none is skipped."""

import signal
from datetime import timedelta

import pytest
from pytest_django import Settings

from billing.models import DunningStep
from billing.tests.make import SECRET, START, Scene
from levqor.mail.models import OutgoingMail
from testing.brokers import wait_until
from testing.fake_resend import FakeResend
from testing.fake_stripe import FakeStripe
from testing.processes import Boundary, Processes
from testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

PASS = "billing.send_due_steps"
BOUNDARIES: list[Boundary] = [
    ("billing.dunning", "_claim", "before"),
    ("billing.dunning", "_claim", "after"),
    ("billing.dunning", "_ready_mail", "before"),
    ("billing.dunning", "_ready_mail", "after"),
    ("levqor.mail.outbox", "_hand_over", "before"),
    ("levqor.mail.outbox", "_hand_over", "after"),
    ("billing.dunning", "deliver", "after"),
    ("billing.dunning", "_record", "before"),
    ("billing.dunning", "_record", "after"),
]


@pytest.fixture
def scene(transactional_db: None, settings: Settings) -> Scene:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    scene = Scene(FakeStripe(secret=SECRET, now=int(START.timestamp())))
    scene.fail(next_attempt=None)
    return scene


def order_pass(processes: Processes, *, day: float) -> None:
    """One dunning pass waits in the queue, and the clock of whoever takes it reads START plus so many days."""
    processes.move_to(START + timedelta(days=day))
    processes.broker.publish(PASS)


def run_pass(processes: Processes, *, day: float) -> None:
    """One dunning pass in a new worker, to its end."""
    order_pass(processes, day=day)
    worker = processes.start("worker")
    wait_until(lambda: worker.has_run(PASS), what="the worker ends its pass")
    worker.kill()


@pytest.mark.parametrize("boundary", soak_all_but([1, 3, 5, 7], [(boundary,) for boundary in BOUNDARIES]), ids="-".join)
def test_a_worker_killed_at_a_boundary_is_followed_by_one_that_finishes(
    scene: Scene, processes: Processes, resend: FakeResend, boundary: tuple[str, str, str]
) -> None:
    order_pass(processes, day=1)
    assert processes.start("worker", dies_at=boundary).wait() == -signal.SIGKILL

    run_pass(processes, day=1.01)

    step = DunningStep.objects.get(attempt_number=1)
    assert (step.status, step.mail and step.mail.status) == ("sent", "sent")
    assert len(resend.mails) == 1


def test_a_pool_process_killed_after_ever_more_commits_reaches_the_suspension(
    scene: Scene, processes: Processes, resend: FakeResend
) -> None:
    processes.start("worker")
    for step, day in ((1, 1), (2, 7)):
        processes.move_to(START + timedelta(days=day))
        wait_until(lambda: is_done(step), meanwhile=lambda: processes.broker.publish(PASS))  # noqa: B023  # called at once

    lives = 0
    while not is_done(3):
        lives += 1
        processes.fuse.value = lives
        processes.move_to(START + timedelta(days=14 + lives / 100))
        wait_until(lambda: processes.fuse.value == 0 or is_done(3), meanwhile=lambda: processes.broker.publish(PASS))

    assert lives > 5
    assert scene.mails() == ["first_notice", "second_notice", "final_notice"]
    assert len(resend.mails) == 3


def is_done(step: int) -> bool:
    is_sent = DunningStep.objects.filter(attempt_number=step, status="sent").exists()
    return is_sent and (step < 3 or DunningStep.objects.filter(failure__suspended_at__isnull=False).exists())


def test_an_answer_that_is_lost_makes_no_second_mail(scene: Scene, processes: Processes, resend: FakeResend) -> None:
    resend.cut_after_accept()

    run_pass(processes, day=1)
    status_after_the_cut = OutgoingMail.objects.get().status
    run_pass(processes, day=1.01)

    assert status_after_the_cut == "pending"
    assert (len(resend.attempts), len(resend.mails)) == (2, 1)
    assert OutgoingMail.objects.get().status == "sent"
