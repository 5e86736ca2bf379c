"""One declaration is one acceptance, with all that proves it, and a mail that carries it."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from django.utils import timezone

from legal import wording
from legal.acceptance import OutdatedError, accept, acceptance_of_token, send_copy_again, versions_of
from legal.catalogue import BOUND_BY_ACCEPTANCE
from legal.models import Acceptance, BuyerKind, DfyPackage, Document, ReceiptLink
from legal.publishing import publish
from legal.receipts import as_file, canonical, sha256_of_file
from legal.references import new_reference, parse_reference
from legal.tests.make import HERE, make_acceptance, make_declaration, make_draft, make_staff
from levqor.guard.limits import LimitReachedError
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


def test_it_keeps_who_when_what_and_in_which_words() -> None:
    acceptance = make_acceptance()

    assert (acceptance.full_name, acceptance.email, acceptance.company) == (
        "Jo Fern",
        "jo@fern.test",
        "Fernhill Bakery",
    )
    assert (acceptance.package_name, acceptance.price_cents, acceptance.currency) == ("Growth Build", 24900, "gbp")
    assert acceptance.sentence.startswith("I order the Growth Build for £249 and accept the Done-for-you")
    assert "I have read the Privacy notice (version 1)." in acceptance.sentence
    assert (acceptance.button, acceptance.locale, acceptance.request_id) == (wording.BUTTON, "en-gb", "request-1")


def test_it_binds_five_documents_by_their_hashes() -> None:
    parts = make_acceptance().accepted_documents.select_related("version__document")

    assert [part.version.document.slug for part in parts] == BOUND_BY_ACCEPTANCE
    assert all(part.sha256 == part.version.sha256 for part in parts)


def test_the_address_is_in_a_part_of_its_own() -> None:
    acceptance = make_acceptance()

    assert (acceptance.annex.ip_address, acceptance.annex.user_agent) == ("203.0.113.7", "Test")
    assert "203.0.113.7" not in acceptance.receipt


def test_a_consumer_s_boxes_are_kept_with_their_words() -> None:
    acceptance = make_acceptance(kind=BuyerKind.CONSUMER, company="", wants_early_start=True)

    assert acceptance.declarations == [
        {"words": wording.EARLY_START, "ticked": True},
        {"words": wording.RIGHT_LOST, "ticked": False},
    ]


def test_a_business_has_no_boxes() -> None:
    acceptance = make_acceptance(wants_early_start=True, acknowledges_loss=True)

    assert (acceptance.declarations, acceptance.wants_early_start, acceptance.acknowledges_loss) == ([], False, False)


def test_the_mail_carries_receipt_and_every_document() -> None:
    acceptance = make_acceptance()

    mail = OutgoingMail.objects.get(name="legal/accepted")
    names = [attachment.filename for attachment in mail.attachments.all()]
    assert mail.to_email == "jo@fern.test"
    assert names[:2] == [f"receipt-{acceptance.reference}.pdf", f"receipt-{acceptance.reference}.json"]
    assert names[2:] == [f"levqor-{slug}-v1.pdf" for slug in BOUND_BY_ACCEPTANCE]


def test_support_hears_of_it() -> None:
    acceptance = make_acceptance()

    assert acceptance.reference in OutgoingMail.objects.get(name="legal/order_received").subject


@pytest.mark.parametrize(
    "changes", [{}, {"email": "JO@fern.test"}, {"company": "FERNHILL BAKERY"}, {"full_name": "J. Fern"}]
)
def test_accepting_twice_is_one_acceptance(changes: dict[str, Any]) -> None:
    first = make_acceptance()

    again = accept(make_declaration(**changes), HERE, at=timezone.now())
    assert (again.acceptance.pk, again.is_new, again.token) == (first.pk, False, "")
    assert Acceptance.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"company": "Another Ltd"}, {"kind": BuyerKind.CONSUMER}, {"email": "other@fern.test"}], ids=str
)
def test_saying_something_else_is_another_acceptance(changes: dict[str, Any]) -> None:
    make_acceptance()
    make_acceptance(**changes)

    assert Acceptance.objects.count() == 2


def test_pressing_the_same_button_twice_opens_the_same_receipt() -> None:
    declaration = make_declaration()
    first = accept(declaration, HERE, at=timezone.now())
    second = accept(declaration, HERE, at=timezone.now())

    assert acceptance_of_token(second.token) == acceptance_of_token(first.token) == first.acceptance


def test_a_stranger_who_repeats_an_order_learns_nothing_and_the_owner_gets_a_copy() -> None:
    make_acceptance()

    for _ in range(3):
        assert accept(make_declaration(full_name="A Stranger"), HERE, at=timezone.now()).token == ""
    assert OutgoingMail.objects.filter(name="legal/accepted", to_email="jo@fern.test").count() == 2


def test_a_new_version_since_the_form_was_shown_is_said() -> None:
    declaration = make_declaration()
    document = Document.objects.get(slug="refunds")
    draft = make_draft(document=document, source=document.versions.get().source + "\nMore.\n")
    publish(draft, by=make_staff("other"), at=timezone.now(), reason="More.")

    with pytest.raises(OutdatedError, match="A new version of the documents"):
        accept(declaration, HERE, at=timezone.now())
    assert not Acceptance.objects.exists()


def test_a_new_price_since_the_form_was_shown_is_said() -> None:
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)

    with pytest.raises(OutdatedError, match="changed to £269"):
        accept(make_declaration(shown_price_cents=24900), HERE, at=timezone.now())


def test_five_an_hour_from_one_address_and_nothing_of_the_sixth() -> None:
    for number in range(5):
        make_acceptance(company=f"Company {number}")

    with pytest.raises(LimitReachedError):
        make_acceptance(company="One too many")
    assert Acceptance.objects.count() == 5
    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 5


def test_no_receipt_is_drawn_for_whoever_asks_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make_acceptance(company=f"Company {number}")
    draw = Mock(return_value=b"")
    monkeypatch.setattr("legal.receipts.as_pdf", draw)

    with pytest.raises(LimitReachedError):
        make_acceptance(company="One too many")
    assert not draw.called


def test_the_receipt_s_code_is_that_of_its_file_however_it_is_spaced() -> None:
    acceptance = make_acceptance()
    whole = json.loads(as_file(acceptance))

    assert sha256_of_file(json.dumps(whole).encode()) == acceptance.receipt_sha256
    whole["receipt"]["package"]["price_cents"] = 1
    assert sha256_of_file(canonical(whole)) != acceptance.receipt_sha256


def test_the_link_s_secret_is_kept_nowhere() -> None:
    outcome = accept(make_declaration(), HERE, at=timezone.now())

    assert outcome.token not in str(ReceiptLink.objects.values())
    assert acceptance_of_token(outcome.token + "x") is None


def test_a_copy_goes_out_once_a_day() -> None:
    acceptance = make_acceptance()
    for _ in range(2):
        send_copy_again(acceptance, at=timezone.now())

    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 2
    assert [version.document.slug for version in versions_of(acceptance)] == BOUND_BY_ACCEPTANCE


def test_a_reference_is_known_however_it_is_typed() -> None:
    reference = new_reference()

    assert parse_reference(reference.lower().replace("-", " ")) == reference
    wrong = reference[:-1] + ("A" if reference[-1] != "A" else "B")
    assert parse_reference(wrong) is None
    assert new_reference() != new_reference()
