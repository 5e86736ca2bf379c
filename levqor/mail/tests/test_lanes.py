"""Delivery runs side by side: a mail that hangs delays none but itself."""

from datetime import UTC, datetime
from threading import Event

import pytest
from pytest_django import Settings

from levqor.mail import outbox
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import send
from levqor.mail.tasks import deliver_due

AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def make_mails(*keys: str) -> None:
    for key in keys:
        context = {"code": "ABC-DEF", "email": "payer@example.com", "support_email": "support@example.com"}
        send("accounts/login_code", f"{key}@example.com", context, key=key, at=AT)


@pytest.mark.django_db(transaction=True)
def test_those_behind_a_mail_that_hangs_leave_meanwhile(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAIL_LANES = 3
    make_mails("hangs", "one", "two", "three", "four")
    left: list[str] = []
    all_others_left = Event()

    def hand_over(mail: OutgoingMail) -> str:
        if mail.key == "hangs":
            assert all_others_left.wait(30)
        left.append(mail.key)
        if len(left) == 4:
            all_others_left.set()
        return f"id-{mail.key}"

    monkeypatch.setattr(outbox, "_hand_over", hand_over)
    deliver_due()

    assert left[-1] == "hangs"
    assert set(OutgoingMail.objects.values_list("status", flat=True)) == {MailStatus.SENT}


@pytest.mark.django_db(transaction=True)
def test_one_that_breaks_takes_none_with_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAIL_LANES = 2
    make_mails("one", "breaks", "two")

    def deliver(mail: OutgoingMail, *, at: datetime) -> MailStatus:
        if mail.key == "breaks":
            raise RuntimeError("a listener broke")
        return outbox.deliver(mail, at=at)

    monkeypatch.setattr("levqor.mail.tasks.deliver", deliver)
    deliver_due()

    assert OutgoingMail.objects.get(key="breaks").status == MailStatus.PENDING
    assert OutgoingMail.objects.filter(status=MailStatus.SENT).count() == 2
