"""What leaves for Sentry: what broke, and nothing about whom. The whole way, to a server of our own."""

import gzip
import json
import os
import subprocess
import sys
from typing import Any

import sentry_sdk

from levqor.lib.crash_reports import scrub
from testing.fake_server import Answer, FakeServer, Request

# What is secret comes from outside, so that the reported lines of this source do not hold it.
CRASH = """
import sys, django
django.setup()
import sentry_sdk
from django.test import Client
from django.urls import path
from levqor import urls
secret, customer, key = sys.argv[1:]
def crash(request, token):
    raise ValueError(f"no account for {customer} under {key}")
urls.urlpatterns.insert(0, path("billing/pay/<str:token>", crash))
client = Client(raise_request_exception=False, SERVER_NAME="localhost")
client.cookies["other"] = secret
headers = {"X-Api-Key": secret, "Authorization": f"Bearer {secret}"}
answer = client.post(f"/billing/pay/{secret}?key={secret}", {"password": secret}, headers=headers)
assert answer.status_code == 500
sentry_sdk.flush(10)
"""
SECRETS = ["geheim", "ada@example.com", "lvq_test_0123456789abcdefABCDEF0123456789"]


class FakeSentry(FakeServer):
    """Takes what the kit sends; `bodies` are its envelopes as text."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[str] = []

    def handle(self, request: Request) -> Answer:
        body = request.body
        self.bodies.append((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode())
        return Answer(200, {})

    def error(self, status: int, **error: Any) -> Answer:
        return Answer(status, {})


def test_without_a_dsn_nothing_is_started() -> None:
    assert not sentry_sdk.is_initialized()


def test_a_crash_is_reported_without_a_word_about_the_customer() -> None:
    with FakeSentry() as sentry:
        port = sentry.url.rpartition(":")[2]
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "levqor.settings",
            "DEBUG": "true",
            "SENTRY_DSN": f"http://key@127.0.0.1:{port}/1",
        }
        subprocess.run(
            [sys.executable, "-c", CRASH, *SECRETS], env=environment, check=True, timeout=60, capture_output=True
        )

    reported = "".join(sentry.bodies)
    assert "ValueError" in reported
    assert "/billing/pay/…" in json.dumps(json.loads(reported.splitlines()[-1]), ensure_ascii=False)
    assert [secret for secret in SECRETS if secret in reported] == []


def test_what_a_report_keeps_of_a_request() -> None:
    event = {
        "request": {
            "method": "POST",
            "url": "http://x/track/abc",
            "cookies": {"a": "b"},
            "data": {"c": "d"},
            "headers": {},
        },
        "user": {"id": 1, "email": "ada@example.com"},
        "logentry": {"params": ["Ada <ada@example.com>"]},
    }

    kept = scrub(event, {})

    assert kept == {"request": {"method": "POST", "url": "http://x/track/…"}, "logentry": {"params": ["Ada <…@…>"]}}
