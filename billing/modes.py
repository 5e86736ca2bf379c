"""Test and live mode: the key says which one acts; without a key both do."""

from django.conf import settings


def acting_modes() -> list[bool]:
    """The values of `livemode` that act here."""
    return [settings.STRIPE_LIVEMODE] if settings.STRIPE_SECRET_KEY else [False, True]


def mode_of(*, livemode: bool) -> bool:
    """The mode under which something new is kept: the key's, else the one that Stripe names."""
    return bool(settings.STRIPE_LIVEMODE) if settings.STRIPE_SECRET_KEY else livemode
