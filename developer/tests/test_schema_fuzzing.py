"""Whatever fits the OpenAPI document, and whatever does not: every answer is one that the document declares.

schemathesis reads the document from a server of this very code and makes its requests up from it, with all its checks.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from developer.tests.make import make_account, make_key
from levqor.lib.openapi import document

HERE = Path(__file__).parent


def fuzz(server: LiveServer, settings: Settings, folder: Path, *, examples: int, seed: str = "") -> str:
    """What schemathesis says at its end; fails where it found anything. The same `seed` makes the same requests up."""
    # More than are made up, and no more: a limit looks through its places one by one.
    settings.CASE_LIMIT_PER_NETWORK = settings.CASE_LIMIT_PER_EMAIL = 5_000
    settings.ALLOWED_HOSTS = ["*"]
    secret, _ = make_key(make_account(api_tier="enterprise"))
    program = Path(sys.executable).with_name("schemathesis")
    keys = ["-H", f"x-api-key: {secret}", "-H", f"Authorization: Bearer {secret}"]
    options = ["--url", server.url, "--max-examples", str(examples), "--no-color", "--generation-database", "none"]
    options += ["--seed", seed] if seed else []
    done = subprocess.run(
        [
            program,
            "--config-file",
            HERE / "schemathesis.toml",
            "run",
            f"{server.url}/public/openapi.json",
            *keys,
            *options,
        ],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
        # It leaves notes where it runs.
        cwd=folder,
        timeout=3600,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def cases(said: str) -> int:
    return int(re.search(r"([\d,]+) generated", said)[1].replace(",", ""))  # type: ignore[index]  # it always says so


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_three_hundred_made_up_requests_are_answered_as_documented(
    live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    said = fuzz(live_server, settings, tmp_path, examples=5, seed="1")

    assert cases(said) >= 300
    assert f"Tested: {sum(len(item) for item in document()['paths'].values())}" in said


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_five_thousand_made_up_requests_are_answered_as_documented(
    live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    said = fuzz(live_server, settings, tmp_path, examples=500)

    assert cases(said) >= 5000
