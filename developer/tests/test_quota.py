"""What a call costs, what is free, what stands in the headers, and what happens past the quota."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from developer.admission import Month
from developer.models import ApiKey, DailyUsage, MonthlyUsage, RecentRequest
from developer.tests.make import NOW, Api, make_account, make_key, use_up
from developer.usage import KEPT_REQUESTS, buffer
from levqor.accounts.models import Plan

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_admission_is_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = make_key()
    prepared: list[object] = []

    class Noted(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **options: Any) -> "Noted":
            prepared.append(query)
            super().execute(query, *args, **options)
            return self

    monkeypatch.setattr(psycopg, "Cursor", Noted)

    with CaptureQueriesContext(connection) as ordinary:
        assert Api(secret).get("metrics").status_code == 200

    assert len(prepared) + len(ordinary) == 1


def test_the_headers_tell_what_is_left() -> None:
    secret, _ = make_key()

    first, second = [Api(secret).get("metrics").headers for _ in range(2)]

    assert first["RateLimit-Policy"] == '"month";q=1000;w=2592000'
    assert first["RateLimit"] == '"month";r=999;t=568800'
    assert first["X-RateLimit-Limit"] == "1000"
    assert [headers["X-RateLimit-Remaining"] for headers in (first, second)] == ["999", "998"]
    assert first["X-RateLimit-Reset"] == str(int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()))


def test_the_tier_is_the_accounts_own_or_the_plans() -> None:
    own = make_account(api_tier="pro", plan=Plan.objects.get(slug="starter"))
    by_plan = make_account(api_tier="", plan=Plan.objects.get(slug="starter"))
    Plan.objects.filter(slug="starter").update(api_tier="enterprise")
    without = make_account(api_tier="")

    limits = [Api(make_key(account)[0]).get("usage").json()["limit"] for account in (own, by_plan, without)]

    assert limits == [10_000, None, 1_000]


def test_an_unlimited_tier_counts_and_never_ends() -> None:
    account = make_account(api_tier="enterprise")
    use_up(account, 5_000_000, quota=None)
    api = Api(make_key(account)[0])

    answer = api.get("metrics")

    assert (answer.status_code, api.used()) == (200, 5_000_001)
    assert "RateLimit" not in answer.headers
    assert answer.headers["X-RateLimit-Reset"]
    assert api.get("usage").json()["remaining"] is None


def test_past_the_quota_the_answer_says_when_it_starts_anew() -> None:
    account = make_account()
    use_up(account, 999)
    api = Api(make_key(account)[0])

    last, refused = api.get("metrics"), api.get("metrics")

    assert last.headers["X-RateLimit-Remaining"] == "0"
    body = refused.json()
    assert (refused.status_code, body["code"], body["limit"], body["used"]) == (429, "quota_exceeded", 1000, 1000)
    assert body["reset_at"] == "2026-12-01T00:00:00.000Z"
    assert (refused.headers["Retry-After"], refused.headers["RateLimit"]) == ("568800", '"month";r=0;t=568800')
    assert api.used() == 1000


@pytest.mark.parametrize(
    ("at", "wait"),
    [
        ("2026-12-02T08:00:00", 2_563_200),
        ("2026-11-30T23:59:59.999999", 1),
        ("2026-11-30T23:59:59", 1),
        ("2028-02-28T00:00:00", 172_800),
    ],
)
def test_the_wait_is_never_too_short(at: str, wait: int) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    account = make_account()
    use_up(account, 1000, month=at[:7])
    api = Api(make_key(account)[0])

    with time_machine.travel(moment, tick=False):
        refused = api.get("metrics")
    with time_machine.travel(moment + timedelta(seconds=wait), tick=False):
        after = api.get("metrics")

    assert (refused.status_code, refused.headers["Retry-After"], after.status_code) == (429, str(wait), 200)


@pytest.mark.parametrize(("at", "name"), [("2026-12-31T23:59:59", "2026-12"), ("2027-01-01T00:00:00", "2027-01")])
def test_a_month_is_the_calendars_in_utc(at: str, name: str) -> None:
    assert Month.of(datetime.fromisoformat(at).replace(tzinfo=UTC)).name == name
    # An hour later in Berlin is still the old year in UTC.
    assert Month.of(datetime.fromisoformat("2027-01-01T00:30:00+01:00")).name == "2026-12"


@pytest.mark.parametrize(
    ("call", "status", "cost"),
    [
        (lambda api: api.get("metrics"), 200, 1),
        (lambda api: api.get("jobs/nope"), 404, 1),
        (lambda api: api.get("jobs?limit=0"), 422, 1),
        (lambda api: api.post("jobs", "{"), 400, 1),
        (lambda api: api.post("jobs"), 201, 1),
        (lambda api: api.client.head("/api/sandbox/metrics", headers=api.headers), 200, 1),
        (lambda api: api.get("usage"), 200, 0),
        (lambda api: api.get("nothing"), 404, 0),
        (lambda api: api.get("metrics/"), 404, 0),
        (lambda api: api.client.delete("/api/sandbox/jobs", headers=api.headers), 405, 0),
        (lambda api: api.client.options("/api/sandbox/jobs", headers=api.headers), 204, 0),
    ],
)
def test_what_a_call_costs(call: Any, status: int, cost: int) -> None:
    api = Api(make_key()[0])

    answer = call(api)

    assert (answer.status_code, api.used()) == (status, cost)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_what_fails_on_our_side_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(make_key()[0])
    api.client.raise_request_exception = False
    monkeypatch.setattr("developer.api.metrics_of", lambda *_: 1 / 0)

    answer = api.get("metrics")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert api.used() == 0


def test_a_replay_is_free_and_served_past_the_quota() -> None:
    account = make_account()
    api = Api(make_key(account)[0])
    first = api.post("jobs", {"workflow": "always-succeed"}, key="k-1")
    MonthlyUsage.objects.update(used=1000)

    replay = api.post("jobs", {"workflow": "always-succeed"}, key="k-1")
    new = api.post("jobs", {"workflow": "always-succeed"}, key="k-2")

    assert (first.content, first.headers["Location"]) == (replay.content, replay.headers["Location"])
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert (new.status_code, api.used()) == (429, 1000)


def test_two_accounts_with_one_idempotency_key_are_two_requests() -> None:
    one, other = Api(make_key()[0]), Api(make_key(make_account("Other"))[0])

    ids = {api.post("jobs", key="same").json()["job_id"] for api in (one, other)}

    assert len(ids) == 2


def test_another_body_under_the_key_is_refused_and_costs_a_unit() -> None:
    api = Api(make_key()[0])
    api.post("jobs", {"workflow": "a"}, key="k")

    answer = api.post("jobs", {"workflow": "b"}, key="k")

    assert (answer.status_code, answer.json()["code"], api.used()) == (422, "idempotency_mismatch", 2)


def test_last_use_and_daily_usage_are_written_behind() -> None:
    secret, row = make_key()
    for path in ("metrics", "metrics", "jobs/nope"):
        Api(secret).get(path)
    assert not DailyUsage.objects.exists()

    buffer.flush()
    buffer.flush()

    day = DailyUsage.objects.get()
    assert (day.succeeded, day.refused, day.failed, str(day.day)) == (2, 1, 0, "2026-11-24")
    seen = ApiKey.objects.get(pk=row.pk)
    assert (seen.last_used_at, seen.last_used_from) == (NOW, "127.0.0.1")


def test_the_last_requests_of_a_key_are_kept_and_no_more() -> None:
    secret, row = make_key()
    api = Api(secret)
    for _ in range(KEPT_REQUESTS + 5):
        api.get("metrics")
        buffer.flush()
    ids = [api.get(path).headers["X-Request-Id"] for path in ("usage", "jobs/nope?secret=1")]

    buffer.flush()

    kept = RecentRequest.objects.filter(key=row).order_by("-id")
    assert (kept.count(), kept[0].path, kept[0].status) == (KEPT_REQUESTS, "/api/sandbox/jobs/nope", 404)
    assert [kept[1].request_id, kept[0].request_id] == ids


def test_a_free_call_stands_in_no_graph() -> None:
    api = Api(make_key()[0])
    api.used()

    buffer.flush()

    assert not DailyUsage.objects.exists()
    assert ApiKey.objects.get().last_used_at == NOW


def test_notes_of_a_deleted_key_are_dropped() -> None:
    secret, row = make_key()
    Api(secret).get("metrics")
    row.delete()

    buffer.flush()

    assert not DailyUsage.objects.exists()


def test_an_error_under_the_sandbox_is_a_problem_that_no_cache_keeps() -> None:
    answer = Api("nothing").get("metrics")

    assert json.loads(answer.content)["type"].endswith("/developer/docs/errors/unauthorized")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("key", ["", "one"])
def test_a_body_too_large_for_anybody_counts_and_is_no_fault_of_ours(key: str) -> None:
    secret, _ = make_key()

    answer = Api(secret).post("jobs", b" " * 3_000_000, key=key)
    buffer.flush()

    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (413, "999")
    assert RecentRequest.objects.get().status == 413
