"""The copies that a customer gets: what leaves for Resend is, byte for byte, what was accepted."""

import base64
import hashlib
from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from legal.acceptance import versions_of
from legal.models import PublishedPdf
from legal.receipts import as_file
from legal.tests.make import make_acceptance
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.tasks import deliver_due
from testing.fake_resend import FakeResend

pytestmark = pytest.mark.django_db


@pytest.fixture
def resend(settings: Settings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.RESEND_API_KEY = fake.api_key
        options = {"api_key": fake.api_key, "api_url": fake.url}
        settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.ResendBackend", "OPTIONS": options}}
        yield fake


def test_the_mail_of_an_acceptance_leaves_once_with_the_bytes_of_every_document(resend: FakeResend) -> None:
    acceptance = make_acceptance()
    for _ in range(2):
        deliver_due()

    [mail] = [mail for mail in resend.mails if mail.body["to"] == ["jo@fern.test"]]
    sent = {part["filename"]: base64.b64decode(part["content"]) for part in mail.body["attachments"]}
    pdfs = {
        f"levqor-{version.document.slug}-v1.pdf": bytes(PublishedPdf.objects.get(version=version).content)
        for version in versions_of(acceptance)
    }
    receipt = f"receipt-{acceptance.reference}"
    assert sent == pdfs | {f"{receipt}.pdf": bytes(acceptance.receipt_pdf), f"{receipt}.json": as_file(acceptance)}
    assert hashlib.sha256(sent[f"{receipt}.pdf"]).hexdigest() == acceptance.receipt_pdf_sha256


def test_a_copy_that_could_not_leave_leaves_with_the_same_bytes_later(resend: FakeResend) -> None:
    make_acceptance()
    resend.fail_next(status=503, count=2)
    deliver_due()
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    deliver_due()

    first, *_, last = [request.params for request in resend.attempts if request.params["to"] == ["jo@fern.test"]]
    assert first == last
    assert OutgoingMail.objects.get(name="legal/accepted").status == MailStatus.SENT
