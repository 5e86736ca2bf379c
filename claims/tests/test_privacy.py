"""A person's data: handed out whole, taken out for good, and the money and the trail as valid as before."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from pytest_django import Settings

from claims import answering
from claims.models import Claim, CreditEntry
from claims.tests.make import NOW, WORDS, form_data, make_claim
from claims.tests.make_money import make_account, make_case_in_review, make_granted, measure_october, staff
from levqor.audit.models import AuditEntry
from levqor.audit.trail import seal_entries, verify
from levqor.cases.models import Case, CaseAnnex, CaseMessage, FileContent
from levqor.cases.privacy import ANNEX_KEPT, CASE_KEPT, StillOpenError, erase_case, export_person, forget
from levqor.cases.tracking import tracking_token
from levqor.desk.tests.make import make_admin, make_staff, signed_in
from levqor.lib.actors import SYSTEM
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def make_refused() -> Claim:
    claim = make_case_in_review()
    answering.refuse(claim, "Ada Fern, the month kept its promise.", by=staff("sam"), at=NOW)
    claim.refresh_from_db()
    return claim


def everything() -> str:
    """All texts of all rows that a claim leaves, as one."""
    kinds: list[type[models.Model]] = [Case, Claim, CaseMessage, CaseAnnex, OutgoingMail, AuditEntry]
    return json.dumps([list(kind._default_manager.values()) for kind in kinds], default=str)


def test_what_is_handed_out_holds_the_claim_and_no_note_among_staff() -> None:
    claim = make_case_in_review()
    answering.note(claim, "They pay late.", by=staff("sam"), at=NOW)
    answering.reply(claim, "We look at it.", by=staff("sam"), at=NOW)

    told = export_person("ADA@fern.test")["cases"]

    assert [case["reference"] for case in told] == [claim.case.reference]
    assert told[0]["claim"]["description"] == WORDS
    assert [message["text"] for message in told[0]["messages"]] == ["We look at it."]


def test_erasing_takes_the_person_out_everywhere(client: Client) -> None:
    claim = make_refused()
    token = tracking_token(claim.case)
    erase_case(claim.case, by=staff("sam"), at=NOW, reason="They asked for it.")

    left = everything()
    assert not [word for word in ("Ada Fern", "ada@fern.test", "No workflow ran", "kept its promise") if word in left]
    assert Case.objects.get().reference == claim.case.reference
    assert client.get(f"/sla-credits/track/{token}").status_code == 404


def test_the_money_and_the_trail_are_as_valid_as_before(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_fake"
    measure_october(major=45)
    claim = make_case_in_review(account=make_account(stripe_customer_id="cus_fern"))
    make_granted(claim)
    before = CreditEntry.objects.values().get()

    erase_case(claim.case, by=staff("sam"), at=NOW, reason="They asked for it.")
    seal_entries()

    assert CreditEntry.objects.values().get() == before
    assert verify(at=NOW).fault == ""


def test_an_open_case_is_not_erased_and_a_second_time_does_nothing() -> None:
    with pytest.raises(StillOpenError):
        erase_case(make_claim().case, by=SYSTEM, at=NOW, reason="They asked for it.")
    claim = make_refused()
    for _ in range(2):
        erase_case(claim.case, by=SYSTEM, at=NOW, reason="They asked for it.")

    assert AuditEntry.objects.filter(verb="erased").count() == 1


def test_files_are_erased_with_their_bytes(client: Client) -> None:
    file = SimpleUploadedFile("log.txt", b"14:02 Ada Fern")
    client.post("/sla-credits", form_data(client, attachments=[file]))
    claim = Claim.objects.select_related("case").get()
    client.post(f"/sla-credits/track/{tracking_token(claim.case)}/withdraw")

    erase_case(Case.objects.get(), by=SYSTEM, at=NOW, reason="They asked for it.")

    assert not FileContent.objects.exists()


def test_what_is_old_is_forgotten_by_itself() -> None:
    claim = make_refused()

    assert [forget(at=NOW + ANNEX_KEPT), CaseAnnex.objects.count()] == [0, 1]
    assert [forget(at=NOW + ANNEX_KEPT + timedelta(days=1)), CaseAnnex.objects.count()] == [0, 0]
    assert [forget(at=NOW + CASE_KEPT), forget(at=NOW + CASE_KEPT + timedelta(days=1))] == [0, 1]
    assert Case.objects.get(pk=claim.case_id).erased_at is not None


def test_only_administrators_hand_out_and_erase() -> None:
    claim = make_refused()
    page = f"/admin/claims/claim/{claim.pk}/person/"

    assert [signed_in(make_staff(role)).get(page).status_code for role in ("Support", "Finance", "Read-only")] == [
        403
    ] * 3
    assert "Ada Fern" in signed_in(make_admin()).get(page).content.decode()
