import json

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from levqor.lib.problems import Code, problem, problem_for_status

# The list of CONTRACT section 4: clients switch on these, so a changed one must fail here.
CONTRACT = {
    "bad_request": 400, "malformed_json": 400, "invalid_signature": 400, "unauthorized": 401, "account_suspended": 403,
    "forbidden": 403, "not_found": 404, "method_not_allowed": 405, "conflict": 409, "payload_too_large": 413,
    "unsupported_media_type": 415, "validation_error": 422, "idempotency_mismatch": 422, "quota_exceeded": 429,
    "rate_limited": 429, "internal_error": 500, "unavailable": 503,
}  # fmt: skip


def test_the_codes_are_those_of_the_contract() -> None:
    assert {code.code: code.status for code in Code} == CONTRACT


@pytest.mark.parametrize("code", Code, ids=lambda code: code.code)
def test_a_problem_says_what_where_and_under_which_request(code: Code, rf: RequestFactory, settings: Settings) -> None:
    settings.SITE_URL = "https://app.levqor.example"
    request = rf.get("/api/things")
    request.request_id = "abc-12345678"  # type: ignore[attr-defined]  # as the middleware sets it

    answer = problem(request, code, "What went wrong.")

    assert (answer.status_code, answer.headers["Content-Type"]) == (code.status, "application/problem+json")
    assert json.loads(answer.content) == {
        "type": f"https://app.levqor.example/developer/docs/errors/{code.code}",
        "title": code.title,
        "status": code.status,
        "code": code.code,
        "detail": "What went wrong.",
        "instance": "/api/things",
        "request_id": "abc-12345678",
    }


def test_fields_at_fault_and_further_members_are_added(rf: RequestFactory) -> None:
    fault = {"pointer": "#/email", "code": "invalid", "detail": "Not an address."}

    answer = problem(
        rf.post("/api/x"), Code.VALIDATION_ERROR, "No.", errors=[fault], headers={"Retry-After": "7"}, used=3
    )

    body = json.loads(answer.content)
    assert (body["errors"], body["used"], answer.headers["Retry-After"]) == ([fault], 3, "7")


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "forbidden"), (405, "method_not_allowed"), (418, "bad_request"), (422, "validation_error"),
     (429, "rate_limited"), (500, "internal_error"), (503, "unavailable"), (504, "internal_error")],
)  # fmt: skip
def test_an_answer_without_a_problem_gets_the_general_one(status: int, code: str, rf: RequestFactory) -> None:
    assert json.loads(problem_for_status(rf.get("/api/x"), status).content)["code"] == code
