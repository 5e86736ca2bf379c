"""Webhooks of the fake: signing, and deliveries that come twice, out of order or not at all."""

import hashlib
import hmac
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from testing.fake_stripe_store import StripeStore
from testing.stripe_facts import EventFacts
from testing.stripe_payloads import event, thin_event

type Send = Callable[[bytes, Mapping[str, str]], int]


@dataclass(frozen=True)
class Delivery:
    """`status` is 0 where nobody answered."""

    event_id: str
    event_type: str
    status: int


def sign(body: bytes, at: int | None = None, secret: str = "") -> str:
    """The value of the `Stripe-Signature` header. Without `at` it is signed at the clock's time, as callers expect."""
    stamp = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def poster(url: str, timeout: float = 30.0) -> Send:
    """Deliver by HTTP. A test may pass a function around Django's client instead."""

    def post(body: bytes, headers: Mapping[str, str]) -> int:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    return post


class StripeDelivery(StripeStore):
    def __init__(self, *, secret: str = "whsec_fake", send: Send | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.secret = secret
        self.send = send

    def sign(self, body: bytes, at: int | None = None, secret: str | None = None) -> str:
        return sign(body, at, self.secret if secret is None else secret)

    def webhook(self, event_id: str, *, at: int | None = None, thin: bool = False) -> tuple[bytes, dict[str, str]]:
        """Body and headers as Stripe would post them."""
        facts = self.get(EventFacts, event_id)
        body = json.dumps(thin_event(facts) if thin else event(facts), indent=2).encode()
        return body, {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": self.sign(body, at)}

    def deliver(self, event_id: str, times: int = 1, *, at: int | None = None, thin: bool = False) -> list[Delivery]:
        """Post one event. A 2xx to its last delivery makes it delivered."""
        if self.send is None:
            raise RuntimeError("the fake needs webhook_url or send to deliver")
        event_type = self.get(EventFacts, event_id).type
        done: list[Delivery] = []
        for _ in range(times):
            body, headers = self.webhook(event_id, at=at, thin=thin)
            done.append(Delivery(event_id, event_type, self.send(body, headers)))
        if done:
            self.mark_delivered(event_id, delivered=200 <= done[-1].status < 300)
        return done

    def pending_events(self) -> list[str]:
        """Ids of the events that were never delivered well, oldest first."""
        return [facts.id for facts in self.events if not facts.delivered]

    def deliver_all(
        self, *, shuffle: random.Random | None = None, duplicate: float = 0.0, drop: float = 0.0
    ) -> list[Delivery]:
        """Post all pending events; `duplicate` and `drop` are shares. What was dropped stays pending, for a later call
        or for whoever lists events with `delivery_success=false`.
        """
        rng = shuffle or random.Random(0)
        queue: list[str] = []
        for event_id in self.pending_events():
            if rng.random() >= drop:
                queue += [event_id] * (2 if rng.random() < duplicate else 1)
        if shuffle is not None:
            rng.shuffle(queue)
        return [delivery for event_id in queue for delivery in self.deliver(event_id)]
