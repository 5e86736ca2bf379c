"""Fixtures for tests with Levqor's real processes: a broker, a fake Resend, and processes on the test's database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from levqor.lib.testing.brokers import OwnBroker, OwnFolder, OwnRedis
from levqor.lib.testing.fake_resend import FakeResend
from levqor.lib.testing.processes import Processes


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OwnBroker]:
    """Redis where the run is on Redis, else a folder as on a laptop; nobody else reads it."""
    with OwnRedis() if settings.REDIS_URL else OwnFolder(tmp_path / "broker") as own:
        yield own


@pytest.fixture
def resend() -> Iterator[FakeResend]:
    with FakeResend() as fake:
        yield fake


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, broker: OwnBroker, resend: FakeResend) -> Iterator[Processes]:
    """Workers, beats and web processes on this test's database, with mail going to the fake Resend."""
    environment = {
        "RESEND_API_KEY": resend.api_key,
        "RESEND_API_URL": resend.url,
        "STATUS_DIR": str(tmp_path / "status"),
    }
    with Processes(tmp_path, broker, **environment) as started:
        yield started
