"""Ordering on the agreement's page: form, last look, receipt; and the door that checks receipts."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from legal.models import Acceptance, DfyPackage, DocumentVersion
from legal.receipts import as_file
from legal.tests.make import make_acceptance
from levqor.mail.models import OutgoingMail
from testing.html import Document

pytestmark = pytest.mark.django_db

FILLED = {
    "package": "growth",
    "full_name": "Jo Fern",
    "email": "jo@fern.test",
    "company": "Fernhill Bakery",
    "kind": "business",
}


def fill_in(client: Client, *, seconds: float = 20, **changes: Any) -> Any:
    """Opens the form, takes so long over it, and sends it."""
    form = Document(client.get("/dfy-agreement").content.decode())
    opened = form.one("input", name="opened").get("value")
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False):
        return client.post("/dfy-agreement", FILLED | {"opened": opened} | changes)


def order(client: Client, **changes: Any) -> Any:
    answer = fill_in(client, **changes)
    token = Document(answer.content.decode()).one("input", name="order").get("value")
    return client.post("/dfy-agreement", {"order": token})


def test_no_box_is_ticked_for_anybody(client: Client) -> None:
    form = Document(client.get("/dfy-agreement").content.decode())

    assert [field.get("name") for field in form.all("input") if "checked" in field.attributes] == []
    assert [field.get("name") for field in form.all("input") if field.get("type") == "checkbox"] == [
        "wants_early_start",
        "acknowledges_loss",
    ]


def test_a_package_can_be_chosen_by_the_link(client: Client) -> None:
    form = Document(client.get("/dfy-agreement?package=pro").content.decode())

    assert [field.get("value") for field in form.all("input") if "checked" in field.attributes] == ["pro"]


def test_the_last_look_shows_price_sentence_and_button_and_orders_nothing(client: Client) -> None:
    page = fill_in(client)

    text = page.content.decode()
    assert page.status_code == 200
    assert "£249" in text
    assert "I order the Growth Build for £249" in text
    assert "Order with obligation to pay" in text
    assert not Acceptance.objects.exists()


def test_ordering_leads_to_the_receipt(client: Client) -> None:
    response = order(client)
    receipt = client.get(response.headers["Location"])

    acceptance = Acceptance.objects.get()
    assert response.status_code == 303
    assert acceptance.reference in receipt.content.decode()
    assert (receipt.headers["Referrer-Policy"], receipt.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "no-store" in receipt.headers["Cache-Control"]


def test_the_receipt_s_files_are_those_of_the_mail(client: Client) -> None:
    place = order(client).headers["Location"]

    files = {
        a.filename.rpartition(".")[2]: bytes(a.file.content) for a in _mail().attachments.select_related("file")[:2]
    }
    assert client.get(f"{place}/receipt.pdf").content == files["pdf"]
    assert client.get(f"{place}/receipt.json").content == files["json"]
    assert client.get(f"{place}/receipt.exe").status_code == 404


def _mail() -> OutgoingMail:
    return OutgoingMail.objects.get(name="legal/accepted")


def test_a_stranger_sees_no_receipt(client: Client) -> None:
    make_acceptance()

    for path in ("/legal/receipt/guessed", "/legal/receipt/guessed/receipt.pdf", "/legal/receipt/" + "a" * 500):
        assert client.get(path).status_code == 404


def test_a_name_is_one_line_that_reads_as_it_is_stored(client: Client) -> None:
    order(client, full_name="\u202eJo\u202c \u0639\u0631\u0628\u064a\r\n Fern \U0001f600")

    assert Acceptance.objects.get().full_name == "Jo \u0639\u0631\u0628\u064a Fern \U0001f600"


def test_what_was_entered_can_be_changed(client: Client) -> None:
    token = Document(fill_in(client).content.decode()).one("input", name="order").get("value")
    form = Document(client.post("/dfy-agreement", {"order": token, "change": "1"}).content.decode())

    assert form.one("input", name="full_name").get("value") == "Jo Fern"
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"full_name": " "}, "Enter your full name."),
        ({"full_name": "x" * 201}, "at most 200 characters"),
        ({"email": "jo"}, "Enter an email address, such as name@example.com."),
        ({"package": "gold"}, "Choose one of the packages."),
        ({"kind": ""}, "Say whether you buy for yourself or for a business."),
        ({"company": ""}, "Enter the name of the business that you buy for."),
        ({"quiet_line": "http://spam.test"}, "it is there for programs"),
        ({"opened": "forged"}, "The form was open for too long."),
        ({"full_name": "Jo\0Fern"}, "Null characters are not allowed."),
        ({"full_name": "\u202e\u200b"}, "Enter your full name."),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_kept(client: Client, changes: dict[str, Any], message: str) -> None:
    answer = fill_in(client, **changes)
    page = answer.content.decode()

    assert answer.status_code == 422
    assert message in page
    assert "There is a problem" in page
    assert "Growth Build" in page
    assert "full_name" in changes or 'value="Jo Fern"' in page
    assert not Acceptance.objects.exists()


def test_an_order_while_nothing_can_be_ordered_says_so(client: Client) -> None:
    opened = Document(client.get("/dfy-agreement").content.decode()).one("input", name="opened").get("value")
    DfyPackage.objects.update(revisions=9)

    answer = client.post("/dfy-agreement", FILLED | {"opened": opened})
    assert answer.status_code == 409
    assert "Nothing was ordered" in answer.content.decode()
    assert "cannot be ordered at the moment" in answer.content.decode()


def test_whoever_is_very_quick_is_asked_to_press_again(client: Client) -> None:
    page = fill_in(client, seconds=1)

    assert page.status_code == 422
    assert "That was very quick." in page.content.decode()
    assert 'value="Jo Fern"' in page.content.decode()


def test_an_altered_order_is_refused(client: Client) -> None:
    response = client.post("/dfy-agreement", {"order": "altered:token"})

    assert response.status_code == 409
    assert "Nothing was ordered" in response.content.decode()
    assert "what you entered is kept" not in response.content.decode()


def test_a_price_that_changed_meanwhile_is_said(client: Client) -> None:
    token = Document(fill_in(client).content.decode()).one("input", name="order").get("value")
    DfyPackage.objects.filter(slug="growth").update(price_cents=26900)

    response = client.post("/dfy-agreement", {"order": token})
    assert response.status_code == 409
    assert "changed to £269" in response.content.decode()


def test_too_many_orders_answer_429_and_keep_the_words(client: Client) -> None:
    for number in range(5):
        make_acceptance(company=f"Company {number}")

    response = order(client)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "what you entered is kept" in response.content.decode()


def test_the_same_order_by_somebody_else_shows_no_receipt(client: Client) -> None:
    make_acceptance()

    response = order(client, full_name="A Stranger")
    assert "You have ordered this already" in response.content.decode()
    assert "Jo Fern" not in response.content.decode()


def verdict(client: Client, **data: Any) -> dict[str, Any]:
    result: dict[str, Any] = client.post("/legal/verify", data, headers={"Accept": "application/json"}).json()
    return result


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("file", content)


def test_a_genuine_receipt_matches_in_every_form(client: Client) -> None:
    acceptance = make_acceptance()

    for data in (
        {"reference": acceptance.reference},
        {"reference": acceptance.reference.lower().replace("-", " ")},
        {"reference": acceptance.receipt_sha256},
        {"file": upload(as_file(acceptance))},
        {"file": upload(bytes(acceptance.receipt_pdf))},
    ):
        found = verdict(client, **data)
        assert (found["match"], found["kind"], found["intact"]) == (True, "receipt", True)
        assert found["documents"][0]["slug"] == "dfy-agreement"


def test_a_published_pdf_matches(client: Client) -> None:
    version = DocumentVersion.objects.select_related("pdf").get(document__slug="terms")

    assert verdict(client, file=upload(bytes(version.pdf.content)))["documents"][0]["slug"] == "terms"
    assert verdict(client, file=upload(version.html.encode()))["kind"] == "document"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"%PDF-1.4",
        b"{}",
        b"[]",
        b"null",
        b'{"receipt": 1}',
        b"[" * 200_000,
        b"\xff\xfe",
        b'{"receipt": NaN}',
    ],
    ids=range(10),
)
def test_any_other_file_does_not(client: Client, content: bytes) -> None:
    response = client.post("/legal/verify", {"reference": "x", "file": upload(content)})

    assert response.status_code == 200
    assert "No match" in response.content.decode()


def test_an_altered_receipt_does_not(client: Client) -> None:
    whole = json.loads(as_file(make_acceptance()))
    whole["receipt"]["accepted_by"]["name"] = "Somebody Else"

    found = verdict(client, file=upload(json.dumps(whole).encode()))
    assert (found["match"], found["intact"]) == (False, False)


def test_nothing_about_a_person_is_shown(client: Client) -> None:
    acceptance = make_acceptance()
    page = client.get("/legal/verify", {"reference": acceptance.reference}).content.decode()

    assert "Match" in page
    assert not any(word in page for word in ("Jo Fern", "jo@fern.test", "Fernhill", "203.0.113.7"))


def test_nothing_asked_is_a_question_back(client: Client) -> None:
    answer = client.post("/legal/verify", {"reference": " "})

    assert answer.status_code == 422
    assert "Enter a reference or choose a file." in answer.content.decode()
    assert client.get("/legal/verify").status_code == 200


def test_a_program_is_told_in_its_own_words_what_is_wrong(client: Client) -> None:
    answer = client.post("/legal/verify", {"reference": " "}, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()) == (422, {"errors": ["Enter a reference or choose a file."]})


def test_checking_has_a_limit(client: Client) -> None:
    for _ in range(60):
        client.get("/legal/verify", {"reference": "x"})

    response = client.get("/legal/verify", {"reference": "x"})
    assert (response.status_code, "Retry-After" in response.headers) == (429, True)


def test_the_script_checks_a_receipt_without_us(tmp_path: Path) -> None:
    acceptance = make_acceptance()
    version = DocumentVersion.objects.select_related("pdf").get(document__slug="terms")
    receipt, terms, other = tmp_path / "receipt.json", tmp_path / "terms.pdf", tmp_path / "other.pdf"
    receipt.write_bytes(as_file(acceptance))
    terms.write_bytes(bytes(version.pdf.content))
    other.write_bytes(b"other")

    assert _script(receipt, terms) == 0
    assert _script(receipt, other) == 1
    receipt.write_text(receipt.read_text().replace("Jo Fern", "Jo Burn"))
    assert _script(receipt) == 1
    assert _script(other) == 2


def _script(*files: Path) -> int:
    script = settings.BASE_DIR / "scripts" / "verify_receipt.py"
    return subprocess.run(
        [sys.executable, "-I", str(script), *map(str, files)], check=False, capture_output=True
    ).returncode


def test_the_canonical_form_of_the_script_is_ours() -> None:
    acceptance = make_acceptance()

    assert hashlib.sha256(acceptance.receipt.encode()).hexdigest() == acceptance.receipt_sha256
