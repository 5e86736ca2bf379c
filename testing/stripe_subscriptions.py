"""Subscriptions as each API version spells them."""

from testing.stripe_facts import BASIL, CLOVER, ENDIVE, Json, SubscriptionFacts, since
from testing.stripe_shapes import base_fields, listing, picked, plan, price


def subscription(facts: SubscriptionFacts, version: str) -> Json:
    body = base_fields(facts, "subscription") | picked(
        facts,
        "customer status currency collection_method days_until_due default_payment_method latest_invoice"
        " trial_end cancel_at_period_end canceled_at ended_at test_clock",
    )
    body |= {
        "billing_cycle_anchor": facts.period_start,
        "cancel_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": facts.cancel_reason},
        "default_source": None,
        "items": listing(f"/v1/subscription_items?subscription={facts.id}", [_subscription_item(facts, version)]),
        "pause_collection": facts.pause_collection and dict(facts.pause_collection),
        "pending_update": None,
        "schedule": None,
        "start_date": facts.created,
        "trial_start": facts.created if facts.trial_end else None,
    }
    if since(version, BASIL):
        body["discounts"] = []
    else:
        body |= {"discount": None, "plan": plan(facts), "quantity": facts.quantity} | _current_period(facts)
    if since(version, CLOVER):
        body["billing_mode"] = {"type": "flexible"}
    if since(version, ENDIVE):
        body["status_details"] = _subscription_status_details(facts)
    return body


def _current_period(facts: SubscriptionFacts) -> Json:
    return {"current_period_start": facts.period_start, "current_period_end": facts.period_end}


def _subscription_status_details(facts: SubscriptionFacts) -> Json | None:
    if facts.status != "paused" or facts.paused_type is None:
        return None
    paused = {"type": "subscription", "transitioned_at": facts.paused_at, "subscription": {"type": facts.paused_type}}
    return {"paused": paused}


def _subscription_item(facts: SubscriptionFacts, version: str) -> Json:
    item: Json = {
        "id": facts.item,
        "object": "subscription_item",
        "created": facts.created,
        "metadata": {},
        "plan": plan(facts),
        "price": price(facts),
        "quantity": facts.quantity,
        "subscription": facts.id,
        "tax_rates": [],
    }
    return item | _current_period(facts) if since(version, BASIL) else item
