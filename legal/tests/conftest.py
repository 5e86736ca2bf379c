import pytest

from legal.models import Acceptance, DocumentVersion


@pytest.fixture(autouse=True)
def _quick_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF takes a fifth of a second to make; the tests that look into one make it themselves."""

    def stand_in(version: DocumentVersion) -> bytes:
        return f"%PDF of {version} {version.sha256}".encode()

    def receipt_stand_in(acceptance: Acceptance, versions: object) -> bytes:
        return f"%PDF of {acceptance.reference}".encode()

    monkeypatch.setattr("legal.pdf.of_version", stand_in)
    monkeypatch.setattr("legal.receipts.as_pdf", receipt_stand_in)
