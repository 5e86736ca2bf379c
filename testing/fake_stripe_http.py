"""Stripe's HTTP surface over the store: which path reads or does what, list filters, expansion, and refusals."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from testing.fake_server import Answer, Request, listed
from testing.fake_stripe_payments import StripePayments
from testing.fake_stripe_store import RefusedError
from testing.stripe_facts import (
    BalanceTransactionFacts,
    ChargeFacts,
    CreditNoteFacts,
    CustomerFacts,
    DisputeFacts,
    EventFacts,
    Facts,
    InvoiceFacts,
    InvoicePaymentFacts,
    Json,
    PaymentIntentFacts,
    PaymentMethodFacts,
    PortalSessionFacts,
    SubscriptionFacts,
)
from testing.stripe_payloads import invoice_payment

type Action = Callable[[StripePayments, Json, str], Facts]

KINDS: Mapping[str, type[Facts]] = {
    "charges": ChargeFacts,
    "credit_notes": CreditNoteFacts,
    "customers": CustomerFacts,
    "disputes": DisputeFacts,
    "events": EventFacts,
    "invoice_payments": InvoicePaymentFacts,
    "invoices": InvoiceFacts,
    "payment_intents": PaymentIntentFacts,
    "payment_methods": PaymentMethodFacts,
    "subscriptions": SubscriptionFacts,
}
# Plain equality filters of the list endpoints; `created`, `type(s)` and `delivery_success` have rules of their own.
FILTERS: Mapping[str, frozenset[str]] = {
    "charges": frozenset({"customer", "payment_intent"}),
    "credit_notes": frozenset({"customer", "invoice"}),
    "customers": frozenset({"email"}),
    "disputes": frozenset({"charge", "payment_intent"}),
    "events": frozenset(),
    "invoice_payments": frozenset({"invoice", "status", "payment"}),
    "invoices": frozenset({"customer", "subscription", "status", "collection_method"}),
    "payment_intents": frozenset({"customer"}),
    "payment_methods": frozenset({"customer"}),
    "subscriptions": frozenset({"customer", "status", "collection_method"}),
}
PAGING = frozenset({"limit", "starting_after", "created", "expand"})
OF_EVENTS = frozenset({"type", "types", "delivery_success"})


def answer(store: StripePayments, request: Request) -> Answer:
    """The answer to an authenticated request, in the version that the caller asks for."""
    version = request.headers.get("stripe-version", store.api_version)
    path = request.path.removeprefix("/v1/")
    if request.method == "POST":
        body = store.body(_act(store, path, request.params), version)
    elif request.method == "GET" and (match := re.fullmatch(r"customers/([^/]+)/balance_transactions", path)):
        body = _movements(store, match[1], request.params, version)
    elif request.method == "GET" and (match := re.fullmatch(r"(\w+)(?:/([^/]+))?", path)) and match[1] in KINDS:
        collection, object_id = match.groups()
        if object_id is None:
            body = _page(store, collection, request.params, version)
        else:
            body = store.body(store.get(KINDS[collection], object_id), version)
    else:
        raise _unknown_path(request.method, request.path)
    for name in listed(request.params.get("expand")):
        expand(store, body, str(name).split("."), version)
    return Answer(200, body)


def _unknown_path(method: str, path: str) -> RefusedError:
    return RefusedError(404, f"Unrecognized request URL ({method}: {path}).")


# Lists


def _page(store: StripePayments, collection: str, params: Json, version: str) -> Json:
    _refuse_unknown(params, FILTERS[collection] | (OF_EVENTS if collection == "events" else frozenset()))
    rows = [facts for facts in store.rows(KINDS[collection]) if _wanted(facts, collection, params)]
    return _listing(store, rows, f"/v1/{collection}", params, version)


def _movements(store: StripePayments, customer_id: str, params: Json, version: str) -> Json:
    """The movements of one customer's balance."""
    _refuse_unknown(params, frozenset())
    customer = _customer(store, customer_id)
    rows: list[Facts] = [
        facts
        for facts in store.rows(BalanceTransactionFacts)
        if facts.customer == customer.id and _created(facts.created, params)
    ]
    return _listing(store, rows, f"/v1/customers/{customer.id}/balance_transactions", params, version)


def _listing(store: StripePayments, rows: list[Facts], url: str, params: Json, version: str) -> Json:
    start, limit = _start(rows, params), _limit(params)
    page = [store.body(facts, version) for facts in rows[start : start + limit]]
    return {"object": "list", "url": url, "has_more": len(rows) > start + limit, "data": page}


def _refuse_unknown(params: Json, filters: frozenset[str]) -> None:
    for name in params.keys() - (filters | PAGING):
        raise RefusedError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def _limit(params: Json) -> int:
    limit = str(params.get("limit", "10"))
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise RefusedError(400, "limit must be between 1 and 100", code="parameter_invalid_integer", param="limit")
    return int(limit)


def _start(rows: list[Facts], params: Json) -> int:
    after = params.get("starting_after")
    if after is None:
        return 0
    for place, facts in enumerate(rows, start=1):
        if facts.id == after:
            return place
    raise RefusedError(400, f"No such object: '{after}'", code="resource_missing", param="starting_after")


def _wanted(facts: Facts, collection: str, params: Json) -> bool:
    if isinstance(facts, CustomerFacts) and facts.deleted:
        return False
    if isinstance(facts, EventFacts) and not _wanted_event(facts, params):
        return False
    wanted = {name: params[name] for name in FILTERS[collection] & params.keys()}
    if isinstance(facts, InvoicePaymentFacts) and not _wanted_payment(facts, wanted.pop("payment", None)):
        return False
    if isinstance(facts, SubscriptionFacts) and not _wanted_status(facts.status, wanted.pop("status", None)):
        return False
    return _created(facts.created, params) and all(getattr(facts, name) == value for name, value in wanted.items())


def _wanted_status(status: str, wanted: str | None) -> bool:
    """Without a filter Stripe lists every subscription that is not cancelled; `all` is all."""
    if wanted is None:
        return status != "canceled"
    if wanted == "ended":
        return status in {"canceled", "incomplete_expired"}
    return wanted in {"all", status}


def _wanted_payment(facts: InvoicePaymentFacts, wanted: Json | None) -> bool:
    """`payment[type]` must go with `payment[payment_intent]`, as at Stripe."""
    if wanted is None:
        return True
    if not isinstance(wanted, dict) or not wanted.get("type"):
        raise RefusedError(
            400, "Missing required param: payment[type].", code="parameter_missing", param="payment[type]"
        )
    return wanted.get("payment_intent") in {None, facts.payment_intent}


def _wanted_event(event: EventFacts, params: Json) -> bool:
    types = listed(params.get("types")) or listed(params.get("type"))
    patterns = [re.escape(name).replace(r"\*", ".*") for name in types]
    if patterns and not any(re.fullmatch(pattern, event.type) for pattern in patterns):
        return False
    delivered = params.get("delivery_success")
    return delivered is None or event.delivered == (delivered == "true")


def _created(created: int, params: Json) -> bool:
    bounds = params.get("created")
    if not isinstance(bounds, dict):
        return bounds is None or created == int(bounds)
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](int(value)) for name, value in bounds.items())


# Expansion


def expand(store: StripePayments, node: Any, path: list[str], version: str) -> None:
    """Replace the id at `path` by the object, in place. Paths that lead nowhere are left alone."""
    if isinstance(node, list):
        for row in node:
            expand(store, row, path, version)
        return
    if not isinstance(node, dict):
        return
    name, rest = path[0], path[1:]
    if name == "payments" and node.get("object") == "invoice":
        rows = [invoice_payment(payment, version) for payment in store.payments(node["id"])]
        node["payments"] = {"object": "list", "data": rows, "has_more": False, "url": "/v1/invoice_payments"}
    value = node.get(name)
    if isinstance(value, str) and value in store.objects:
        node[name] = store.body(store.objects[value], version)
    if rest:
        expand(store, node.get(name), rest, version)


# Actions


def _act(store: StripePayments, path: str, params: Json) -> Facts:
    for pattern, action in ACTIONS.items():
        if match := re.fullmatch(pattern, path):
            return action(store, params, match[1] if match.lastindex else "")
    raise _unknown_path("POST", f"/v1/{path}")


def _required(params: Json, name: str) -> str:
    if not params.get(name):
        raise RefusedError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return str(params[name])


def _integer(params: Json, name: str) -> int:
    value = _required(params, name)
    if not value.lstrip("-").isdecimal():
        raise RefusedError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def _customer(store: StripePayments, customer_id: str) -> CustomerFacts:
    customer = store.customer(customer_id)
    if customer.deleted:
        raise RefusedError(400, f"No such customer: '{customer_id}'", code="resource_missing", param="customer")
    return customer


def _pay(store: StripePayments, params: Json, invoice_id: str) -> Facts:
    if params.get("paid_out_of_band") == "true":
        store.pay_invoice(invoice_id, out_of_band=True)
    else:
        store.attempt_payment(invoice_id, params.get("payment_method"))
    return store.invoice(invoice_id)


def _void(store: StripePayments, params: Json, invoice_id: str) -> Facts:
    store.void_invoice(invoice_id)
    return store.invoice(invoice_id)


def _forgive(store: StripePayments, params: Json, invoice_id: str) -> Facts:
    store.mark_uncollectible(invoice_id)
    return store.invoice(invoice_id)


def _open_portal(store: StripePayments, params: Json, _: str) -> Facts:
    customer = _customer(store, _required(params, "customer"))
    session_id = store.new_id("bps")
    flow = params.get("flow_data")
    return store.create(
        PortalSessionFacts,
        "bps",
        id=session_id,
        customer=customer.id,
        url=f"https://billing.stripe.example/p/session/{session_id}",
        return_url=params.get("return_url"),
        flow=flow if isinstance(flow, dict) else None,
    )


def _change_subscription(store: StripePayments, params: Json, subscription_id: str) -> Facts:
    changes: Json = {}
    if "default_payment_method" in params:
        changes["default_payment_method"] = store.get(PaymentMethodFacts, params["default_payment_method"]).id
    if "cancel_at_period_end" in params:
        changes["cancel_at_period_end"] = params["cancel_at_period_end"] == "true"
    if "metadata" in params:
        changes["metadata"] = {**store.subscription(subscription_id).metadata, **params["metadata"]}
    store.update_subscription(subscription_id, **changes)
    return store.subscription(subscription_id)


def _change_balance(store: StripePayments, params: Json, customer_id: str) -> Facts:
    amount, currency = _integer(params, "amount"), _required(params, "currency")
    customer = _customer(store, customer_id)
    balance = customer.balance + amount
    store.update_customer(customer_id, balance=balance)
    return store.create(
        BalanceTransactionFacts,
        "cbtxn",
        metadata=params.get("metadata", {}),
        customer=customer_id,
        amount=amount,
        currency=currency,
        ending_balance=balance,
        description=params.get("description"),
    )


def _credit(store: StripePayments, params: Json, _: str) -> Facts:
    invoice, amount = _required(params, "invoice"), _integer(params, "amount")
    return store.get(CreditNoteFacts, store.credit_invoice(invoice, amount, reason=params.get("reason")))


ACTIONS: Mapping[str, Action] = {
    r"billing_portal/sessions": _open_portal,
    r"credit_notes": _credit,
    r"customers/([^/]+)/balance_transactions": _change_balance,
    r"invoices/([^/]+)/mark_uncollectible": _forgive,
    r"invoices/([^/]+)/pay": _pay,
    r"invoices/([^/]+)/void": _void,
    r"subscriptions/([^/]+)": _change_subscription,
}
