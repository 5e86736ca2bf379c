import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from testing.fake_resend import FakeResend, Mail
from testing.fake_server import HangUpError
from testing.resend_webhooks import SUPPRESSED

MAIL = {"from": "Levqor <billing@example.com>", "to": ["alice@example.com"], "subject": "Hello", "text": "Hi"}


@pytest.fixture
def fake() -> Iterator[FakeResend]:
    with FakeResend() as server:
        yield server


def call(
    fake: FakeResend,
    *,
    key: str | None = None,
    api_key: str | None = "re_fake",
    method: str = "POST",
    path: str = "/emails",
    **changes: Any,
) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {"Content-Type": "application/json"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    if key is not None:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(urlsplit(fake.url).netloc, timeout=10)
    try:
        connection.request(method, path, json.dumps(MAIL | changes), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), dict(response.headers)
    finally:
        connection.close()


def test_a_mail_is_accepted(fake: FakeResend) -> None:
    status, body, _ = call(fake, key="step-1")

    assert status == 200
    assert fake.mails == [Mail(body["id"], "step-1", MAIL, fake.now)]


def test_without_a_key_every_request_is_a_mail(fake: FakeResend) -> None:
    call(fake)
    call(fake)

    assert len(fake.mails) == 2


def test_same_key_and_body_is_one_mail(fake: FakeResend) -> None:
    first, second = call(fake, key="k"), call(fake, key="k")

    assert first[:2] == second[:2]
    assert (len(fake.mails), len(fake.attempts)) == (1, 2)


def test_same_key_with_another_body_is_refused(fake: FakeResend) -> None:
    call(fake, key="k")

    status, body, _ = call(fake, key="k", subject="Other")

    assert (status, body["name"]) == (409, "invalid_idempotent_request")
    assert len(fake.mails) == 1


@pytest.mark.parametrize(("age", "mails"), [(24 * 3600 - 1, 1), (24 * 3600, 2)])
def test_a_key_lasts_a_day(fake: FakeResend, age: int, mails: int) -> None:
    call(fake, key="k")
    fake.advance(age)

    call(fake, key="k")

    assert len(fake.mails) == mails


def test_a_key_at_work_is_refused(fake: FakeResend) -> None:
    accepted, go_on = threading.Event(), threading.Event()

    def wait(mail: Mail) -> None:
        accepted.set()
        go_on.wait(10)

    fake.on_accept = wait
    first = threading.Thread(target=call, args=(fake,), kwargs={"key": "k"})
    first.start()
    accepted.wait(10)
    status, body, _ = call(fake, key="k")
    go_on.set()
    first.join(10)

    assert (status, body["name"]) == (409, "concurrent_idempotent_requests")
    assert call(fake, key="k")[0] == 200
    assert len(fake.mails) == 1


def test_a_cut_mail_is_accepted_once(fake: FakeResend) -> None:
    fake.cut_after_accept()
    with pytest.raises(http.client.RemoteDisconnected):
        call(fake, key="k")

    status, body, _ = call(fake, key="k")

    assert (status, body["id"]) == (200, fake.mails[0].id)
    assert len(fake.mails) == 1


def test_the_hook_may_drop_the_socket(fake: FakeResend) -> None:
    def crash(mail: Mail) -> None:
        raise HangUpError

    fake.on_accept = crash
    with pytest.raises(http.client.RemoteDisconnected):
        call(fake)

    assert len(fake.mails) == 1


def test_an_error_of_the_fake_itself_is_not_hidden() -> None:
    def break_down(mail: Mail) -> None:
        raise KeyError("a bug in the test's hook")

    fake = FakeResend().start()
    fake.on_accept = break_down
    call(fake)

    with pytest.raises(AssertionError, match="the fake itself failed"):
        fake.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("status", "name"), [(429, "rate_limit_exceeded"), (500, "application_error"), (403, "validation_error")]
)
def test_told_failures_accept_nothing(fake: FakeResend, status: int, name: str) -> None:
    fake.fail_next(status=status, retry_after=3)

    got, body, headers = call(fake, key="k")

    assert (got, body["name"], body["statusCode"], headers["Retry-After"]) == (status, name, status, "3")
    assert fake.mails == []
    assert call(fake, key="k")[0] == 200


def test_a_hanging_server_accepts_nothing_before_it_wakes(fake: FakeResend) -> None:
    fake.hang(60)
    caller = threading.Thread(target=call, args=(fake,))
    caller.start()
    assert fake.wait_for_requests(1)
    before = list(fake.mails)

    fake.heal()
    caller.join(10)

    assert before == []
    assert len(fake.mails) == 1


@pytest.mark.parametrize(
    ("api_key", "status", "name"), [(None, 401, "missing_api_key"), ("re_wrong", 403, "invalid_api_key")]
)
def test_the_key_is_checked(fake: FakeResend, api_key: str | None, status: int, name: str) -> None:
    got, body, _ = call(fake, api_key=api_key)

    assert (got, body["name"]) == (status, name)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"subject": ""}, "missing_required_field"),
        ({"to": []}, "missing_required_field"),
        ({"to": ["nobody"]}, "validation_error"),
        ({"to": ["Jürgen <jürgen@example.com>"]}, "validation_error"),
    ],
)
def test_invalid_mails_are_refused(fake: FakeResend, changes: dict[str, Any], name: str) -> None:
    status, body, _ = call(fake, **changes)

    assert (status, body["name"]) == (422, name)
    assert fake.mails == []


def test_an_overlong_key_is_refused(fake: FakeResend) -> None:
    status, body, _ = call(fake, key="k" * 257)

    assert (status, body["name"]) == (400, "invalid_idempotency_key")


def test_an_accepted_mail_can_be_read_back(fake: FakeResend) -> None:
    mail_id = call(fake)[1]["id"]

    status, body, _ = call(fake, method="GET", path=f"/emails/{mail_id}")

    assert (status, body["subject"]) == (200, "Hello")
    assert call(fake, method="GET", path="/emails/unknown")[0] == 404


def test_webhook_is_signed_as_svix_verifies_it(fake: FakeResend) -> None:
    mail_id = call(fake)[1]["id"]

    body, headers = fake.webhook("email.delivered", mail_id)

    Webhook(fake.secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_b3RoZXI=").verify(body, headers)
    data = json.loads(body)["data"]
    assert (data["email_id"], data["to"], data["subject"]) == (mail_id, ["alice@example.com"], "Hello")


def test_reposts_keep_their_id(fake: FakeResend) -> None:
    first, again, later = (
        fake.webhook("email.opened", "m1", "alice@example.com", at)[1]["svix-id"] for at in (5, 5, 6)
    )

    assert first == again != later


@pytest.mark.parametrize(
    ("event_type", "name"), [("email.bounced", "bounce"), ("email.clicked", "click"), ("email.failed", "failed")]
)
def test_events_carry_their_details(fake: FakeResend, event_type: str, name: str) -> None:
    body, _ = fake.webhook(event_type, "m1", "alice@example.com", 5)

    assert json.loads(body)["data"][name]


def test_details_can_be_changed(fake: FakeResend) -> None:
    body, _ = fake.webhook("email.bounced", "m1", "alice@example.com", 5, bounce=SUPPRESSED)

    assert json.loads(body)["data"]["bounce"]["subType"] == "Suppressed"
