from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from billing.tests.make import SECRET, START, Scene
from levqor.lib.testing.fake_stripe import FakeStripe


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


@pytest.fixture
def keyed_scene(scene: Scene, settings: Settings) -> Scene:
    """With a key: the invoice is read from the fake Stripe before each send."""
    settings.STRIPE_SECRET_KEY = scene.fake.api_key
    settings.STRIPE_API_BASE = scene.fake.url
    return scene
