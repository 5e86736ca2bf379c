"""The form on `/disputes`, and the page on which a dispute is followed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from disputes.models import Dispute
from disputes.tests.make import NOW, WORDS, form_data, make_dispute, opened, post_dispute, track_path
from levqor.accounts.models import Account, Membership, User
from levqor.cases.conversation import staff_writes
from levqor.cases.files import JudgedFile
from levqor.cases.models import Case, CaseMessage, Deadline
from levqor.lib.actors import Actor
from levqor.mail.models import OutgoingMail
from testing.html import Document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def sam() -> Actor:
    user, _ = User.objects.get_or_create(email="sam@levqor.test", defaults={"is_staff": True})
    return Actor("staff", user.pk)


def test_each_step_has_its_address_its_days_and_real_dates(client: Client) -> None:
    page = Document(client.get("/disputes").content.decode())

    steps = {name: page.one("li", id=name).text for name in ("support", "escalation", "complaint")}
    assert "within 1 to 3 business days" in steps["support"]
    assert "support@levqor.ai" in steps["support"]
    assert "between Thursday 26 November and Monday 30 November 2026" in steps["support"]
    assert "within 2 to 3 business days" in steps["escalation"]
    assert "REQUEST ESCALATION" in steps["escalation"]
    assert "within 5 to 7 business days" in steps["complaint"]
    assert "complaints@levqor.ai" in steps["complaint"]


@pytest.mark.parametrize(
    "fact",
    [
        "whether you write to us first or not",
        "section 75 of the Consumer Credit Act 1974",
        "confirmed within 30 days at the latest",
        "We have not joined a scheme.",
        "If you live in the European Union, you keep the rights",
    ],
)
def test_the_page_states_the_facts_that_the_legal_review_seeks_there(client: Client, fact: str) -> None:
    assert fact in client.get("/disputes").content.decode()


@pytest.mark.parametrize("path", ["/terms", "/refunds", "/sla", "/fair-use", "/privacy"])
def test_the_page_leads_to_the_policies(client: Client, path: str) -> None:
    assert f'href="{path}' in client.get("/disputes").content.decode()


def test_a_dispute_from_the_page_leads_to_its_own_page(client: Client) -> None:
    response = client.post("/disputes", form_data(client, stage="complaint", ticket_numbers="T-1, T-2"), follow=True)

    page = response.content.decode()
    assert response.redirect_chain[0][1] == 303
    assert "Your dispute is filed" in page
    assert "answers by Friday 4 December 2026" in page
    dispute = Dispute.objects.get()
    assert (dispute.stage, dispute.filed_stage, dispute.ticket_numbers) == ("complaint", "complaint", ["T-1", "T-2"])
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("category", ""), ("subject", "ab"), ("description", "\r\n \r\n"), ("email", "ada"), ("stage", "x")],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(client: Client, name: str, value: str) -> None:
    response = client.post("/disputes", form_data(client, account="Fernhill Bakery", **{name: value}))

    page = response.content.decode()
    assert (response.status_code, list(response.context["form"].errors)) == (422, [name])
    assert "There is a problem" in page
    assert "Fernhill Bakery" in page


def test_page_and_api_know_the_same_dispute_whatever_their_line_ends(client: Client) -> None:
    text = "abc\n" * 2499 + "abcd"
    client.post("/disputes", form_data(client, description=text.replace("\n", "\r\n")))

    again = post_dispute(client, description=text)
    assert (again.status_code, Dispute.objects.count()) == (200, 1)
    longer = client.post("/disputes", form_data(client, description=text.replace("\n", "\r\n") + "x"))
    assert "at most 10000 characters" in longer.context["form"].errors["description"][0]
    assert 'maxlength="10000"' not in longer.content.decode()


def test_what_a_browser_fills_in_by_itself_loses_nothing(client: Client) -> None:
    data = form_data(client, quiet_line="https://fern.test", description=WORDS + " Please look.")
    trapped = client.post("/disputes", data)
    shown = trapped.context["form"]

    assert (trapped.status_code, shown["description"].value()) == (422, WORDS + " Please look.")
    again = client.post("/disputes", data | {"quiet_line": shown["quiet_line"].value()})
    assert (again.status_code, Dispute.objects.count()) == (303, 1)


def test_a_page_that_was_open_for_nine_hours_and_a_browser_without_cookies_are_fine() -> None:
    careful = Client(enforce_csrf_checks=True)
    data = form_data(careful)
    with time_machine.travel(NOW + timedelta(hours=9), tick=False):
        response = Client(enforce_csrf_checks=True).post("/disputes", data)

    assert (response.status_code, Dispute.objects.count()) == (303, 1)


def test_programs_are_told_apart(client: Client) -> None:
    data = form_data(client)
    with time_machine.travel(NOW - timedelta(minutes=2) + timedelta(seconds=1), tick=False):
        hasty = client.post("/disputes", data)
    forged = client.post("/disputes", form_data(client, opened="nonsense"))

    assert [hasty.status_code, forged.status_code] == [422, 422]
    assert not Case.objects.exists()


def test_the_limit_keeps_what_was_typed(client: Client, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_EMAIL = 1
    client.post("/disputes", form_data(client))
    refused = client.post("/disputes", form_data(client, subject="Something else"))

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    assert 'value="Something else"' in refused.content.decode()


def test_pressing_twice_is_one_dispute(client: Client) -> None:
    data = form_data(client)
    first, second = client.post("/disputes", data), client.post("/disputes", data)

    assert first.headers["Location"] == second.headers["Location"]
    assert Dispute.objects.count() == 1


def test_without_an_address_the_page_says_to_keep_its_address(client: Client) -> None:
    page = client.post("/disputes", form_data(client, email=""), follow=True).content.decode()

    assert "Keep the address of this page" in page


def test_somebody_signed_in_finds_the_form_filled(client: Client) -> None:
    user = User.objects.create_user("ada@fern.test", full_name="Ada Fern")
    Membership.objects.create(account=Account.objects.create(name="Fernhill Bakery"), user=user)
    client.force_login(user)

    form = client.get("/disputes?stage=complaint&category=privacy").context["form"]

    known = {name: form[name].value() for name in ("full_name", "email", "account", "stage", "category")}
    assert known == {
        "full_name": "Ada Fern",
        "email": "ada@fern.test",
        "account": "Fernhill Bakery",
        "stage": "complaint",
        "category": "privacy",
    }


LONG_NAMES = [
    "screenshot of the billing page " * 6 + "2026-11-24 10.05.12.txt",
    "a" * 251 + ".txt",
    "b" * 396 + ".txt",
    "é" * 120 + ".txt",
    "x" + "." * 40 + "txt",
]


@pytest.mark.parametrize("name", LONG_NAMES)
def test_a_long_name_keeps_its_ending(client: Client, name: str) -> None:
    file = SimpleUploadedFile(name, b"14:02 timeout")
    assert client.post("/disputes", form_data(client, attachments=[file])).status_code == 303

    dispute = Dispute.objects.select_related("case").get()
    stored = dispute.case.files.get()
    answer = client.get(f"{track_path(dispute)}/files/{stored.pk}")
    assert answer.content == b"14:02 timeout"
    assert stored.name.endswith(".txt") or stored.name.endswith("txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_two_names_that_differ_late_stay_apart(client: Client) -> None:
    names = ["x" * 179 + letter + "x" * 40 + ".txt" for letter in "ab"]
    files = [SimpleUploadedFile(name, b"the same") for name in names]
    client.post("/disputes", form_data(client, attachments=files))

    assert {file.name for file in Case.objects.get().files.all()} == set(names)


def test_a_file_that_is_refused_files_nothing(client: Client) -> None:
    response = client.post("/disputes", form_data(client, attachments=[SimpleUploadedFile("a.exe", b"MZ")]))

    assert (response.status_code, Case.objects.count()) == (422, 0)
    assert "“a.exe” cannot be sent here" in response.content.decode()


def attach(name: str) -> list[JudgedFile]:
    return [JudgedFile(name, "text/plain; charset=utf-8", name.encode())]


def test_a_file_is_as_public_as_its_message(client: Client) -> None:
    client.post("/disputes", form_data(client, attachments=[SimpleUploadedFile("a.txt", b"a")]))
    dispute, other = Dispute.objects.select_related("case").get(), make_dispute(email="bob@fern.test")
    for name, is_public in (("b.txt", False), ("c.txt", True), ("d.txt", False)):
        staff_writes(dispute.case, "Look.", is_public=is_public, by=sam(), at=NOW, files=attach(name))
    page = client.get(track_path(dispute)).content.decode()

    files = list(dispute.case.files.order_by("pk"))
    found = [client.get(f"{track_path(dispute)}/files/{file.pk}").status_code for file in files]
    assert found == [200, 404, 200, 404]
    assert {client.get(f"{track_path(other)}/files/{file.pk}").status_code for file in files} == {404}
    assert [name for name in "abcd" if f"{name}.txt" in page] == ["a", "c"]


def test_reading_a_dispute_changes_nothing(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    dispute = make_dispute()

    def stored() -> tuple[Any, ...]:
        return (Case.objects.values().get(), Dispute.objects.values().get(), Deadline.objects.values().get())

    before = stored()
    with django_assert_num_queries(6):
        client.get(track_path(dispute))
    for deed in ("", "/escalate", "/accept", "/withdraw"):
        client.get(track_path(dispute) + deed)
        client.head(track_path(dispute) + deed)

    assert stored() == before


@pytest.mark.parametrize("spoil", ["", "x", "0", "-", "%00", "é", "/x"])
def test_a_token_that_we_did_not_give_out_finds_nothing(client: Client, spoil: str) -> None:
    path = track_path(make_dispute())
    wrong = path + spoil if spoil else path[:-1]

    assert client.get(wrong).status_code == 404


@pytest.mark.parametrize("stray", [".", ")", "%20", "%0A", ").", ","])
def test_a_stray_sign_after_the_link_leads_to_the_page(client: Client, stray: str) -> None:
    path = track_path(make_dispute())

    answer = client.get(path + stray)
    assert (answer.status_code, answer.headers["Location"]) == (302, path)


def test_a_claims_token_opens_no_dispute(client: Client) -> None:
    token = track_path(make_dispute()).rpartition("/")[2]

    assert client.get(f"/sla-credits/track/{token}").status_code == 404


def test_what_the_customer_writes_is_kept_and_support_is_told(client: Client) -> None:
    path = track_path(make_dispute())
    data = {"body": "It happened\r\nagain today.", "opened": opened(client, path)}

    first, again = client.post(path, data), client.post(path, data)

    assert (first.status_code, again.status_code) == (303, 303)
    assert CaseMessage.objects.get().body == "It happened\nagain today."
    assert OutgoingMail.objects.get(name="disputes/customer_wrote").to_email == "support@levqor.ai"
    assert "again today" in client.get(path).content.decode()


def test_a_message_with_a_nul_is_refused_at_its_field(client: Client) -> None:
    path = track_path(make_dispute())
    response = client.post(path, {"body": "Thank you\0", "opened": opened(client, path)})

    assert (response.status_code, list(response.context["form"].errors)) == (422, ["body"])


def test_what_the_sender_typed_is_shown_as_text(client: Client) -> None:
    dispute = make_dispute(description="<script>alert(1)</script> http://prize.example/x")
    page = client.get(track_path(dispute)).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt; http://prize.example/x" in page


def test_withdrawing_asks_first_and_ends_the_dispute_once(client: Client) -> None:
    dispute = make_dispute()
    assert client.get(f"{track_path(dispute)}/withdraw").status_code == 200

    client.post(f"{track_path(dispute)}/withdraw")
    again = client.post(f"{track_path(dispute)}/withdraw")

    dispute.refresh_from_db()
    assert (dispute.status, dispute.case.closed_at, again.status_code) == ("withdrawn", NOW, 409)
    assert Deadline.objects.get().ended_at == NOW
    assert OutgoingMail.objects.filter(name="disputes/withdrawn").count() == 1


def test_the_customer_takes_it_up_one_stage_at_a_time(client: Client) -> None:
    dispute = make_dispute()
    path = f"{track_path(dispute)}/escalate"
    found = []
    for _ in range(3):
        data = {"body": "", "opened": opened(client, path), "seen": client.get(path).context["seen"]}
        twice = [client.post(path, data).status_code for _ in range(2)]
        dispute.refresh_from_db()
        running = Deadline.objects.current_of(dispute.case)
        found.append((twice, dispute.stage, f"{running.latest_date}" if running else ""))

    assert found == [
        ([303, 303], "escalation", "2026-11-30"),
        ([303, 303], "complaint", "2026-12-04"),
        ([303, 303], "external", ""),
    ]
    told = OutgoingMail.objects.filter(name="disputes/escalated").values_list("to_email", flat=True)
    assert sorted(told) == ["complaints@levqor.ai", "complaints@levqor.ai", "support@levqor.ai"]
    assert client.get(path).status_code == 303


def test_a_lost_link_goes_to_the_address_on_file_alone(client: Client) -> None:
    reference = make_dispute().case.reference.lower().replace("-", " ")
    answers = [
        client.post("/disputes/lost-link", {"reference": reference, "email": email}, follow=True).content
        for email in ("Ada@fern.test", "eve@fern.test")
    ]

    assert answers[0] == answers[1]
    assert re.search(r"Look into your inbox", answers[0].decode())
    assert [letter.to_email for letter in OutgoingMail.objects.filter(name="disputes/link")] == ["ada@fern.test"]
