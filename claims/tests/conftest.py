from collections.abc import Iterator

import pytest
import stripe
from pytest_django import Settings

from claims.tests.make import NOW
from testing.fake_stripe import FakeStripe
from testing.inner_stripe import InnerStripe


@pytest.fixture
def inner(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[InnerStripe]:
    """A fake Stripe within this process, whose key is set."""
    fake = FakeStripe(now=int(NOW.timestamp()))
    inner = InnerStripe(fake)
    settings.STRIPE_SECRET_KEY = fake.api_key
    settings.STRIPE_API_BASE = ""
    monkeypatch.setattr(stripe, "RequestsClient", inner.client)
    yield inner
    assert not fake.failures
