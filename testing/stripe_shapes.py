"""Pieces that several Stripe objects share."""

from testing.stripe_facts import Facts, Json, SubscriptionFacts


def base_fields(facts: Facts, kind: str) -> Json:
    return {
        "id": facts.id,
        "object": kind,
        "created": facts.created,
        "livemode": facts.livemode,
        "metadata": dict(facts.metadata),
    }


def listing(url: str, rows: list[Json]) -> Json:
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def picked(facts: Facts, names: str) -> Json:
    """The fields that Stripe and our facts call by the same name."""
    return {name: getattr(facts, name) for name in names.split()}


def plan(facts: SubscriptionFacts) -> Json:
    return {
        "id": facts.price,
        "object": "plan",
        "active": True,
        "amount": facts.unit_amount,
        "amount_decimal": str(facts.unit_amount),
        "currency": facts.currency,
        "interval": facts.interval,
        "interval_count": 1,
        "nickname": facts.nickname,
        "product": facts.product,
        "usage_type": "licensed",
    }


def price(facts: SubscriptionFacts) -> Json:
    return {
        "id": facts.price,
        "object": "price",
        "active": True,
        "currency": facts.currency,
        "lookup_key": None,
        "nickname": facts.nickname,
        "product": facts.product,
        "recurring": {"interval": facts.interval, "interval_count": 1, "usage_type": "licensed"},
        "type": "recurring",
        "unit_amount": facts.unit_amount,
        "unit_amount_decimal": str(facts.unit_amount),
    }
