"""The outbox: a mail is written with the work it belongs to, leaves once, and ends in a state that says how."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from levqor.lib import events
from levqor.lib.backoff import PATIENT as BACKOFF
from levqor.mail import outbox
from levqor.mail.desk import _mail
from levqor.mail.models import LEASE, MailStatus, OutgoingMail, Suppression
from levqor.mail.outbox import WIPED, deliver, send
from levqor.mail.rendering import RenderedMail, render
from levqor.mail.tasks import deliver_due
from testing.fake_resend import FakeResend

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def resend(settings: Settings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.RESEND_API_KEY = fake.api_key
        options = {"api_key": fake.api_key, "api_url": fake.url}
        settings.MAILERS = {"default": {"BACKEND": "levqor.mail.backends.ResendBackend", "OPTIONS": options}}
        settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": (1, 1)}
        yield fake


def make_mail(key: str = "one", to: str = "payer@example.com", **options: Any) -> OutgoingMail:
    context = {"code": "ABC-DEF", "email": to, "support_email": "support@example.com"}
    return send("accounts/login_code", to, context, key=key, at=AT, **options)


def statuses() -> dict[str, str]:
    return dict(OutgoingMail.objects.values_list("key", "status"))


# Writing


def test_the_same_key_is_the_same_mail() -> None:
    first, second = make_mail(), make_mail(to="other@example.com")

    assert (first.pk, second.to_email) == (second.pk, "payer@example.com")
    assert OutgoingMail.objects.count() == 1


def test_a_mail_is_written_with_the_work_it_belongs_to_or_not_at_all() -> None:
    with transaction.atomic():
        make_mail()
        transaction.set_rollback(True)

    assert not OutgoingMail.objects.exists()


def test_a_mail_of_the_same_key_by_somebody_else_meanwhile_leaves_the_transaction_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs: list[OutgoingMail] = []

    def write_theirs_first(name: str, context: dict[str, Any]) -> RenderedMail:
        monkeypatch.undo()
        theirs.append(make_mail())
        return render(name, context)

    monkeypatch.setattr(outbox, "render", write_theirs_first)
    with transaction.atomic():
        ours = make_mail()
        assert OutgoingMail.objects.count() == 1

    assert ours.pk == theirs[0].pk


# One attempt


def test_a_mail_leaves_once(resend: FakeResend) -> None:
    mail = make_mail()

    assert [deliver(mail, at=AT) for _ in range(3)] == ["sent"] * 3
    assert len(resend.mails) == len(resend.attempts) == 1
    assert (mail.provider_id, mail.sent_at) == (resend.mails[0].id, AT)


def test_whoever_read_it_before_another_took_it_does_not_send_it(resend: FakeResend) -> None:
    mail = make_mail()
    stale = OutgoingMail.objects.get(pk=mail.pk)
    assert mail.claim(at=AT)

    assert deliver(stale, at=AT) == "sending"
    assert resend.attempts == []


def test_what_a_dead_worker_held_is_taken_up_after_its_lease(resend: FakeResend) -> None:
    mail = make_mail()
    mail.claim(at=AT)
    fresh = OutgoingMail.objects.get(pk=mail.pk)

    assert deliver(fresh, at=AT + LEASE) == "sending"
    assert deliver(fresh, at=AT + LEASE + timedelta(seconds=1)) == "sent"


def test_an_attempt_that_was_overtaken_records_nothing(resend: FakeResend) -> None:
    slow = make_mail()
    slow.claim(at=AT)
    quick = OutgoingMail.objects.get(pk=slow.pk)
    deliver(quick, at=AT + LEASE + timedelta(seconds=1))

    assert not slow.settle(MailStatus.FAILED, error="too late")
    assert statuses() == {"one": "sent"}


@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_a_refusal_of_the_mail_itself_is_final(resend: FakeResend, status: int) -> None:
    resend.fail_next(status=status)
    mail = make_mail()

    assert deliver(mail, at=AT) == "failed"
    assert mail.error.startswith(f"HTTP {status}")


@pytest.mark.parametrize("status", [401, 403, 408, 409, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_with_the_same_key_and_bytes(resend: FakeResend, status: int) -> None:
    resend.fail_next(status=status)
    mail = make_mail()

    assert deliver(mail, at=AT) == "pending"
    assert mail.next_attempt_at == AT + BACKOFF[0]
    assert deliver(mail, at=mail.next_attempt_at) == "sent"
    first, second = resend.attempts
    assert (first.headers["idempotency-key"], first.body) == (second.headers["idempotency-key"], second.body)


def test_a_line_that_breaks_after_acceptance_makes_no_second_mail(resend: FakeResend) -> None:
    resend.cut_after_accept()
    mail = make_mail()

    assert [deliver(mail, at=AT), deliver(mail, at=AT + BACKOFF[0])] == ["pending", "sent"]
    assert (len(resend.attempts), len(resend.mails)) == (2, 1)


def test_a_provider_that_hangs_or_is_gone_costs_an_attempt(resend: FakeResend) -> None:
    resend.down = True

    assert deliver(make_mail(), at=AT) == "pending"


def test_the_pauses_grow(resend: FakeResend) -> None:
    resend.fail_next(status=500, count=20)
    mail, at, pauses = make_mail(), AT, []
    for _ in range(len(BACKOFF)):
        deliver(mail, at=at)
        pauses.append(mail.next_attempt_at - at)
        at = mail.next_attempt_at

    assert pauses == BACKOFF
    assert at - AT < timedelta(hours=23)


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7", BACKOFF[0]),
        ("90", timedelta(seconds=90)),
        ("999999", timedelta(hours=1)),
        (format_datetime(AT + timedelta(minutes=5), usegmt=True), timedelta(minutes=5)),
        (format_datetime(AT - timedelta(minutes=5), usegmt=True), BACKOFF[0]),
        ("soon", BACKOFF[0]),
        ("-5", BACKOFF[0]),
        ("", BACKOFF[0]),
    ],
)
def test_the_wait_that_the_provider_asks_for_is_kept(resend: FakeResend, value: str, pause: timedelta) -> None:
    resend.fail_next(status=429, retry_after=value)  # type: ignore[arg-type]  # the fake sends whatever it is given
    mail = make_mail()

    deliver(mail, at=AT)

    assert mail.next_attempt_at == AT + pause


def test_after_23_hours_without_a_certain_answer_a_person_decides(resend: FakeResend) -> None:
    resend.fail_next(status=500, count=50)
    mail = make_mail()
    deliver(mail, at=AT)

    late = AT + timedelta(hours=23, seconds=1)

    assert [deliver(mail, at=late), deliver(mail, at=late + timedelta(days=1))] == ["unknown", "unknown"]
    assert len(resend.attempts) == 1
    assert "may have arrived" in mail.error


def test_no_mail_goes_to_a_suppressed_address_in_any_case(resend: FakeResend) -> None:
    Suppression.objects.create(email="payer@example.com", reason="bounce", suppressed_at=AT)

    assert deliver(make_mail(to="Payer@Example.com"), at=AT) == "failed"
    assert resend.attempts == []


# The drain


def due(at: datetime = AT) -> list[str]:
    return list(OutgoingMail.objects.due(at=at).values_list("key", flat=True))


def test_the_drain_takes_what_is_due_and_leaves_what_flows_drive() -> None:
    make_mail("now")
    make_mail("by a flow", is_driven_by_flow=True)
    OutgoingMail.objects.filter(pk=make_mail("later").pk).update(next_attempt_at=AT + timedelta(minutes=1))
    OutgoingMail.objects.filter(pk=make_mail("over").pk).update(status="failed")

    assert due() == ["now"]
    assert due(AT + timedelta(minutes=1)) == ["now", "later"]


@pytest.mark.parametrize(("is_bulk", "expected"), [(False, "failed"), (True, "sent")])
def test_a_code_that_waited_a_day_is_not_sent_and_a_notice_to_many_is(
    resend: FakeResend, is_bulk: bool, expected: str
) -> None:
    mail = make_mail(is_secret=True, is_bulk=is_bulk)
    resend.fail_next(status=401)
    deliver(mail, at=AT)
    mail.refresh_from_db()

    assert deliver(mail, at=AT + timedelta(days=1)) == expected
    assert len(resend.mails) == is_bulk


def test_what_waits_for_our_key_is_told_on_the_home_page(resend: FakeResend) -> None:
    resend.fail_next(status=401)
    deliver(make_mail(), at=AT)

    figure = next(figure for figure in _mail() if figure.label == "wait for our mail account")
    assert (figure.value, figure.is_bad) == (1, True)
    assert "401" in figure.note


def test_codes_go_before_the_mails_that_can_wait() -> None:
    for number in range(3):
        make_mail(f"newsletter {number}")
    make_mail("code", is_secret=True)

    assert due()[0] == "code"


def test_one_mail_that_breaks_does_not_hold_up_the_others(resend: FakeResend, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over = outbox._hand_over

    def poisoned(mail: OutgoingMail) -> str:
        if mail.key == "poison":
            raise ZeroDivisionError
        return hand_over(mail)

    monkeypatch.setattr(outbox, "_hand_over", poisoned)
    for key in ("first", "poison", "last"):
        make_mail(key)

    deliver_due()

    assert statuses() == {"first": "sent", "poison": "pending", "last": "sent"}


def test_a_listener_that_breaks_does_not_hold_up_the_others(
    resend: FakeResend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*, mail: OutgoingMail, at: datetime) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(events._handlers, "mail.sent", [broken])
    make_mail("first")
    make_mail("last")

    deliver_due()

    assert statuses() == {"first": "sent", "last": "sent"}


def test_a_crash_before_anybody_heard_repeats_the_attempt_and_not_the_mail(
    resend: FakeResend, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    mail = make_mail()
    with monkeypatch.context() as crashing:
        crashing.setattr(outbox, "emit", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliver(mail, at=AT)

    monkeypatch.setitem(events._handlers, "mail.sent", [lambda mail, at: heard.append(mail.key)])
    deliver(OutgoingMail.objects.get(), at=AT + timedelta(minutes=2))

    assert (heard, len(resend.mails)) == ([mail.key], 1)


def test_a_pass_that_takes_long_lets_others_have_the_worker_and_is_followed(
    resend: FakeResend, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr("levqor.mail.tasks.nudge", nudged.append)
    monkeypatch.setattr("levqor.mail.tasks.PASS_SECONDS", 0)
    make_mail("first")
    make_mail("last")

    deliver_due()

    assert sorted(statuses().values()) == ["pending", "sent"]
    assert nudged == ["mail.deliver_due"]


def test_mail_to_many_lets_all_other_mail_go_first() -> None:
    for key in ("many", "secret of many", "one", "secret"):
        make_mail(key, is_secret="secret" in key, is_bulk="many" in key)

    order = list(OutgoingMail.objects.due(at=AT).values_list("key", flat=True))

    assert order == ["secret", "one", "secret of many", "many"]


# Secrets


@pytest.mark.parametrize("end", ["sent", "failed", "unknown"])
def test_a_secret_is_wiped_however_its_mail_ends(resend: FakeResend, end: str) -> None:
    mail = make_mail(is_secret=True, headers={"List-Unsubscribe": "<https://example.com/end/token>"})
    assert "ABC-DEF" in mail.text_body
    if end != "sent":
        resend.fail_next(status=422 if end == "failed" else 500)
    deliver(mail, at=AT)
    if end == "unknown":
        deliver(mail, at=AT + timedelta(days=1))

    stored = OutgoingMail.objects.get()
    assert (stored.status, stored.text_body, stored.html_body, stored.headers) == (end, WIPED, WIPED, {})


def test_a_secret_that_is_still_to_be_sent_is_kept(resend: FakeResend) -> None:
    resend.fail_next(status=500)
    mail = make_mail(is_secret=True)

    deliver(mail, at=AT)

    assert "ABC-DEF" in OutgoingMail.objects.get().text_body


def test_a_subject_never_holds_the_code() -> None:
    assert "ABC" not in make_mail(is_secret=True).subject


def test_an_ordinary_mail_stays_readable(resend: FakeResend) -> None:
    deliver(make_mail(), at=AT)

    assert "ABC-DEF" in OutgoingMail.objects.get().text_body


def test_a_link_that_acts_is_sent_but_never_shown_to_staff(resend: FakeResend) -> None:
    mail = make_mail(acting_links=["ABC-DEF"])

    assert "ABC-DEF" not in mail.text_for_staff + mail.html_for_staff
    deliver(mail, at=AT)

    assert "ABC-DEF" in resend.mails[0].body["text"]


def test_a_link_that_acts_is_taken_out_once_the_mail_is_over(resend: FakeResend) -> None:
    deliver(make_mail(acting_links=["ABC-DEF"]), at=AT)

    stored = OutgoingMail.objects.get()
    assert (stored.status, stored.acting_links) == ("sent", [])
    assert "ABC-DEF" not in stored.text_body + stored.html_body
    assert stored.text_body != WIPED
