"""A small Stripe on a loopback port: stateful, deterministic, and able to fail as the real one does.

    with FakeStripe() as fake:
        client = stripe.StripeClient(fake.api_key, base_addresses={"api": fake.url})
        invoice = fake.fail_invoice()

`python -m testing.fake_stripe --port 12111` serves one to try things by hand.
"""

import argparse
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from testing.fake_server import Answer, FakeServer, Request
from testing.fake_stripe_delivery import Send, StripeDelivery, poster
from testing.fake_stripe_http import answer
from testing.fake_stripe_payments import StripePayments
from testing.fake_stripe_store import DEFAULT_NOW, RefusedError
from testing.stripe_facts import API_VERSIONS


class FakeStripe(StripePayments, StripeDelivery, FakeServer):
    def __init__(
        self,
        *,
        api_key: str = "sk_test_fake",
        api_version: str = API_VERSIONS[-1],
        now: int = DEFAULT_NOW,
        webhook_url: str | None = None,
        secret: str = "whsec_fake",
        send: Send | None = None,
        port: int = 0,
    ) -> None:
        """`api_version` is the one of the webhook endpoint; answers follow the caller's Stripe-Version header."""
        FakeServer.__init__(self, port=port)
        StripePayments.__init__(
            self,
            now=now,
            api_version=api_version,
            livemode=api_key.startswith("sk_live_"),
            secret=secret,
            send=send or (poster(webhook_url) if webhook_url else None),
        )
        self.api_key = api_key
        self._answers: dict[str, tuple[tuple[Any, ...], Answer]] = {}
        self._breaks: list[bool] = []

    def prune_keys(self) -> None:
        """Forget all idempotency keys, as Stripe may after 24 hours."""
        with self.lock:
            self._answers.clear()

    def break_next(self, *, after_effect: bool) -> None:
        """The next keyed request ends in a 500, which is remembered and replayed for its key as Stripe does."""
        with self.lock:
            self._breaks.append(after_effect)

    def error(self, status: int, **error: Any) -> Answer:
        """`error` becomes the error object; what is left out gets a fitting default."""
        kind = {429: "invalid_request_error", 402: "card_error"}.get(status, "api_error")
        return Answer(status, {"error": {"type": kind, "message": "The fake was told to fail."} | error})

    def handle(self, request: Request) -> Answer:
        with self.lock:
            key = request.headers.get("idempotency-key")
            request_id = f"req_fake{request.number:06d}"
            self.cause = (request_id, key)
            try:
                reply = self._authenticated(request, key if request.method == "POST" else None)
            except RefusedError as refusal:
                reply = Answer(refusal.status, {"error": refusal.error})
            finally:
                self.cause = (None, None)
            return replace(reply, headers={"Request-Id": request_id, **reply.headers})

    def _authenticated(self, request: Request, key: str | None) -> Answer:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.api_key:
            raise RefusedError(401, f"Invalid API Key provided: {given[:8]}***")
        return answer(self, request) if key is None else self._once(request, key)

    def _once(self, request: Request, key: str) -> Answer:
        """Like Stripe, a decline is remembered as well as a success; what never began to run is not."""
        print_of = (request.method, request.path, request.body)
        if key in self._answers:
            first, stored = self._answers[key]
            if first != print_of:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                raise RefusedError(400, message, kind="idempotency_error")
            return replace(stored, headers={"Idempotency-Key": key, "Idempotent-Replayed": "true"})
        if self._breaks:
            if self._breaks.pop(0):
                answer(self, request)
            self._answers[key] = (print_of, self.error(500))
            return self._answers[key][1]
        try:
            reply = answer(self, request)
        except RefusedError as refusal:
            if refusal.status == 402:
                self._answers[key] = (print_of, Answer(402, {"error": refusal.error}))
            raise
        self._answers[key] = (print_of, reply)
        return replace(reply, headers={"Idempotency-Key": key})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve a fake Stripe with one failed invoice in it.")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--api-key", default="sk_test_fake")
    parser.add_argument("--api-version", default=API_VERSIONS[-1], choices=API_VERSIONS)
    parser.add_argument("--webhook-url", help="deliver the first events there")
    parser.add_argument("--secret", default="whsec_fake", help="signs the deliveries")
    options = parser.parse_args(arguments)
    with FakeStripe(**vars(options), now=int(time.time())) as fake:
        invoice = fake.fail_invoice()
        sys.stdout.write(f"Fake Stripe at {fake.url}, key {fake.api_key}, failed invoice {invoice}\n")
        for delivery in fake.deliver_all() if fake.send else []:
            sys.stdout.write(f"{delivery.event_type}: {delivery.status}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
