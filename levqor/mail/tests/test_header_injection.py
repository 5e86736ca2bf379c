"""What people type stands in names, subjects and addresses: none of it ever becomes a header of its own."""

import email
import email.policy
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, mailers
from pytest_django import Settings

from levqor.mail import rendering
from levqor.mail.backends import FolderBackend
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import deliver, send
from levqor.mail.rendering import RenderedMail, one_line
from levqor.mail.tests.test_outbox import AT
from testing.fake_resend import FakeResend

pytestmark = pytest.mark.django_db

CORPUS = [
    "Ada\nBcc: eve@example.com", "Ada\r\nBcc: eve@example.com", "Ada\rBcc: eve@example.com", "Ada\r\n\r\n<p>body</p>",
    "Ada\x0bBcc: eve@example.com", "Ada\x0cBcc: eve@example.com", "Ada\x1c\x1d\x1eBcc: eve@example.com",
    "Ada\x85Bcc: eve@example.com", "Ada\u2028Bcc: eve@example.com", "Ada\u2029Bcc: eve@example.com", "Ada\0Bcc: eve",
    "Ada%0D%0ABcc: eve@example.com", "=?utf-8?q?Ada=0D=0ABcc:_eve?=", "Ada\t\n Bcc: eve@example.com", "A" * 5000,
    "Ada\x7f\x08\x1b[31m", '"Ada" <eve@example.com>, bob@example.com', "Zoë 🦔 Ünal", "\u202eada",
]  # fmt: skip


def rendered(subject: str) -> RenderedMail:
    """As `render` leaves a mail: its bodies without control characters, which PostgreSQL would not take."""
    return RenderedMail(
        one_line(subject), rendering._tidy(f"Dear {subject}"), rendering._clean(f"<p>Dear {subject}</p>")
    )


def make_mail(typed: str, monkeypatch: pytest.MonkeyPatch, *, to: str = "payer@example.com") -> OutgoingMail:
    """A mail in whose subject, sender's name, reply-to and headers somebody typed."""
    monkeypatch.setattr("levqor.mail.outbox.render", lambda name, context: rendered(typed))
    return send("any", to, {}, key="one", at=AT, headers={"List-Unsubscribe": f"<https://example.com/{typed}>"})


@pytest.fixture
def resend(settings: Settings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.RESEND_API_KEY = fake.api_key
        options = {"api_key": fake.api_key, "api_url": fake.url}
        settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.ResendBackend", "OPTIONS": options}}
        yield fake


def is_one_line(text: str) -> bool:
    return len(text.splitlines()) == 1 and not any(ord(character) < 32 or ord(character) == 127 for character in text)


@pytest.mark.parametrize("typed", CORPUS)
def test_what_goes_to_the_provider_has_one_recipient_and_single_lines(
    resend: FakeResend, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(make_mail(typed, monkeypatch), at=AT)

    (mail,) = resend.mails
    assert mail.body["to"] == ["payer@example.com"]
    assert not {"cc", "bcc"} & set(mail.body)
    assert is_one_line(mail.body["subject"])
    assert all(is_one_line(value) for value in mail.body["headers"].values())
    assert len(mail.body["subject"]) <= rendering.SUBJECT_LIMIT


@pytest.mark.parametrize("typed", CORPUS)
def test_what_is_written_to_the_folder_has_our_headers_and_no_others(
    typed: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    assert deliver(make_mail(typed, monkeypatch), at=AT) == "sent"

    folder = Path(settings.MAILERS["default"]["OPTIONS"]["folder"])
    parsed = read(next(folder.glob("*.eml")))
    assert parsed["To"] == "payer@example.com"
    assert set(parsed.keys()) == {
        "Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Date", "Message-ID", "List-Unsubscribe",
    }  # fmt: skip


@pytest.mark.parametrize(
    "to", [typed for typed in CORPUS if "Zo" not in typed] + ["a@example.com, b@example.com", "a@b@c"]
)
def test_an_address_that_is_none_or_several_gets_nothing(
    resend: FakeResend, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver(make_mail("Hello", monkeypatch, to=to), at=AT) == "failed"
    assert resend.mails == []


def test_a_long_address_in_a_header_stays_an_address(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """RFC 2369 knows no encoded words: a mail program that meets one finds no link to press."""
    link = "status/subscribe/end/" + "x" * 300
    deliver(make_mail(link, monkeypatch), at=AT)

    folder = Path(settings.MAILERS["default"]["OPTIONS"]["folder"])
    raw = next(folder.glob("*.eml")).read_bytes()

    assert f"\nList-Unsubscribe: <https://example.com/{link}>\n".encode() in raw.replace(b"\r\n", b"\n")


def read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


# The folder


def message(subject: str = "Hello", key: str = "") -> EmailMultiAlternatives:
    made = EmailMultiAlternatives(subject, "Text ü", "Levqor <billing@levqor.ai>", ["payer@example.com"])
    made.attach_alternative("<p>HTML ü</p>", "text/html")
    if key:
        made.idempotency_key = key  # type: ignore[attr-defined]
    return made


def test_the_folder_holds_one_readable_file_a_mail_with_both_parts(tmp_path: Path) -> None:
    FolderBackend(str(tmp_path / "new" / "mail")).send_messages([message("One"), message("Two")])

    mails = sorted((tmp_path / "new" / "mail").iterdir())
    assert [mail.name for mail in mails] == ["One.eml", "Two.eml"]
    parsed = read(mails[0])
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content(), html.get_content()) == ("Text ü\n", "<p>HTML ü</p>\n")


def test_the_same_key_is_the_same_file(tmp_path: Path) -> None:
    FolderBackend(str(tmp_path)).send_messages([message("One", "key"), message("One", "key")])

    assert [path.name for path in tmp_path.iterdir()] == ["key.eml"]


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "a\0b", "x" * 500, "..", ".", "ü/ö"])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "mail"

    FolderBackend(str(folder)).send_messages([message(key=key)])

    assert [path.parent for path in tmp_path.rglob("*.eml")] == [folder]


def test_a_half_written_file_is_never_taken_for_a_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, data: bytes) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(OSError, match="disk full"):
        FolderBackend(str(tmp_path)).send_messages([message()])
    assert list(tmp_path.glob("*.eml")) == []


def test_the_idempotency_key_is_no_header_of_the_mail(resend: FakeResend) -> None:
    mailers.default.send_messages([message(key="the-key")])

    assert resend.attempts[0].headers["idempotency-key"] == "the-key"
    assert "the-key" not in json.dumps(resend.mails[0].body)
