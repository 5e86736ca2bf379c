"""Every call to Stripe. Small facts go out, our own errors are raised, and no call is made without a key."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
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
    mapping,
    moment,
    object_id,
    subscription_facts,
)
from billing.stripe_payments import (
    BalanceFacts,
    DisputeFacts,
    PaymentMethodFacts,
    balance_facts,
    dispute_facts,
    payment_method_facts,
)

API_VERSION = "2026-10-28.endive"
TIMEOUT_SECONDS = 10
PAGE = 100


class StripeUnavailableError(Exception):
    """Stripe could not be asked, or its answer was no answer: try again later, never guess."""


class StripeForbiddenError(StripeUnavailableError):
    """Our key is refused, or may not read this: a fault of our set-up, which no asking again mends."""


class StripeUnknownObjectError(Exception):
    """Stripe knows no object of this id."""


class StripeRefusedError(Exception):
    """Stripe understood and refused; the text says why."""


class StripeDeclinedError(StripeRefusedError):
    """The bank did not let the payment through; `code` says why in Stripe's words, for machines."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def is_enabled() -> bool:
    """True where a key is set: without one Levqor judges by the events it has stored."""
    return bool(settings.STRIPE_SECRET_KEY)


def _client() -> stripe.StripeClient:
    return _client_of(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, stripe.RequestsClient)


@lru_cache(maxsize=4)
def _client_of(key: str, base: str, transport: Callable[..., stripe.HTTPClient]) -> stripe.StripeClient:
    """One client for each key and address, so that its connections are used again; each thread has its own of them."""
    addresses = {"api": base.rstrip("/")} if base else {}
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses=addresses,  # type: ignore[arg-type]  # a partial mapping is what the SDK documents
        http_client=transport(timeout=TIMEOUT_SECONDS),
        max_network_retries=0,
    )


def _ask(call: Callable[[], Any]) -> Json:
    try:
        answer = call()
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" or error.http_status == 404:
            raise StripeUnknownObjectError(str(error)) from error
        if error.http_status == 409:
            # Our own request with this key is still under way there.
            raise StripeUnavailableError(str(error.code)) from error
        raise StripeRefusedError(str(error.user_message or error)) from error
    except stripe.CardError as error:
        raise StripeDeclinedError(str(error.user_message or error), _decline_code(error)) from error
    except (stripe.PermissionError, stripe.AuthenticationError) as error:
        raise StripeForbiddenError(str(error.user_message or type(error).__name__)) from error
    except (stripe.StripeError, OSError, ValueError) as error:
        raise StripeUnavailableError(type(error).__name__) from error
    body: Json = json.loads(json.dumps(answer.to_dict(), default=str))
    return body


def _decline_code(error: stripe.CardError) -> str:
    told = mapping(mapping(error.json_body).get("error"))
    code = str(told.get("decline_code") or error.code or "")
    return "authentication_required" if code.endswith("requires_action") else code[:60]


def read_invoice(invoice_id: str) -> InvoiceFacts:
    """The invoice as it is now, with what the bank said to the last attempt.

    Raises StripeUnavailableError or StripeUnknownObjectError.
    """
    query: Any = {"expand": ["payments.data.payment.payment_intent"]}
    return invoice_facts(_ask(lambda: _client().v1.invoices.retrieve(invoice_id, query)))


def read_subscription(subscription_id: str) -> SubscriptionFacts:
    return subscription_facts(_ask(lambda: _client().v1.subscriptions.retrieve(subscription_id)))


def read_customer(customer_id: str) -> CustomerFacts:
    return customer_facts(_ask(lambda: _client().v1.customers.retrieve(customer_id)))


def open_invoices() -> Iterator[InvoiceFacts]:
    """All open invoices, newest first, page by page."""
    for page in _pages(lambda after: _client().v1.invoices.list(_params({"status": "open"}, after))):
        yield from map(invoice_facts, page)


def unpaid_subscriptions() -> Iterator[SubscriptionFacts]:
    """All that are past due or that Stripe gave up on, whose latest invoice is owed although it may not be open."""
    for status in ("past_due", "unpaid"):
        query = {"status": status}
        for page in _pages(lambda after, query=query: _client().v1.subscriptions.list(_params(query, after))):  # type: ignore[misc]  # bound now, called now
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


# Payments


def first_failed_charge_at(invoice_id: str) -> datetime | None:
    """When the first attempt to collect the invoice failed, by Stripe's own record of charges; None where none is kept."""
    query = {"invoice": invoice_id}
    intents = {
        intent
        for page in _pages(lambda after: _client().v1.invoice_payments.list(_params(query, after)))
        for row in page
        if (intent := object_id((row.get("payment") or {}).get("payment_intent")))
    }
    moments = [failed for intent in sorted(intents) for failed in _failures_of(intent)]
    return min(moments, default=None)


def _failures_of(payment_intent_id: str) -> Iterator[datetime]:
    query = {"payment_intent": payment_intent_id}
    for page in _pages(lambda after: _client().v1.charges.list(_params(query, after))):
        for charge in page:
            if charge.get("status") == "failed" and (failed := moment(charge.get("created"))):
                yield failed


def read_payment_method(payment_method_id: str) -> PaymentMethodFacts:
    return payment_method_facts(_ask(lambda: _client().v1.payment_methods.retrieve(payment_method_id)))


def set_subscription_card(subscription_id: str, *, payment_method_id: str, key: str) -> None:
    """Makes the card the subscription's own default, which Stripe charges before the customer's."""
    change: Any = {"default_payment_method": payment_method_id}
    _ask(lambda: _client().v1.subscriptions.update(subscription_id, change, {"idempotency_key": key}))


def pay_invoice(invoice_id: str, *, payment_method_id: str, key: str) -> InvoiceFacts:
    """Charges the invoice to this card; the same key is one attempt, however often it is asked for.

    Raises StripeDeclinedError where the bank said no and StripeRefusedError where there is nothing to pay.
    """
    query: Any = {"payment_method": payment_method_id, "off_session": True}
    return invoice_facts(_ask(lambda: _client().v1.invoices.pay(invoice_id, query, {"idempotency_key": key})))


# Disputes


def read_dispute(dispute_id: str) -> DisputeFacts:
    return dispute_facts(_ask(lambda: _client().v1.disputes.retrieve(dispute_id)))


def invoice_paid_by(payment_intent_id: str) -> str:
    """The invoice that the payment paid; empty where it paid none."""
    query: Any = {"payment": {"type": "payment_intent", "payment_intent": payment_intent_id}}
    page = _ask(lambda: _client().v1.invoice_payments.list(query))
    rows = [row for row in page.get("data", []) if isinstance(row, dict)]
    return next((object_id(row.get("invoice")) for row in rows if row.get("invoice")), "")


# The customer's balance


def has_next_invoice(customer_id: str) -> bool:
    """Whether an invoice is to come that a credit on the customer's balance would lower."""
    query = {"customer": customer_id}
    pages = _pages(lambda after: _client().v1.subscriptions.list(_params(query, after)))
    return any(subscription_facts(row).will_invoice for page in pages for row in page)


def add_balance(
    customer_id: str, *, amount_cents: int, currency: str, key: str, description: str, metadata: dict[str, str]
) -> BalanceFacts:
    """Moves the balance that the next invoice takes into account: a negative amount is credit, a positive one is owed.

    The same key is one movement for as long as Stripe remembers it. Raises StripeUnavailableError where nobody knows
    whether it moved, StripeRefusedError or StripeUnknownObjectError where it did not.
    https://docs.stripe.com/billing/customer/balance
    """
    movement: Any = {
        "amount": amount_cents,
        "currency": currency,
        "description": description,
        "metadata": metadata,
    }
    create = _client().v1.customers.balance_transactions.create
    return balance_facts(_ask(lambda: create(customer_id, movement, {"idempotency_key": key})))


def balance_entries(customer_id: str) -> Iterator[BalanceFacts]:
    """All movements of the customer's balance, newest first, page by page."""
    listing = _client().v1.customers.balance_transactions.list
    for page in _pages(lambda after: listing(customer_id, _params({}, after))):
        yield from map(balance_facts, page)
