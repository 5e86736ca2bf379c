"""SIGKILL at each boundary of a send: at the provider there is one mail per step, and no step is skipped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from billing.models import DunningStep
from billing.tests.make import SECRET, START, Scene
from levqor.lib.testing.fake_resend import FakeResend
from levqor.lib.testing.fake_stripe import FakeStripe
from levqor.mail.models import OutgoingMail

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

# A pass in a process of its own that kills itself as soon as the named function is entered (or left).
DYING_PASS = """
import importlib, os, signal, sys
from datetime import datetime
import django
django.setup()
module_name, function, when, moment = sys.argv[1:5]
if function:
    module = importlib.import_module(module_name)
    original = getattr(module, function)
    def dying(*args, **kwargs):
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, function, dying)
from billing.dunning import run_dunning_job
run_dunning_job(at=datetime.fromisoformat(moment))
"""
BOUNDARIES = [
    ("billing.dunning", "_claim", "before"),
    ("billing.dunning", "_claim", "after"),
    ("billing.dunning", "_write_mail", "before"),
    ("billing.dunning", "_write_mail", "after"),
    ("levqor.mail.outbox", "_hand_over", "before"),
    ("levqor.mail.outbox", "_hand_over", "after"),
    ("billing.dunning", "deliver", "after"),
    ("billing.dunning", "_record", "before"),
    ("billing.dunning", "_record", "after"),
]


@pytest.fixture
def resend() -> Iterator[FakeResend]:
    with FakeResend() as fake:
        yield fake


@pytest.fixture
def case(transactional_db: None, settings: Settings) -> str:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    return Scene(FakeStripe(secret=SECRET, now=int(START.timestamp()))).fail(next_attempt=None)


def run_pass(resend: FakeResend, boundary: tuple[str, str, str], *, minutes: float) -> int:
    """A pass at day 1 plus so many minutes, in its own process against this test's database; its exit code."""
    moment = START + timedelta(days=1, minutes=minutes)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "levqor.settings",
        "DEBUG": "true",
        "DATABASE_URL": database_url(),
        "RESEND_API_KEY": resend.api_key,
        "RESEND_API_URL": resend.url,
        "STRIPE_SECRET_KEY": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", DYING_PASS, *boundary, moment.isoformat()], env=environment, check=False, timeout=60
    )
    return done.returncode


def database_url() -> str:
    stored = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{stored['NAME']}"
    return f"postgres://{stored['USER']}@{stored['HOST']}:{stored['PORT']}/{stored['NAME']}"


@pytest.mark.parametrize("boundary", BOUNDARIES, ids="-".join)
def test_a_pass_killed_at_a_boundary_is_finished_by_the_next(
    case: str, resend: FakeResend, boundary: tuple[str, str, str]
) -> None:
    assert run_pass(resend, boundary, minutes=0) == -signal.SIGKILL

    codes = [run_pass(resend, ("", "", ""), minutes=minutes) for minutes in (3, 6)]

    assert codes == [0, 0]
    assert len(resend.mails) == 1
    step = DunningStep.objects.get(attempt_number=1)
    assert (step.status, step.mail and step.mail.status) == ("sent", "sent")


def test_an_answer_that_is_lost_makes_no_second_mail(case: str, resend: FakeResend) -> None:
    resend.cut_after_accept()

    run_pass(resend, ("", "", ""), minutes=0)
    status_after_the_cut = OutgoingMail.objects.get().status
    run_pass(resend, ("", "", ""), minutes=5)

    assert status_after_the_cut == "pending"
    assert (len(resend.attempts), len(resend.mails)) == (2, 1)
    assert OutgoingMail.objects.get().status == "sent"
