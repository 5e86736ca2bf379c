"""The fake's memory: objects by id, its own clock, and the log of events in the shape of the endpoint's version."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from testing.stripe_facts import (
    API_VERSIONS,
    ChargeFacts,
    CustomerFacts,
    EventFacts,
    Facts,
    InvoiceFacts,
    Json,
    PaymentIntentFacts,
    SubscriptionFacts,
)
from testing.stripe_payloads import payment_intent, render

DEFAULT_NOW = 1_795_000_000  # 18 November 2026
UPDATED: Mapping[type[Facts], str] = {
    CustomerFacts: "customer.updated",
    InvoiceFacts: "invoice.updated",
    SubscriptionFacts: "customer.subscription.updated",
}


class RefusedError(Exception):
    """Stripe says no. `error` becomes the error object of the answer."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", **error: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {"type": kind, "message": message, **error}


class StripeStore:
    def __init__(self, *, now: int = DEFAULT_NOW, api_version: str = API_VERSIONS[-1], livemode: bool = False) -> None:
        self.lock = threading.RLock()
        self.now = now
        self.api_version = api_version
        self.livemode = livemode
        # In order of creation, which breaks ties between objects of one second.
        self.objects: dict[str, Facts] = {}
        # The API request at work, which its events name.
        self.cause: tuple[str | None, str | None] = (None, None)
        self._count = 0

    def advance(self, seconds: int) -> int:
        with self.lock:
            self.now += seconds
            return self.now

    def new_id(self, prefix: str) -> str:
        with self.lock:
            self._count += 1
            return f"{prefix}_fake{self._count:08d}"

    # Objects

    def put[T: Facts](self, facts: T) -> T:
        with self.lock:
            self.objects[facts.id] = facts
            return facts

    def create[T: Facts](self, kind: type[T], prefix: str, **facts: Any) -> T:
        """A new object of this server, at this time, with an id of its own unless `facts` say otherwise."""
        known: Json = {"id": self.new_id(prefix), "created": self.now, "livemode": self.livemode}
        return self.put(kind(**(known | facts)))

    def get[T: Facts](self, kind: type[T], object_id: str) -> T:
        facts = self.objects.get(object_id)
        if not isinstance(facts, kind):
            name = kind.__name__.removesuffix("Facts").lower()
            raise RefusedError(404, f"No such {name}: '{object_id}'", code="resource_missing", param="id")
        return facts

    def rows[T: Facts](self, kind: type[T]) -> list[T]:
        """All objects of a kind, newest first."""
        with self.lock:
            rows = [facts for facts in self.objects.values() if isinstance(facts, kind)]
        rows.reverse()
        return sorted(rows, key=lambda facts: -facts.created)

    def customer(self, customer_id: str) -> CustomerFacts:
        return self.get(CustomerFacts, customer_id)

    def subscription(self, subscription_id: str) -> SubscriptionFacts:
        return self.get(SubscriptionFacts, subscription_id)

    def invoice(self, invoice_id: str) -> InvoiceFacts:
        return self.get(InvoiceFacts, invoice_id)

    def set[T: Facts](self, facts: T, **changes: Any) -> T:
        """Change without an event."""
        return self.put(replace(facts, **changes))

    def update[T: Facts](self, facts: T, **changes: Any) -> T:
        """Change, and tell of it in an `…updated` event that names the previous values. No change, no event."""
        with self.lock:
            before = render(facts, self.api_version)
            after = self.set(facts, **changes)
            previous = difference(before, render(after, self.api_version))
            if previous:
                self.emit(UPDATED[type(facts)], after, previous)
            return after

    def body(self, facts: Facts, version: str) -> Json:
        """The object as an answer or event of `version` shows it."""
        if isinstance(facts, PaymentIntentFacts) and facts.latest_charge:
            return payment_intent(facts, version, last=self.get(ChargeFacts, facts.latest_charge))
        return render(facts, version)

    # Events

    def emit(self, event_type: str, facts: Facts, previous: Json | None = None) -> str:
        with self.lock:
            request_id, key = self.cause
            event = self.create(
                EventFacts,
                "evt",
                type=event_type,
                api_version=self.api_version,
                body=self.body(facts, self.api_version),
                previous_attributes=previous,
                request_id=request_id,
                idempotency_key=key,
            )
            return event.id

    @property
    def events(self) -> list[EventFacts]:
        """The event log, oldest first."""
        with self.lock:
            return [facts for facts in self.objects.values() if isinstance(facts, EventFacts)]

    def event_ids(self, *types: str) -> list[str]:
        """Ids of the events so far, oldest first; of these types only, where any are named."""
        return [event.id for event in self.events if not types or event.type in types]

    def last_event(self, event_type: str) -> EventFacts:
        return [event for event in self.events if event.type == event_type][-1]

    def mark_delivered(self, event_id: str, *, delivered: bool = True) -> None:
        with self.lock:
            event = self.get(EventFacts, event_id)
            self.set(event, delivered=delivered, pending_webhooks=0 if delivered else 1)


def difference(before: Json, after: Json) -> Json:
    """What `previous_attributes` says: old values of changed fields, of nested objects only the changed part."""
    previous: Json = {}
    for name, old in before.items():
        new = after.get(name)
        if old != new:
            previous[name] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return previous
