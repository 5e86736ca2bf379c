"""A small Resend on a loopback port: it accepts mail once per idempotency key, fails on request, and signs webhooks.

    with FakeResend() as fake:
        settings.ANYMAIL = {"RESEND_API_KEY": fake.api_key, "RESEND_API_URL": fake.url}

Errors follow resend.com/docs/api-reference/errors, keys resend.com/docs/dashboard/emails/idempotency-keys.
"""

import argparse
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from testing.fake_server import Answer, FakeServer, Json, Request
from testing.resend_webhooks import webhook

DEFAULT_NOW = 1_795_000_000  # 18 November 2026, as in the fake Stripe
KEY_SECONDS = 24 * 3600
ERROR_NAMES = {
    401: "missing_api_key",
    403: "validation_error",
    409: "invalid_idempotent_request",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "application_error",
}


@dataclass(frozen=True)
class Mail:
    """An accepted mail: `at` is the fake's time, `key` the idempotency key where one was sent."""

    id: str
    key: str | None
    body: Json
    at: int


class FakeResend(FakeServer):
    def __init__(
        self,
        *,
        api_key: str = "re_fake",
        secret: str = "whsec_ZmFrZS1yZXNlbmQtc2lnbmluZy1zZWNyZXQ=",
        now: int = DEFAULT_NOW,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.api_key = api_key
        self.secret = secret
        self.now = now
        self.lock = threading.RLock()
        # Each accepted mail once, in order.
        self.mails: list[Mail] = []
        # Called after acceptance and before the answer: kill a worker here, or raise HangUpError to drop the socket.
        self.on_accept: Callable[[Mail], None] | None = None
        self._by_key: dict[str, Mail] = {}
        # Idempotency keys at work, with the number of the request that holds each.
        self._running: dict[str, int] = {}

    @property
    def attempts(self) -> list[Request]:
        """Every request that reached the server, refused ones included."""
        return self.requests

    def advance(self, seconds: int) -> int:
        with self.lock:
            self.now += seconds
            return self.now

    def cut_after_accept(self, count: int = 1) -> None:
        """Accept the mail, then drop the socket: the caller cannot know that it was sent."""
        self.cut_after_effect(count)

    def mail(self, mail_id: str) -> Mail | None:
        return next((mail for mail in self.mails if mail.id == mail_id), None)

    def error(self, status: int, **error: Any) -> Answer:
        """`error` may name the error (`name=…`) and change its `message`."""
        name = ERROR_NAMES.get(status, "internal_server_error")
        return Answer(status, {"statusCode": status, "name": name, "message": "The fake was told to fail."} | error)

    # Requests

    def handle(self, request: Request) -> Answer:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if request.method == "GET":
            return self._show(request.path.removeprefix("/emails/"))
        key = request.headers.get("idempotency-key")
        with self.lock:
            known = self._known(key, request)
            if known is not None:
                return known
            mail = Mail(str(uuid.uuid4()), key, request.params, self.now)
            self.mails.append(mail)
            if key is not None:
                self._by_key[key] = mail
                self._running[key] = request.number
        if self.on_accept is not None:
            self.on_accept(mail)
        return Answer(200, {"id": mail.id})

    def finished(self, request: Request) -> None:
        with self.lock:
            self._running = {key: number for key, number in self._running.items() if number != request.number}

    def _known(self, key: str | None, request: Request) -> Answer | None:
        """The answer to a key of the last 24 hours, None where the request is new."""
        earlier = self._by_key.get(key) if key is not None else None
        if earlier is None or earlier.at + KEY_SECONDS <= self.now:
            return None
        if earlier.body != request.params:
            return self.error(409, message="Same idempotency key used with a different request payload.")
        if key in self._running:
            message = "Same idempotency key used while original request is still in progress."
            return self.error(409, name="concurrent_idempotent_requests", message=message)
        return Answer(200, {"id": earlier.id})

    def _refusal(self, request: Request) -> Answer | None:
        given = request.headers.get("authorization", "")
        if not given:
            return self.error(401, message="Missing API key in the authorization header.")
        if given != f"Bearer {self.api_key}":
            return self.error(403, name="invalid_api_key", message="API key is invalid.")
        if request.method == "GET" and request.path.startswith("/emails/"):
            return None
        if (request.method, request.path) != ("POST", "/emails"):
            return self.error(404, name="not_found", message="The requested endpoint does not exist.")
        if not 1 <= len(request.headers.get("idempotency-key", "-")) <= 256:
            return self.error(400, name="invalid_idempotency_key", message="The key must be between 1-256 chars.")
        return self._invalid_mail(request.params)

    def _invalid_mail(self, body: Json) -> Answer | None:
        for name in ("from", "to", "subject"):
            if not body.get(name):
                return self.error(422, name="missing_required_field", message=f"Missing `{name}` field.")
        for recipient in [body["to"]] if isinstance(body["to"], str) else body["to"]:
            mailbox = parseaddr(recipient)[1].rpartition("@")[0]
            # Resend takes international domains as punycode, but no mailbox name beyond ASCII.
            if not mailbox or not mailbox.isascii():
                return self.error(422, message="Invalid `to` field. The email address needs to be valid.")
        return None

    def _show(self, mail_id: str) -> Answer:
        mail = self.mail(mail_id)
        if mail is None:
            return self.error(404, name="not_found", message="Email not found")
        return Answer(200, {"object": "email", "id": mail.id, "last_event": "sent", **mail.body})

    # Webhooks

    def webhook(
        self,
        event_type: str,
        mail_id: str,
        to: str | None = None,
        at: int | None = None,
        secret: str | None = None,
        *,
        signed_at: int | None = None,
        **details: Any,
    ) -> tuple[bytes, dict[str, str]]:
        """A signed tracking event of an accepted mail, or of one this fake never saw. `details` change its `data`."""
        mail = self.mail(mail_id)
        body = mail.body if mail else {}
        addressees = body.get("to", [])
        recipient = to or (addressees if isinstance(addressees, str) else addressees[0])
        at = self.now if at is None else at
        known: Json = {"created": mail.at if mail else at}
        if mail:
            known |= {"subject": body["subject"], "sender": body["from"], "headers": body.get("headers")}
        return webhook(
            event_type, mail_id, recipient, at, secret or self.secret, signed_at=signed_at, **(known | details)
        )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve a fake Resend.")
    parser.add_argument("--port", type=int, default=12112)
    parser.add_argument("--api-key", default="re_fake")
    options = parser.parse_args(arguments)
    with FakeResend(**vars(options)) as fake:
        fake.on_accept = _print
        sys.stdout.write(f"Fake Resend at {fake.url}, key {fake.api_key}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


def _print(mail: Mail) -> None:
    sys.stdout.write(f"{mail.id} to {mail.body['to']}: {mail.body['subject']}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
