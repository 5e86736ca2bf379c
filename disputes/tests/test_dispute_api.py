"""`POST /api/disputes`, to the letter of the contract."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from disputes.models import Dispute
from disputes.tests.make import NOW, WORDS, dispute_body, post_dispute
from levqor.accounts.models import Account, Plan
from levqor.cases.models import Case
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_dispute_is_taken_in_and_answered_as_the_contract_says(client: Client) -> None:
    response = post_dispute(client)

    assert response.status_code == 201
    answer = response.json()
    assert client.get(urlsplit(answer.pop("trackingUrl")).path).status_code == 200
    assert answer == {
        "ok": True,
        "reference": answer["reference"],
        "status": "open",
        "stage": "support",
        "submittedAt": "2026-11-25T12:00:00.000Z",
        "respondBy": {"earliest": "2026-11-26", "latest": "2026-11-30"},
    }
    assert re.fullmatch(r"DSP-2026-000001-[A-Z]", answer["reference"])


@pytest.mark.parametrize(
    ("stage", "earliest", "latest"),
    [
        ("support", "2026-11-26", "2026-11-30"),
        ("escalation", "2026-11-27", "2026-11-30"),
        ("complaint", "2026-12-02", "2026-12-04"),
    ],
)
def test_each_stage_has_its_business_days(client: Client, stage: str, earliest: str, latest: str) -> None:
    answer = post_dispute(client, stage=stage).json()

    assert (answer["stage"], answer["respondBy"]) == (stage, {"earliest": earliest, "latest": latest})


def test_an_account_on_business_hears_sooner(client: Client) -> None:
    Account.objects.create(name="Fern", billing_email="ada@fern.test", plan=Plan.objects.get(slug="business"))

    assert post_dispute(client).json()["respondBy"] == {"earliest": "2026-11-26", "latest": "2026-11-26"}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"category": "Billing"}, "#/category", "invalid_choice"),
        ({"category": ""}, "#/category", "required"),
        ({"subject": "  "}, "#/subject", "required"),
        ({"subject": "ab\n"}, "#/subject", "min_length"),
        ({"subject": "\n\n\n"}, "#/subject", "required"),
        ({"subject": "x" * 201}, "#/subject", "max_length"),
        ({"subject": "Charged twice" + "\u200b" * 200}, "#/subject", "max_length"),
        ({"subject": "Twice\0 charged"}, "#/subject", "null_characters_not_allowed"),
        ({"description": "too short"}, "#/description", "min_length"),
        ({"description": "\n \r\n" * 9}, "#/description", "required"),
        ({"description": "x" * 10_001}, "#/description", "max_length"),
        ({"fullName": "x" * 201}, "#/fullName", "max_length"),
        ({"email": "ada"}, "#/email", "invalid"),
        ({"email": "a@b.test, c@d.test"}, "#/email", "invalid"),
        ({"account": "x" * 201}, "#/account", "max_length"),
        ({"desiredResolution": "x" * 10_001}, "#/desiredResolution", "max_length"),
        ({"stage": "external"}, "#/stage", "invalid_choice"),
        ({"stage": "Support"}, "#/stage", "invalid_choice"),
        ({"ticketNumbers": "T-1"}, "#/ticketNumbers", "invalid"),
        ({"ticketNumbers": ["T-1", 7]}, "#/ticketNumbers/1", "invalid"),
        ({"ticketNumbers": [f"T-{number}" for number in range(11)]}, "#/ticketNumbers", "max_items"),
        ({"ticketNumbers": ["T-1", "T\0"]}, "#/ticketNumbers/1", "null_characters_not_allowed"),
        ({"ticketNumbers": ["x" * 101]}, "#/ticketNumbers/0", "max_length"),
        ({"subject": 7}, "#/subject", "invalid"),
        ({"plan": "pro"}, "#/plan", "unknown_field"),
    ],
)
def test_unusable_input_is_refused_at_its_field(
    client: Client, changes: dict[str, Any], pointer: str, code: str
) -> None:
    response = post_dispute(client, **changes)

    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["category", "subject", "description"])
def test_three_fields_are_required(client: Client, name: str) -> None:
    body = dispute_body()
    del body[name]
    response = client.post("/api/disputes", body, content_type="application/json")

    assert response.json()["errors"] == [
        {"pointer": f"#/{name}", "code": "required", "detail": "This field is required."}
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "Twice charged\n",
        "Twice\r\ncharged",
        "Twice\r\nBcc: all@list.example",
        "Twice\u2028charged",
        "Twice\u0085charged",
    ],
)
def test_a_subject_is_one_line_everywhere_and_is_announced_once(client: Client, subject: str) -> None:
    assert post_dispute(client, subject=subject, ticketNumbers=[subject]).status_code == 201

    dispute = Dispute.objects.get()
    assert dispute.subject == " ".join(subject.split())
    assert dispute.ticket_numbers == [dispute.subject]
    letters = OutgoingMail.objects.order_by("to_email")
    assert [letter.to_email for letter in letters] == ["ada@fern.test", "support@levqor.ai"]
    assert all(len(letter.subject.splitlines()) == 1 and "Bcc" not in letter.subject for letter in letters)


def test_line_ends_count_once_and_make_no_other_dispute(client: Client) -> None:
    text = "abc\n" * 2499 + "abcd"
    first = post_dispute(client, description=text)
    again = post_dispute(client, description=text.replace("\n", "\r\n"))
    longer = post_dispute(client, description=text + "x")

    assert (len(text), first.status_code, again.status_code, longer.status_code) == (10_000, 201, 200, 422)
    assert again.json()["reference"] == first.json()["reference"]
    assert "10000" in longer.json()["errors"][0]["detail"]


def test_without_an_address_the_answer_says_that_the_link_is_the_only_contact(client: Client) -> None:
    answer = client.post(
        "/api/disputes",
        {"category": "other", "subject": "No answer", "description": WORDS},
        content_type="application/json",
    ).json()

    assert "the only way to follow the dispute and to hear from us" in answer["notice"]
    assert [letter.to_email for letter in OutgoingMail.objects.all()] == ["support@levqor.ai"]


def test_without_an_address_the_network_tells_a_repeat(client: Client) -> None:
    first = post_dispute(client, email=None)
    again = post_dispute(client, email="")
    elsewhere = post_dispute(Client(REMOTE_ADDR="192.0.2.9"), email=None)

    assert (first.status_code, again.status_code, elsewhere.status_code) == (201, 200, 201)
    assert again.json()["reference"] == first.json()["reference"] != elsewhere.json()["reference"]


def test_the_same_dispute_within_a_day_is_the_same_dispute(client: Client) -> None:
    first = post_dispute(client)
    again = post_dispute(client, email="ADA@fern.test", stage="support", ticketNumbers=[])
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        next_day = post_dispute(client)

    assert (again.status_code, again.json()["reference"]) == (200, first.json()["reference"])
    assert next_day.status_code == 201


def test_claims_and_disputes_share_their_limits(client: Client, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_EMAIL = 2
    claim = {
        "fullName": "Ada",
        "email": "ada@fern.test",
        "plan": "pro",
        "incidentDate": "2026-11-20",
        "description": WORDS,
    }
    assert client.post("/api/sla/claim", claim, content_type="application/json").status_code == 201
    post_dispute(client)

    assert post_dispute(client).status_code == 200
    refused = post_dispute(client, subject="Another one")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) == 3600


def test_an_idempotency_key_replays_the_stored_answer(client: Client) -> None:
    first = post_dispute(client, key="one")
    again = post_dispute(client, key="one")
    other = post_dispute(client, key="one", fullName="Bob Fern")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_another_method_is_refused_and_the_slash_is_unknown(client: Client) -> None:
    wrong = client.get("/api/disputes")

    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "OPTIONS, POST",
    )
    assert client.options("/api/disputes").status_code == 204
    assert client.post("/api/disputes/").json()["code"] == "not_found"


def test_a_mail_to_an_address_that_nobody_confirmed_carries_nothing_of_the_sender(client: Client) -> None:
    lure = "You won, see http://prize.example/x"
    post_dispute(
        client, subject=lure, description=f"{lure} now", fullName=lure, account=lure, desiredResolution=lure,
        ticketNumbers=[lure], email="stranger@elsewhere.example",
    )  # fmt: skip

    letter = OutgoingMail.objects.get(to_email="stranger@elsewhere.example")
    whole = f"{letter.subject} {letter.text_body} {letter.html_body} {letter.headers}"
    assert not re.search(r"prize|won\b", whole)
    assert letter.headers["Auto-Submitted"] == "auto-generated"
    assert "Thursday 26 November 2026" in letter.text_body
    assert "prize" in OutgoingMail.objects.get(to_email="support@levqor.ai").text_body


@pytest.mark.parametrize(("stage", "to"), [("escalation", "support@levqor.ai"), ("complaint", "complaints@levqor.ai")])
def test_the_mailbox_of_the_stage_is_told(client: Client, stage: str, to: str) -> None:
    post_dispute(client, stage=stage)

    assert OutgoingMail.objects.get(name="disputes/announced").to_email == to


@pytest.mark.parametrize("email", ["no-reply@shop.test", "mailer-daemon@shop.test", "complaints@levqor.ai"])
def test_no_acknowledgement_starts_a_loop(client: Client, email: str) -> None:
    assert post_dispute(client, email=email).status_code == 201

    assert [letter.name for letter in OutgoingMail.objects.all()] == ["disputes/announced"]


def test_links_end_in_a_letter_or_digit_and_stand_alone_on_their_line(client: Client, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_NETWORK = settings.CASE_LIMIT_PER_EMAIL = 1000
    urls = [post_dispute(client, subject=f"Number {number}").json()["trackingUrl"] for number in range(40)]

    assert len(set(urls)) == 40
    assert all(re.search(r"/disputes/track/[A-Za-z0-9_-]*[A-Za-z0-9]$", url) for url in urls)
    for letter in OutgoingMail.objects.filter(name="disputes/received"):
        (line,) = [line for line in letter.text_body.splitlines() if "/track/" in line]
        assert line in urls
        assert f'href="{line}"' in letter.html_body


def test_what_arrives_at_night_counts_from_the_next_business_day(client: Client) -> None:
    with time_machine.travel(datetime(2026, 12, 24, 17, 0, 1, tzinfo=UTC), tick=False):
        answer = post_dispute(client).json()

    # The 25th and 28th are bank holidays: day 0 is Tuesday the 29th.
    assert answer["respondBy"] == {"earliest": "2026-12-30", "latest": "2027-01-04"}
