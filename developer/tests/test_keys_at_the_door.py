"""Who comes in: key formats, missing and doubtful keys, revoked, expired, suspended, without the scope."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from developer.models import BASE62, MonthlyUsage, Scope, may_be_key, new_secret
from developer.tests.make import NOW, Api, make_account, make_key
from levqor.lib.actors import SYSTEM

pytestmark = pytest.mark.django_db

STRANGE_KEYS = [
    "lvq_test_café", "“test_key”", "\ufefftest_key", "test_key\u00a0", "lvq_test_\u0661\u0662", "\u00ff\u00fe", "lvq_test_",
    "lvq_test_%00", "a" * 6000, "lvq_live_" + "a" * 38, "test_key",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_key_has_the_form_of_the_contract() -> None:
    secret = new_secret()

    assert len(secret) == 47
    assert secret.startswith("lvq_test_")
    assert may_be_key(secret)


def test_no_single_typo_passes_the_checksum() -> None:
    secret = new_secret()
    typos = [
        secret[:place] + digit + secret[place + 1 :]
        for place in range(9, len(secret))
        for digit in random.Random(7).sample(BASE62, 20)
        if digit != secret[place]
    ]

    assert not any(may_be_key(typo) for typo in typos)


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
def test_either_header_opens(client: Client, header: str) -> None:
    secret, _ = make_key()
    value = secret if header == "x-api-key" else f"bearer {secret}"

    assert client.get("/api/sandbox/metrics", headers={header: value}).status_code == 200


def test_two_different_keys_are_a_bad_request(client: Client) -> None:
    secret, _ = make_key()
    headers = {"x-api-key": secret, "Authorization": f"Bearer {new_secret()}"}

    both = client.get("/api/sandbox/metrics", headers=headers)
    same = client.get("/api/sandbox/metrics", headers=headers | {"Authorization": f"Bearer {secret}"})

    assert (both.status_code, both.json()["code"], same.status_code) == (400, "bad_request", 200)


@pytest.mark.parametrize("scheme", ["", "Bearer "])
@pytest.mark.parametrize("key", STRANGE_KEYS)
def test_a_strange_key_is_unauthorized_without_asking_the_database(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, key: str, scheme: str
) -> None:
    header = "Authorization" if scheme else "x-api-key"
    # The bytes of UTF-8, as a server hands them on.
    value = (scheme + key).encode().decode("latin-1")

    with django_assert_num_queries(0):
        answer = client.get("/api/sandbox/metrics", headers={header: value})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert key not in answer.content.decode()


def test_no_key_is_unauthorized(client: Client) -> None:
    answer = client.get("/api/sandbox/metrics")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="Levqor API"')


def test_the_demo_key_works_with_debug_on_alone(client: Client, settings: Settings) -> None:
    make_key(secret="test_key")
    settings.DEBUG = True
    on = client.get("/api/sandbox/metrics", headers={"x-api-key": "test_key"})
    settings.DEBUG = False
    off = client.get("/api/sandbox/metrics", headers={"x-api-key": "test_key"})

    assert (on.status_code, off.status_code) == (200, 401)


@pytest.mark.parametrize("path", ["metrics", "jobs", "jobs/x", "usage"])
@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"expires_at": NOW}])
def test_a_key_that_ended_opens_nothing(path: str, changes: dict[str, Any]) -> None:
    secret, _ = make_key(**{"created_at": NOW - timedelta(days=2)} | changes)

    answer = Api(secret).get(path)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert not MonthlyUsage.objects.exists()


def test_a_key_works_until_the_moment_of_its_end() -> None:
    secret, _ = make_key(expires_at=NOW + timedelta(seconds=1))

    assert Api(secret).get("metrics").status_code == 200


@pytest.mark.parametrize("path", ["metrics", "jobs", "usage"])
def test_a_suspended_account_is_told_so(path: str) -> None:
    account = make_account()
    secret, _ = make_key(account)
    account.suspend("billing", by=SYSTEM, at=NOW)

    answer = Api(secret).get(path)

    assert (answer.status_code, answer.json()["code"]) == (403, "account_suspended")
    assert not MonthlyUsage.objects.exists()


def test_a_key_without_the_scope_is_told_which_one() -> None:
    secret, _ = make_key(scopes=Scope.METRICS_READ)
    api = Api(secret)

    refused = [api.get("jobs"), api.get("jobs/x"), api.post("jobs")]

    assert [(answer.status_code, answer.json()["missing_scope"]) for answer in refused] == [
        (403, "jobs:read"),
        (403, "jobs:read"),
        (403, "jobs:write"),
    ]
    assert api.used() == 0
    assert api.get("metrics").status_code == 200
