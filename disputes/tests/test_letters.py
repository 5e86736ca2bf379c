"""The letters that end our procedure: they come for everybody, print every letter of Europe, and never change."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from disputes.following_up import follow_up
from disputes.models import Dispute, Letter
from disputes.tests.make import NOW, make_dispute, track_path
from disputes.tests.make_states import staff
from levqor.audit.models import AuditEntry
from levqor.cases.models import Case
from levqor.cases.privacy import erase_case, export_person
from levqor.desk.tests.make import make_staff, signed_in
from levqor.mail.models import OutgoingMail
from testing.pdf import runs_of

pytestmark = pytest.mark.django_db
NAME = "Łukasz Ŵyn-Ξένος"
HARD: dict[str, Any] = {
    "fullName": NAME,
    "account": "Žižka & Sønner Ltd",
    "subject": "Charged €99 – “twice”… ≥ 2×",
    "description": "It says 你好, عربى and 😀.\n\nhttp://" + "a" * 293 + "\n" + "x" * 400,
    "desiredResolution": "Pay it back.",
}
DUE = datetime(2026, 12, 4, 16, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def support(db: None) -> Client:
    return signed_in(make_staff("Support"))


def issue(client: Client, dispute: Dispute, words: str = "We pay it back.", **more: Any) -> Any:
    data = {"words": words, "outcome": "agreed", "revision": Case.objects.get(pk=dispute.case_id).revision}
    return client.post(f"/admin/disputes/dispute/{dispute.pk}/final-response/", data | more)


def text_of(pdf: bytes) -> str:
    return " ".join(runs_of(pdf))


def test_a_final_response_is_frozen_resolves_the_dispute_and_is_on_its_page(support: Client) -> None:
    dispute = make_dispute(stage="complaint")
    assert issue(support, dispute).status_code == 302

    letter = Letter.objects.get()
    page = support.get(track_path(dispute)).content.decode()
    path = f"{track_path(dispute)}/letters/{letter.pk}.pdf"
    assert (path in page, "Final response of 25 November 2026" in page) == (True, True)
    twice = [support.get(path).content for _ in range(2)]
    assert twice[0] == twice[1] == bytes(letter.pdf)
    dispute.refresh_from_db()
    assert (dispute.status, dispute.outcome) == ("resolved", "agreed")
    assert AuditEntry.objects.get(verb="letter.issued").changes["sha256"] == letter.sha256


def test_the_mail_about_it_carries_nothing_of_the_sender(support: Client) -> None:
    dispute = make_dispute(stage="complaint", subject="You won a prize", description="See http://prize.example now.")
    issue(support, dispute)

    mail = OutgoingMail.objects.get(name="disputes/final_response")
    assert not re.search("won|prize", mail.subject + mail.text_body + mail.html_body)
    assert not mail.attachments.exists()


def test_the_author_is_told_of_signs_that_no_font_has_before_anything_is_frozen(support: Client) -> None:
    dispute = make_dispute(stage="complaint", **HARD)
    told = issue(support, dispute, "“Yes” – it’s true… €99").context["form"].non_field_errors()

    assert not Letter.objects.exists()
    assert "你" in told[0]
    assert "😀" in told[0]
    assert "Ł" not in told[0]


def test_every_letter_of_europe_is_printed_and_nothing_runs_out_of_the_page(support: Client) -> None:
    dispute = make_dispute(stage="complaint", **HARD)
    assert issue(support, dispute, "“Yes” – it’s true — …€99", accepts_boxes="on").status_code == 302

    runs = runs_of(bytes(Letter.objects.get().pdf))
    text = " ".join(runs)
    flat = re.sub(r"\s+", "", text)
    wanted = [NAME, HARD["account"], HARD["subject"], "“Yes” – it’s true — …€99", "a" * 293, "x" * 400, "It says □□"]
    assert [word for word in wanted if re.sub(r"\s+", "", word) not in flat] == []
    assert "In place of □ stands a sign" in text
    # A line holds about 90 letters of this size.
    assert max(map(len, runs)) < 120


def test_accents_that_came_apart_are_put_together(support: Client) -> None:
    dispute = make_dispute(stage="complaint", fullName="Zoe\u0308 S\u030cimek")
    assert issue(support, dispute).status_code == 302

    assert "Zoë Šimek" in text_of(bytes(Letter.objects.get().pdf))


@pytest.mark.parametrize("stage", ["support", "escalation"])
def test_there_is_none_before_the_last_stage(support: Client, stage: str) -> None:
    response = issue(support, make_dispute(stage=stage))

    assert "is not an open complaint without a final response" in response.context["form"].non_field_errors()[0]
    assert not Letter.objects.exists()


def test_there_is_one_alone(support: Client) -> None:
    dispute = make_dispute(stage="complaint")
    issue(support, dispute)
    support.post(
        f"/admin/disputes/dispute/{dispute.pk}/reopen/",
        {"words": "Once more.", "revision": Case.objects.get().revision},
    )
    assert issue(support, dispute).status_code == 200

    assert Letter.objects.count() == 1


def test_a_complaint_that_was_not_decided_in_time_brings_a_letter_by_itself_once() -> None:
    dispute = make_dispute(stage="complaint", **HARD)
    follow_up(at=DUE)
    assert not Letter.objects.exists()
    for _ in range(2):
        follow_up(at=datetime(2026, 12, 7, 9, 0, tzinfo=UTC))

    letter = Letter.objects.get()
    dispute.refresh_from_db()
    assert (letter.kind, letter.author, dispute.status) == ("time_limit", None, "open")
    text = " ".join(text_of(bytes(letter.pdf)).split())
    assert "we promised you an answer by Friday 4 December 2026" in text
    assert "Łukasz Ŵyn-Ξένος" in text
    told = OutgoingMail.objects.filter(name__startswith="disputes/time_limit").values_list("to_email", flat=True)
    assert sorted(told) == ["ada@fern.test", "complaints@levqor.ai"]


def test_our_decision_comes_after_it_all_the_same(support: Client) -> None:
    dispute = make_dispute(stage="complaint")
    follow_up(at=datetime(2026, 12, 7, 9, 0, tzinfo=UTC))
    assert issue(support, dispute).status_code == 302

    assert sorted(Letter.objects.values_list("kind", flat=True)) == ["decision", "time_limit"]


@pytest.mark.parametrize("change", [{"body": "x"}, {"pdf": b"x"}, {"outcome": "partly"}, {"sha256": "0"}])
def test_the_database_refuses_to_change_a_letter(support: Client, change: dict[str, Any]) -> None:
    issue(support, make_dispute(stage="complaint"))

    with pytest.raises(IntegrityError, match="a letter is never changed"), transaction.atomic():
        Letter.objects.update(**change)
    with pytest.raises(IntegrityError, match="a letter is never taken away"), transaction.atomic():
        Letter.objects.all().delete()


def test_erasing_the_person_empties_the_letter_and_an_export_has_it_before(support: Client) -> None:
    dispute = make_dispute(stage="complaint")
    issue(support, dispute, "We pay Ada back.")
    assert export_person("ada@fern.test")["cases"][0]["dispute"]["letters"][0]["text"] == "We pay Ada back."

    erase_case(Case.objects.get(), by=staff("sam"), at=NOW, reason="They asked for it.")
    letter = Letter.objects.get()
    assert (letter.body, bytes(letter.pdf)) == ("[erased]", b"")


def test_a_letter_of_another_dispute_is_not_found(support: Client) -> None:
    issue(support, make_dispute(stage="complaint"))
    other, letter = make_dispute(email="bob@fern.test"), Letter.objects.get()

    assert support.get(f"{track_path(other)}/letters/{letter.pk}.pdf").status_code == 404
    assert support.get(f"/admin/disputes/dispute/{other.pk}/letters/{letter.pk}/").status_code == 404
    assert support.get(f"/admin/disputes/dispute/{letter.dispute_id}/letters/{letter.pk}/").status_code == 200
