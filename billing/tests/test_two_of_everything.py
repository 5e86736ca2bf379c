"""Two beats, two workers and two commands, where one of each would do: at the provider there is one mail per step."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from billing.models import DunningStep
from billing.tests.make import SECRET, START, Scene
from levqor.accounts.models import Suspension
from levqor.lib.testing.brokers import wait_until
from levqor.lib.testing.fake_resend import FakeResend
from levqor.lib.testing.fake_stripe import FakeStripe
from levqor.lib.testing.processes import Processes, Running

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

PASS = "billing.send_due_steps"
CUSTOMERS = 12


@pytest.fixture
def scene(transactional_db: None, settings: Settings) -> Scene:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    scene = Scene(FakeStripe(secret=SECRET, now=int(START.timestamp())))
    for _ in range(CUSTOMERS):
        scene.fail(next_attempt=None)
    return scene


@pytest.mark.soak
def test_two_beats_two_workers_and_two_commands_send_each_step_once(
    scene: Scene, processes: Processes, resend: FakeResend
) -> None:
    processes.move_to(START)
    workers = [processes.start("worker") for _ in range(2)]
    for _ in range(2):
        processes.start("beat", beats={"Billing dunning processor": 0.5})
    wait_until(lambda: all(worker.has_run(PASS) for worker in workers), what="both workers have run a pass")

    for number, day in enumerate([1, 7, 14], start=1):
        commands = start_two_commands(processes, at=START + timedelta(days=day))
        wait_until(lambda: number in begun_steps(), what=f"a command has begun step {number}")  # noqa: B023  # called at once
        processes.move_to(START + timedelta(days=day))
        assert [command.wait() for command in commands] == [0, 0]
        wait_until(lambda: sent_steps()[number] == CUSTOMERS, what=f"step {number} is sent everywhere")  # noqa: B023

    assert sent_steps() == {1: CUSTOMERS, 2: CUSTOMERS, 3: CUSTOMERS}
    assert len(resend.mails) == len({mail.key for mail in resend.mails}) == 3 * CUSTOMERS
    wait_until(lambda: Suspension.objects.count() == CUSTOMERS, what="every account is suspended")


def start_two_commands(processes: Processes, *, at: datetime) -> list[Running]:
    return [processes.run("manage.py", "run_dunning_job", "--now", at.isoformat()) for _ in range(2)]


def begun_steps() -> set[int]:
    return set(DunningStep.objects.exclude(status="pending").values_list("attempt_number", flat=True))


def sent_steps() -> Counter[int]:
    return Counter(DunningStep.objects.filter(status="sent").values_list("attempt_number", flat=True))
