"""`POST /api/sla/claim`, to the letter of the contract."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.test import Client
from pytest_django import Settings

from claims.models import Claim
from claims.tests.make import NOW, claim_body, post_claim
from levqor.cases.models import Case
from levqor.lib.api import TOO_LARGE
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_claim_is_taken_in_and_answered_as_the_contract_says(client: Client) -> None:
    response = post_claim(client)

    assert response.status_code == 201
    answer = response.json()
    assert client.get(urlsplit(answer.pop("trackingUrl")).path).status_code == 200
    assert answer == {
        "ok": True,
        "reference": "SLA-2026-000001-X",
        "status": "received",
        "submittedAt": "2026-11-25T12:00:00.000Z",
        "reviewBy": {"earliest": "2026-12-02", "latest": "2026-12-04"},
        "eligibility": {"likely": False, "reasons": answer["eligibility"]["reasons"]},
    }


@pytest.mark.parametrize(
    ("at", "earliest", "latest"),
    [
        ("2026-12-23T10:00", "2027-01-04", "2027-01-06"),
        ("2026-11-28T10:00", "2026-12-07", "2026-12-09"),
        ("2026-11-25T17:00:01", "2026-12-03", "2026-12-07"),
    ],
)
def test_the_promise_counts_business_days(client: Client, at: str, earliest: str, latest: str) -> None:
    with time_machine.travel(datetime.fromisoformat(at).replace(tzinfo=UTC), tick=False):
        promised = post_claim(client).json()["reviewBy"]

    assert promised == {"earliest": earliest, "latest": latest}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"fullName": "  "}, "#/fullName", "required"),
        ({"fullName": "x" * 201}, "#/fullName", "max_length"),
        ({"email": "ada"}, "#/email", "invalid"),
        ({"email": "a@b.test, c@d.test"}, "#/email", "invalid"),
        ({"email": "a@[127.0.0.1]"}, "#/email", "invalid"),
        ({"plan": "Growth"}, "#/plan", "invalid_choice"),
        ({"incidentDate": "last week"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "2026-02-30"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "0001-01-01T00:00:00+14:00"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "0001-01-01T00:00Z"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "1999-12-31"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "2026-W48"}, "#/incidentDate", "invalid"),
        ({"incidentDate": "2026-11-24x10:05"}, "#/incidentDate", "invalid"),
        ({"description": "\u200b" * 20}, "#/description", "required"),
        ({"description": "word" + "\u200b" * 20}, "#/description", "min_length"),
        ({"incidentDate": "2026-11-25T12:00:01Z"}, "#/incidentDate", "in_the_future"),
        ({"incidentDate": "2026-11-26"}, "#/incidentDate", "in_the_future"),
        ({"description": "too short"}, "#/description", "min_length"),
        ({"description": "x" * 5001}, "#/description", "max_length"),
        ({"description": "With a \0 in it, which no database keeps"}, "#/description", "null_characters_not_allowed"),
        ({"account": "x" * 201}, "#/account", "max_length"),
        ({"fullName": 7}, "#/fullName", "invalid"),
        ({"surname": "Fern"}, "#/surname", "unknown_field"),
    ],
)
def test_unusable_input_is_refused_at_its_field(
    client: Client, changes: dict[str, Any], pointer: str, code: str
) -> None:
    response = post_claim(client, **changes)

    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["fullName", "email", "plan", "incidentDate", "description"])
def test_each_field_is_required(client: Client, name: str) -> None:
    body = claim_body()
    del body[name]
    response = client.post("/api/sla/claim", body, content_type="application/json")

    assert response.json()["errors"] == [
        {"pointer": f"#/{name}", "code": "required", "detail": "This field is required."}
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "malformed_json"),
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"fullName": NaN}', "application/json", 400, "malformed_json"),
        (b'{"plan": "pro", "plan": "growth"}', "application/json", 400, "malformed_json"),
        (b'{"fullName": "\\ud800"}', "application/json", 400, "malformed_json"),
        (b"\xff\xfe{}", "application/json", 400, "malformed_json"),
        (b"[" * 100_000, "application/json", 400, "malformed_json"),
        (b'{"a":' * 9000 + b'"\\u0041"' + b"}" * 9000, "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "validation_error"),
        (b"null", "application/json", 422, "validation_error"),
        (b"fullName=Ada", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b" " * 3_000_000, "application/json", 413, "payload_too_large"),
    ],
)
def test_a_body_that_is_no_json_object_gets_its_problem(
    client: Client, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = client.post("/api/sla/claim", body, content_type=content_type)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_body_too_large_is_its_problem_on_a_laptop_too(client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    response = client.post("/api/sla/claim", b" " * 3_000_000, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"plan": "pro", "plan": "growth"}', "The body has an object in which one name stands twice."),
        (b"[" * 100_000, "The body is nested too deeply."),
        (b"{", "The body is not valid JSON in UTF-8."),
        (b'{"plan": 1e999}', TOO_LARGE),
        (b'{"plan": ' + b"9" * 5000 + b"}", TOO_LARGE),
    ],
)
def test_it_says_what_is_wrong_with_the_json(client: Client, body: bytes, detail: str) -> None:
    assert client.post("/api/sla/claim", body, content_type="application/json").json()["detail"] == detail


@pytest.mark.parametrize("body", [b"[]", b"null", b"7"])
def test_what_is_no_object_is_told_so_in_words_of_json(client: Client, body: bytes) -> None:
    errors = client.post("/api/sla/claim", body, content_type="application/json").json()["errors"]

    assert errors == [{"pointer": "#", "code": "invalid", "detail": "This must be a JSON object."}]


def test_another_method_is_refused_and_the_slash_is_unknown(client: Client) -> None:
    wrong = client.get("/api/sla/claim")

    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "OPTIONS, POST",
    )
    assert client.options("/api/sla/claim").status_code == 204
    assert client.post("/api/sla/claim/").json()["code"] == "not_found"


def test_the_same_claim_within_a_day_is_the_same_claim(client: Client) -> None:
    first = post_claim(client)
    again = post_claim(client, email="ADA@fern.test")
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        next_day = post_claim(client)

    assert (again.status_code, again.json()["reference"]) == (200, first.json()["reference"])
    assert next_day.status_code == 201
    assert Claim.objects.count() == 2


@pytest.mark.parametrize("is_debug", [False, True])
def test_a_repeat_counts_against_no_limit(client: Client, settings: Settings, is_debug: bool) -> None:
    settings.DEBUG = is_debug
    settings.CASE_LIMIT_PER_EMAIL = 1
    post_claim(client)

    assert post_claim(client).status_code == 200
    refused = post_claim(client, description="Something else happened that day.")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) == 3600


def test_one_network_files_so_many_an_hour(client: Client, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_NETWORK = 2
    answers = [post_claim(client, email=f"{name}@fern.test").status_code for name in ("ada", "bob", "cy")]

    assert answers == [201, 201, 429]


def test_an_idempotency_key_replays_the_stored_answer(client: Client) -> None:
    first = post_claim(client, key="one")
    again = post_claim(client, key="one")
    other = post_claim(client, key="one", fullName="Bob Fern")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_a_late_claim_is_accepted_and_says_so(client: Client) -> None:
    answer = post_claim(client, incidentDate="2026-03-05").json()

    assert answer["eligibility"]["likely"] is False
    assert any("had to be claimed by 30 April 2026" in reason for reason in answer["eligibility"]["reasons"])


def test_a_time_without_a_zone_is_london_s(client: Client) -> None:
    post_claim(client, incidentDate="2026-07-01T00:30")
    claim = Claim.objects.get()

    assert claim.incident_at == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert f"{claim.month}" == "2026-06-01"


def test_the_customer_and_support_are_told(client: Client) -> None:
    post_claim(client)

    letters = {letter.to_email: letter for letter in OutgoingMail.objects.all()}
    assert set(letters) == {"ada@fern.test", "support@levqor.ai"}
    acknowledgement = letters["ada@fern.test"]
    assert acknowledgement.subject == "SLA-2026-000001-X: we have your SLA claim"
    assert "Wednesday 2 December 2026" in acknowledgement.text_body
    assert "/sla-credits/track/" in acknowledgement.text_body
    assert "/sla-credits/track/" not in acknowledgement.text_for_staff
    assert not mail.outbox


@pytest.mark.parametrize("email", ["no-reply@shop.test", "mailer-daemon@shop.test", "support@levqor.ai"])
def test_no_acknowledgement_starts_a_loop(client: Client, email: str) -> None:
    assert post_claim(client, email=email).status_code == 201

    assert [letter.name for letter in OutgoingMail.objects.all()] == ["claims/announced"]
