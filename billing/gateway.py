"""Every call to Stripe. Small facts go out, our own errors are raised, and no call is made without a key."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from billing.stripe_objects import (
    CustomerFacts,
    InvoiceFacts,
    Json,
    SubscriptionFacts,
    customer_facts,
    invoice_facts,
    subscription_facts,
)

API_VERSION = "2026-10-28.endive"
TIMEOUT_SECONDS = 10
PAGE = 100


class StripeUnavailableError(Exception):
    """Stripe could not be asked, or its answer was no answer: try again later, never guess."""


class StripeUnknownObjectError(Exception):
    """Stripe knows no object of this id."""


class StripeRefusedError(Exception):
    """Stripe understood and refused; the text says why."""


def is_enabled() -> bool:
    """True where a key is set: without one Levqor judges by the events it has stored."""
    return bool(settings.STRIPE_SECRET_KEY)


def _client() -> stripe.StripeClient:
    base = {"api": settings.STRIPE_API_BASE.rstrip("/")} if settings.STRIPE_API_BASE else {}
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=API_VERSION,
        base_addresses=base,  # type: ignore[arg-type]  # a partial mapping is what the SDK documents
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=0,
    )


def _ask(call: Callable[[], Any]) -> Json:
    try:
        answer = call()
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" or error.http_status == 404:
            raise StripeUnknownObjectError(str(error)) from error
        raise StripeRefusedError(str(error.user_message or error)) from error
    except stripe.CardError as error:
        raise StripeRefusedError(str(error.user_message or error)) from error
    except (stripe.StripeError, OSError, ValueError) as error:
        raise StripeUnavailableError(type(error).__name__) from error
    body: Json = json.loads(json.dumps(answer.to_dict(), default=str))
    return body


def read_invoice(invoice_id: str) -> InvoiceFacts:
    """The invoice as it is now. Raises StripeUnavailableError or StripeUnknownObjectError."""
    return invoice_facts(_ask(lambda: _client().v1.invoices.retrieve(invoice_id)))


def read_subscription(subscription_id: str) -> SubscriptionFacts:
    return subscription_facts(_ask(lambda: _client().v1.subscriptions.retrieve(subscription_id)))


def read_customer(customer_id: str) -> CustomerFacts:
    return customer_facts(_ask(lambda: _client().v1.customers.retrieve(customer_id)))


def open_invoices() -> Iterator[InvoiceFacts]:
    """All open invoices, newest first, page by page."""
    for page in _pages(lambda after: _client().v1.invoices.list(_params({"status": "open"}, after))):
        yield from map(invoice_facts, page)


def past_due_subscriptions() -> Iterator[SubscriptionFacts]:
    for page in _pages(lambda after: _client().v1.subscriptions.list(_params({"status": "past_due"}, after))):
        yield from map(subscription_facts, page)


def recent_events(*, since: datetime) -> Iterator[Json]:
    """The events of our account since then, newest first; Stripe lists at most the last 30 days."""
    query = {"created": {"gte": int(since.timestamp())}}
    for page in _pages(lambda after: _client().v1.events.list(_params(query, after))):
        yield from page


def _params(query: dict[str, Any], after: str) -> Any:
    return {**query, "limit": PAGE, **({"starting_after": after} if after else {})}


def _pages(listing: Callable[[str], Any]) -> Iterator[list[Json]]:
    after = ""
    while True:
        page = _ask(lambda after=after: listing(after))  # type: ignore[misc]  # bound now, called now
        data = [row for row in page.get("data", []) if isinstance(row, dict)]
        yield data
        if not page.get("has_more") or not data:
            return
        after = str(data[-1]["id"])


def portal_url(customer_id: str, *, return_url: str) -> str:
    """A fresh page at Stripe where the customer changes the card; it lives for minutes, so it is made at the click."""
    query: Any = {"customer": customer_id, "return_url": return_url}
    return str(_ask(lambda: _client().v1.billing_portal.sessions.create(query)).get("url") or "")
