"""The deliveries: one `invoice.payment_failed` as large and as indented as Stripe's own, with new ids each time."""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from testing.fake_stripe import FakeStripe

SECRET = "whsec_bench"
HEADERS = {
    "Host": "app.levqor.example",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Content-Type": "application/json; charset=utf-8",
}


@dataclass(frozen=True)
class Story:
    """One failed payment as the fake Stripe tells it: the event's text, and the objects that it speaks of."""

    text: str
    event_id: str
    invoice_id: str
    objects: dict[str, Any]

    def body(self) -> bytes:
        """The event anew, of another invoice of the same customer."""
        fresh = self.text.replace(self.event_id, f"evt_{secrets.token_hex(12)}")
        return fresh.replace(self.invoice_id, f"in_{secrets.token_hex(12)}").encode()


def tell_story() -> Story:
    heard: list[bytes] = []
    with FakeStripe(secret=SECRET) as fake:
        fake.send = lambda body, headers: heard.append(body) or 200
        fake.fail_invoice()
        fake.deliver_all()
    events = [json.loads(body) for body in heard]
    at = next(number for number, event in enumerate(events) if event["type"] == "invoice.payment_failed")
    objects = {f"{event['data']['object']['object']}s": event["data"]["object"] for event in events}
    invoice_id = events[at]["data"]["object"]["id"]
    return Story(heard[at].decode(), events[at]["id"], invoice_id, objects | _catalogue())


def _catalogue() -> dict[str, Any]:
    common = {"id": "", "created": 1_795_000_000, "livemode": False, "metadata": {}, "active": True}
    product = {**common, "object": "product", "name": "Growth", "type": "service"}
    price = {**common, "object": "price", "currency": "gbp", "unit_amount": 2900, "product": "prod_growth"}
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    return {
        "account": {"id": "acct_bench", "object": "account", "created": 1_795_000_000, "metadata": {}},
        "products": product,
        "prices": price | {"type": "recurring", "recurring": recurring},
    }


def requests(story: Story, path: str, count: int) -> list[bytes]:
    """So many signed deliveries as raw HTTP requests, each of a new event."""
    return [_request(story.body(), path) for _ in range(count)]


def _request(body: bytes, path: str) -> bytes:
    signed_at = int(time.time())
    signature = hmac.new(SECRET.encode(), b"%d.%b" % (signed_at, body), hashlib.sha256).hexdigest()
    headers = HEADERS | {"Stripe-Signature": f"t={signed_at},v1={signature}", "Content-Length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
