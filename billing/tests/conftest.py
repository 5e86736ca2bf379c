from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from billing.models import PaymentFailure
from billing.tests.make import SECRET, START, Scene
from testing.fake_resend import FakeResend
from testing.fake_stripe import FakeStripe
from testing.processes import Processes


@pytest.fixture
def scene(db: None, settings: Settings, tmp_path: Path) -> Iterator[Scene]:
    """Without a Stripe key: Levqor judges by the events it stored."""
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_LIVEMODE = False
    settings.MAILERS = {
        "default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": {"folder": str(tmp_path / "mail")}}
    }
    with FakeStripe(secret=SECRET, now=int(START.timestamp())) as fake:
        yield Scene(fake)
    _next_steps_are_known()


def _next_steps_are_known() -> None:
    """Whatever a test did: each case knows when its first unsent step is due, since the queue is made of that."""
    for case in PaymentFailure.objects.prefetch_related("steps"):
        planned = [step.scheduled_for for step in case.steps.all() if step.status in {"pending", "sending"}]
        assert case.next_step_at == (planned[0] if planned else None), f"case {case.pk} does not know its next step"


@pytest.fixture
def keyed_scene(scene: Scene, settings: Settings) -> Scene:
    """With a key: the invoice is read from the fake Stripe before each send."""
    settings.STRIPE_SECRET_KEY = scene.fake.api_key
    settings.STRIPE_API_BASE = scene.fake.url
    return scene


@pytest.fixture
def provider(scene: Scene, settings: Settings) -> Iterator[FakeResend]:
    """Mail goes to a fake Resend, whose reports are signed."""
    with FakeResend() as fake:
        settings.RESEND_API_KEY, settings.RESEND_SIGNING_SECRET = fake.api_key, fake.secret
        options = {"api_key": fake.api_key, "api_url": fake.url}
        settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.ResendBackend", "OPTIONS": options}}
        settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": (5, 5)}
        yield fake


@pytest.fixture
def processes(processes: Processes) -> Processes:
    """With the secret that signs this room's webhooks."""
    processes.environment |= {"STRIPE_WEBHOOK_SECRET": SECRET}
    return processes
