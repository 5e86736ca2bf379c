"""Faults that others reported of forms like ours: dates read as numbers, NUL, advertisements in the acknowledgement,
the first hour of a month, traps that the browser fills."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from claims.models import Claim
from claims.tests.make import NOW, form_data, post_claim
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def claimed(client: Client, **changes: Any) -> Claim:
    answer = post_claim(client, **changes)
    assert answer.status_code == 201, answer.content
    return Claim.objects.select_related("case").get(case__reference=answer.json()["reference"])


@pytest.mark.parametrize(
    "value", [1793613600, 1793613600000, 1.5, "1793613600", "-1", "0", True, None, [], "٢٠٢٦-11-20"]
)
def test_a_number_is_no_date(client: Client, value: object) -> None:
    answer = post_claim(client, incidentDate=value)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/incidentDate")
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20261120", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T10:05", datetime(2026, 11, 20, 10, 5, tzinfo=UTC)),
        ("2026-07-20T10:05", datetime(2026, 7, 20, 9, 5, tzinfo=UTC)),
    ],
)
def test_a_date_is_that_very_date(client: Client, value: str, expected: datetime) -> None:
    assert claimed(client, incidentDate=value).incident_at == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("fullName", "Ann\0"), ("description", "The API was down.\0 Yes."), ("account", "\0"), ("email", "a\0@b.test")],
)
def test_a_nul_is_refused_at_its_field(client: Client, field: str, value: str) -> None:
    answer = post_claim(client, **{field: value})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")
    assert not OutgoingMail.objects.exists()


def test_a_nul_on_the_page_is_an_error_at_its_field(client: Client) -> None:
    answer = client.post("/sla-credits", form_data(client, description="The API was down.\0 Yes."))

    assert answer.status_code == 422
    assert "description" in answer.context["form"].errors


@pytest.mark.parametrize("path", ["/sla-credits/track/abc%00def", "/sla-credits/track/%00"])
def test_a_nul_in_a_token_finds_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_acknowledgement_carries_nothing_that_the_sender_chose(client: Client) -> None:
    text = "Dear customer, collect 500 pounds at http://prize.example/x before noon."
    claimed(
        client, fullName="You won, see http://prize.example/x", email="stranger@elsewhere.example",
        account="prize.example/x", description=text,
    )  # fmt: skip

    mail = OutgoingMail.objects.get(to_email="stranger@elsewhere.example")
    everything = json.dumps([mail.subject, mail.text_body, mail.html_body, mail.headers, mail.reply_to])
    assert not [word for word in ("prize", "You won", "500 pounds") if word in everything]
    assert mail.headers["Auto-Submitted"] == "auto-generated"


def test_the_fourth_mail_to_one_address_within_the_hour_is_none(client: Client) -> None:
    for number in range(3):
        claimed(client, description=f"No workflow ran, number {number}.")

    answer = post_claim(client, description="No workflow ran, once more.")

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert OutgoingMail.objects.filter(to_email="ada@fern.test").count() == 3


@pytest.mark.parametrize(
    ("value", "month"),
    [
        ("2026-07-01T00:30", date(2026, 6, 1)),
        ("2026-06-30T23:30:00Z", date(2026, 6, 1)),
        ("2026-07-01", date(2026, 7, 1)),
        ("2026-07-01T01:00", date(2026, 7, 1)),
    ],
)
def test_the_first_hour_of_a_month_in_london_is_of_the_month_before(client: Client, value: str, month: date) -> None:
    with time_machine.travel(datetime(2026, 7, 2, 12, tzinfo=UTC), tick=False):
        assert claimed(client, incidentDate=value).month == month


def test_a_browser_that_fills_every_field_loses_nobody_s_claim(client: Client) -> None:
    data = form_data(client, quiet_line="https://fern.test")

    first = client.post("/sla-credits", data)
    assert (first.status_code, Claim.objects.exists()) == (422, False)
    assert first.context["form"]["description"].value() == data["description"]

    second = client.post("/sla-credits", data | {"quiet_line": "", "opened": first.context["form"]["opened"].value()})
    assert second.status_code == 303
    assert Claim.objects.count() == 1


def test_a_page_that_stood_open_all_day_is_still_taken(client: Client) -> None:
    data = form_data(client)

    with time_machine.travel(NOW + timedelta(hours=9), tick=False):
        answer = client.post("/sla-credits", data)

    assert answer.status_code == 303
    assert Claim.objects.count() == 1


def test_a_browser_that_keeps_no_cookie_is_taken(client: Client) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sla-credits", form_data(client))

    assert answer.status_code == 303
    assert Claim.objects.count() == 1


def test_a_lost_link_is_sent_again_to_a_browser_that_keeps_no_cookie(client: Client) -> None:
    said = {"reference": claimed(client).case.reference, "email": "ada@fern.test"}

    answer = Client(enforce_csrf_checks=True).post("/sla-credits/lost-link", said)

    assert answer.status_code in {200, 303}


def test_whoever_comes_too_often_keeps_their_words(client: Client) -> None:
    for number in range(3):
        claimed(client, description=f"No workflow ran, number {number}.")

    answer = client.post("/sla-credits", form_data(client, description="No workflow ran, once more."))

    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    assert "Your words are kept" in answer.text
    assert "No workflow ran, once more." in answer.text
