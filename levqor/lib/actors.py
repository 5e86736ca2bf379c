"""Who does something: a person of the staff, a customer, or one of the machines."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Actor:
    """`kind` is `staff`, `customer`, `system`, `stripe` or `mail`; `user_id` is set for people who signed in."""

    kind: str
    user_id: int | None = None


SYSTEM = Actor("system")
STRIPE = Actor("stripe")
MAIL = Actor("mail")
CUSTOMER = Actor("customer")


def customer(user: Any) -> Actor:
    """The actor for whoever uses an open page: known where they signed in."""
    return Actor("customer", user.pk) if user.is_authenticated else CUSTOMER


def staff(user: Any) -> Actor:
    """The actor for a signed-in member of staff (`request.user`)."""
    return Actor("staff", user.pk)
