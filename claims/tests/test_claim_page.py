"""The form on `/sla-credits`, and the page on which a claim is followed."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from claims.customer import withdraw
from claims.models import Claim
from claims.tests.make import NOW, form_data, make_claim
from levqor.accounts.models import Account, Membership, Plan, User
from levqor.cases.conversation import staff_writes
from levqor.cases.models import Case, CaseMessage, Deadline
from levqor.cases.tracking import tracking_token
from levqor.guard.limits import Limit
from levqor.lib.actors import Actor
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def track_path(claim: Claim) -> str:
    return f"/sla-credits/track/{tracking_token(claim.case)}"


def test_the_page_names_real_dates(client: Client) -> None:
    page = client.get("/sla-credits").content.decode()

    assert "for October 2026: until <strong>Monday 30 November 2026</strong>" in page
    assert "between <strong>Wednesday 2 December</strong> and <strong>Friday 4 December 2026</strong>" in page


def test_a_claim_from_the_page_leads_to_its_own_page(client: Client) -> None:
    response = client.post("/sla-credits", form_data(client), follow=True)

    page = response.content.decode()
    assert response.redirect_chain[0][1] == 303
    assert "Your claim is filed" in page
    assert Claim.objects.get().case.account_name == "Fernhill Bakery"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize("name", ["full_name", "email", "account", "plan", "incident", "description"])
def test_every_field_is_required_and_what_was_typed_is_kept(client: Client, name: str) -> None:
    empty = {"incident_date": "", "incident_time": ""} if name == "incident" else {name: ""}
    response = client.post("/sla-credits", form_data(client, **empty))

    assert (response.status_code, list(response.context["form"].errors)) == (422, [name])
    kept = "Fernhill Bakery" if name != "account" else "Ada Fern"
    assert kept in response.content.decode()


def test_a_day_without_a_time_is_asked_for(client: Client) -> None:
    response = client.post("/sla-credits", form_data(client, incident_time=""))

    assert response.context["form"].errors["incident"] == [
        "Enter both the date, such as 2026-11-24, and the time, such as 14:30."
    ]


def test_programs_are_told_apart(client: Client) -> None:
    trapped = client.post("/sla-credits", form_data(client, quiet_line="https://spam.test"))
    data = form_data(client)
    with time_machine.travel(NOW - timedelta(minutes=2) + timedelta(seconds=1), tick=False):
        hasty = client.post("/sla-credits", data)
    forged = client.post("/sla-credits", form_data(client, opened="nonsense"))

    assert [response.status_code for response in (trapped, hasty, forged)] == [422, 422, 422]
    assert not Case.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_pressing_twice_is_one_claim(client: Client) -> None:
    data = form_data(client)
    first, second = client.post("/sla-credits", data), client.post("/sla-credits", data)

    assert first.headers["Location"] == second.headers["Location"]
    assert Claim.objects.count() == 1


def test_somebody_signed_in_finds_the_form_filled(client: Client) -> None:
    user = User.objects.create_user("ada@fern.test", full_name="Ada Fern")
    account = Account.objects.create(name="Fernhill Bakery", plan=Plan.objects.get(slug="pro"))
    Membership.objects.create(account=account, user=user)
    client.force_login(user)

    form = client.get("/sla-credits").context["form"]

    known = {name: form[name].value() for name in ("full_name", "email", "account", "plan")}
    assert known == {"full_name": "Ada Fern", "email": "ada@fern.test", "account": "Fernhill Bakery", "plan": "pro"}


def test_files_come_along_and_are_served_as_downloads(client: Client) -> None:
    file = SimpleUploadedFile("log.txt", b"14:02 timeout", content_type="text/html")
    client.post("/sla-credits", form_data(client, attachments=[file]))
    claim = Claim.objects.select_related("case").get()

    response = client.get(f"{track_path(claim)}/files/{claim.case.files.get().pk}")

    assert response.content == b"14:02 timeout"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="log.txt"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_of_another_case_is_not_found(client: Client) -> None:
    client.post("/sla-credits", form_data(client, attachments=[SimpleUploadedFile("log.txt", b"14:02")]))
    other = make_claim(email="bob@fern.test")
    file = Claim.objects.exclude(pk=other.pk).get().case.files.get()

    assert client.get(f"{track_path(other)}/files/{file.pk}").status_code == 404


def test_reading_a_claim_changes_nothing(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    claim = make_claim()
    before = (Case.objects.values().get(), Claim.objects.values().get(), Deadline.objects.values().get())

    with django_assert_num_queries(5):
        client.get(track_path(claim))
    client.head(track_path(claim))

    assert (Case.objects.values().get(), Claim.objects.values().get(), Deadline.objects.values().get()) == before


@pytest.mark.parametrize("spoil", ["", "x", "0", "-", "%00", "é"])
def test_a_token_that_we_did_not_give_out_finds_nothing(client: Client, spoil: str) -> None:
    token = tracking_token(make_claim().case)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B") if not spoil else token + spoil

    assert client.get(f"/sla-credits/track/{wrong}").status_code in {400, 404}


def test_a_new_link_ends_the_old_one(client: Client) -> None:
    claim = make_claim()
    old = track_path(claim)
    Case.objects.update(link_number=2)

    assert client.get(old).status_code == 404


def test_what_the_customer_writes_is_kept_and_support_is_told(client: Client) -> None:
    claim = make_claim()
    path = track_path(claim)
    data = {"body": "It happened\r\nagain today.", "opened": form_data(client, path)["opened"]}

    first, again = client.post(path, data), client.post(path, data)

    assert (first.status_code, again.status_code) == (303, 303)
    assert CaseMessage.objects.get().body == "It happened\nagain today."
    assert OutgoingMail.objects.get(name="claims/customer_wrote").to_email == "support@levqor.ai"
    assert "again today" in client.get(path).content.decode()


def test_a_note_among_staff_is_never_on_the_page(client: Client) -> None:
    claim = make_claim()
    actor = Actor("staff", User.objects.create_user("sam@levqor.test", is_staff=True).pk)
    staff_writes(claim.case, "They pay late, be careful.", is_public=False, by=actor, at=NOW)
    staff_writes(claim.case, "Could you tell us the time?", is_public=True, by=actor, at=NOW)

    page = client.get(track_path(claim)).content.decode()

    assert "be careful" not in page
    assert "Could you tell us the time?" in page


def test_withdrawing_asks_first_and_ends_the_claim_once(client: Client) -> None:
    claim = make_claim()
    asked = client.get(f"{track_path(claim)}/withdraw")
    claim.refresh_from_db()
    assert (asked.status_code, claim.status) == (200, "received")

    client.post(f"{track_path(claim)}/withdraw")
    client.post(f"{track_path(claim)}/withdraw")

    claim.refresh_from_db()
    assert (claim.status, claim.case.closed_at) == ("withdrawn", NOW)
    assert Deadline.objects.get().ended_at == NOW
    assert OutgoingMail.objects.filter(name="claims/withdrawn").count() == 1


def test_a_closed_claim_takes_no_message_and_says_so(client: Client) -> None:
    claim = make_claim()
    path = track_path(claim)
    data = {"body": "One more thing.", "opened": form_data(client, path)["opened"]}
    client.post(f"{path}/withdraw")

    response = client.post(path, data)

    assert (response.status_code, CaseMessage.objects.count()) == (409, 0)


def test_what_was_written_to_a_claim_that_ended_meanwhile_is_shown_again(client: Client) -> None:
    claim = make_claim()
    path = f"/sla-credits/track/{tracking_token(claim.case)}"
    with time_machine.travel(NOW - timedelta(minutes=2), tick=False):
        opened = client.get(path).context["form"].fields["opened"].initial
    withdraw(claim, by=Actor("customer"), at=NOW)

    answer = client.post(path, {"body": "One more thing about it.", "quiet_line": "", "opened": opened})

    assert answer.status_code == 409
    assert "One more thing about it." in answer.text
    assert "Ask for a new decision" not in answer.text


def test_messages_that_come_too_often_are_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levqor.cases.pages.MESSAGES", Limit("cases.message", 0))
    path = f"/sla-credits/track/{tracking_token(make_claim().case)}"
    with time_machine.travel(NOW - timedelta(minutes=2), tick=False):
        opened = client.get(path).context["form"].fields["opened"].initial

    answer = client.post(path, {"body": "Are you there?", "quiet_line": "", "opened": opened})

    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    assert "Are you there?" in answer.text


def test_who_sent_files_with_a_mistake_is_told_to_choose_them_again(client: Client) -> None:
    form = form_data(client, full_name="")

    answer = client.post("/sla-credits", form | {"attachments": SimpleUploadedFile("log.txt", b"down")})

    assert answer.context["form"].errors["attachments"] == ["Choose your files again: your browser did not keep them."]
    assert "attachments" not in client.post("/sla-credits", form).context["form"].errors


def test_a_lost_link_goes_to_the_address_on_file_alone(client: Client) -> None:
    claim = make_claim()
    reference = claim.case.reference.lower().replace("-", " ")

    answers = [
        client.post("/sla-credits/lost-link", {"reference": reference, "email": email}, follow=True).content
        for email in ("Ada@fern.test", "eve@fern.test")
    ]

    token = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
    assert token.sub(b"", answers[0]) == token.sub(b"", answers[1])
    assert [letter.to_email for letter in OutgoingMail.objects.filter(name="claims/link")] == ["ada@fern.test"]
