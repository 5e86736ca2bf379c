"""The five calls: what they answer with, their clocks, their pages, and what they make of strange input."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from developer import api as operations
from developer.models import SandboxJob
from developer.tests.make import NOW, Api, make_account, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def api() -> Api:
    return Api(make_key()[0])


def test_metrics_stay_the_same_all_day(api: Api, now: Any) -> None:
    morning = api.get("metrics").json()
    now.move_to(NOW + timedelta(hours=13))
    evening = api.get("metrics").json()
    now.move_to(NOW + timedelta(hours=15))
    tomorrow = api.get("metrics").json()

    assert morning == evening != tomorrow
    assert (morning["sandbox_mode"], morning["date"], tomorrow["date"]) == (True, "2026-11-24", "2026-11-25")


def test_another_account_has_other_metrics(api: Api) -> None:
    other = Api(make_key(make_account("Other"))[0])

    assert api.get("metrics").json() != other.get("metrics").json()


def test_a_job_is_made_and_found_at_its_address(api: Api) -> None:
    made = api.post("jobs", {"workflow": "invoice-sync", "input": {"n": 1}})

    assert made.status_code == 201
    body = made.json()
    assert made.headers["Location"] == f"/api/sandbox/jobs/{body['job_id']}"
    assert api.get(f"jobs/{body['job_id']}").json() == body
    assert body == {
        "sandbox_mode": True,
        "job_id": body["job_id"],
        "status": "queued",
        "workflow": "invoice-sync",
        "input": {"n": 1},
        "progress": 0,
        "result": None,
        "error": None,
        "created_at": "2026-11-24T10:00:00.000Z",
        "started_at": None,
        "finished_at": None,
    }


@pytest.mark.parametrize("body", ["{}", '{"workflow": null, "input": null}', ""])
def test_both_members_may_be_left_out(api: Api, body: str) -> None:
    made = api.post("jobs", body)

    assert (made.status_code, made.json()["workflow"], made.json()["input"]) == (201, None, None)


@pytest.mark.parametrize(
    ("workflow", "after", "state"),
    [
        ("slow-30s", 1, ("queued", 0)),
        ("slow-30s", 16, ("running", 50)),
        ("slow-30s", 29, ("running", 96)),
        ("slow-30s", 30, ("succeeded", 100)),
        ("always-succeed", 3, ("succeeded", 100)),
        ("always-fail", 2, ("running", 50)),
        ("always-fail", 3, ("failed", 60)),
        ("anything", 3600, ("succeeded", 100)),
    ],
)
def test_a_job_lives_by_its_own_clock(api: Api, now: Any, workflow: str, after: int, state: tuple[str, int]) -> None:
    job_id = api.post("jobs", {"workflow": workflow}).json()["job_id"]
    now.move_to(NOW + timedelta(seconds=after))

    job = api.get(f"jobs/{job_id}").json()

    assert (job["status"], job["progress"]) == state
    assert [job[name] is not None for name in ("started_at", "finished_at", "result", "error")] == [
        job["status"] != "queued",
        job["status"] in {"succeeded", "failed"},
        job["status"] == "succeeded",
        job["status"] == "failed",
    ]


def test_another_accounts_job_is_not_found(api: Api) -> None:
    job_id = api.post("jobs").json()["job_id"]

    answer = Api(make_key(make_account("Other"))[0]).get(f"jobs/{job_id}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_pages_hold_every_job_once_newest_first(api: Api) -> None:
    made = [api.post("jobs").json()["job_id"] for _ in range(5)]

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"jobs?limit=2&cursor={cursor}" if cursor else "jobs?limit=2").json()
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]

    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1e9",
        "limit=" + "9" * 5000,
        "cursor=x",
        "cursor=",
        "cursor=1:x",
        "limit=%00",
        "cursor=%00",
    ],
)
def test_a_strange_page_is_refused_at_its_parameter(api: Api, query: str) -> None:
    answer = api.get(f"jobs?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == f"#/{query.partition('=')[0]}"


def test_a_cursor_of_another_account_is_none(api: Api) -> None:
    for _ in range(2):
        api.post("jobs")
    cursor = api.get("jobs?limit=1").json()["next_cursor"]

    assert Api(make_key(make_account("Other"))[0]).get(f"jobs?cursor={cursor}").status_code == 404
    assert api.get(f"jobs?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}").status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        r'{"note": "a\u0000b"}',
        r'{"k\u0000ey": 1}',
        r'{"deep": [[{"x": "\u0000"}]]}',
        r'{"text": "a\\u0000b"}',
        r'{"text": "tab\tbell\u0007\ud83d\ude80"}',
        '{"b": 1, "a": [1.5, 1e3, -0.0, 12345678901234567890123456789, true, null, ""]}',
    ],
)
def test_any_input_comes_back_as_it_was_sent(api: Api, said: str) -> None:
    made = api.post("jobs", f'{{"input": {said}}}')

    assert made.status_code == 201
    assert json.dumps(api.get(f"jobs/{made.json()['job_id']}").json()["input"]) == json.dumps(json.loads(said))
    assert api.get("jobs").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (r'{"workflow": "always\u0000succeed"}', 422, "#/workflow"),
        ('{"workflow": ""}', 422, "#/workflow"),
        ('{"workflow": "%s"}' % ("x" * 201), 422, "#/workflow"),
        ('{"workflow": 7}', 422, "#/workflow"),
        ('{"input": []}', 422, "#/input"),
        ('{"input": "text"}', 422, "#/input"),
        ('{"priority": 1}', 422, "#/priority"),
        ("[]", 422, "#"),
        ("null", 422, "#"),
        ('"text"', 422, "#"),
        (r'{"workflow": "\ud800"}', 400, None),
        ('{"input": {"n": 1e999}}', 400, None),
        ('{"input": {"n": NaN}}', 400, None),
        ('{"input": {"n": 1, "n": 2}}', 400, None),
        ("{", 400, None),
        ('{"input": ' + "[" * 9000 + "]" * 9000 + "}", 400, None),
        ('{"input": {"n": ' + "9" * 5000 + "}}", 400, None),
    ],
)
def test_a_body_that_does_not_fit_is_refused_at_its_place(
    api: Api, body: str, status: int, pointer: str | None
) -> None:
    answer = api.post("jobs", body)

    assert answer.status_code == status
    assert [error["pointer"] for error in answer.json().get("errors", [])][:1] == ([pointer] if pointer else [])
    assert not SandboxJob.objects.exists()


def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    answer = api.post("jobs", '{"input": {"text": "%s"}}' % ("x" * 70_000))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_a_body_of_another_kind_is_refused(api: Api) -> None:
    answer = api.client.post("/api/sandbox/jobs", "{}", content_type="text/plain", headers=api.headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["jobs/%00", "jobs/" + "x" * 6000, "jobs/%ff"])
def test_a_strange_address_is_answered(api: Api, path: str) -> None:
    answer = api.get(path)

    assert answer.status_code in {400, 404, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["café", "", "x" * 256])
def test_a_strange_idempotency_key_is_a_bad_request(api: Api, key: str) -> None:
    answer = api.client.post(
        "/api/sandbox/jobs", "{}", content_type="application/json", HTTP_IDEMPOTENCY_KEY=key, headers=api.headers
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_every_answer_fits_its_schema(api: Api) -> None:
    job_id = api.post("jobs", {"workflow": "always-fail", "input": {}}).json()["job_id"]

    operations.MetricsOut.model_validate(api.get("metrics").json(), strict=True)
    operations.JobOut.model_validate(api.get(f"jobs/{job_id}").json(), strict=True)
    operations.JobsOut.model_validate(api.get("jobs").json(), strict=True)
    operations.UsageOut.model_validate(api.get("usage").json(), strict=True)


def test_a_script_of_another_origin_may_call(client: Client) -> None:
    preflight = client.options(
        "/api/sandbox/jobs", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    )

    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "X-Api-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers
