"""Staff and a back office that looks alive, for the desk's tests."""

import json
import uuid
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.test import Client
from django.utils import timezone

from billing.models import StripeEvent
from levqor.accounts.models import Plan, User
from levqor.desk.demo_cases import make_cases
from levqor.desk.management.commands.load_demo import make_customer, make_login, name_stripe_prices


def make_admin() -> User:
    return User.objects.create_superuser("admin@levqor.test", "x", full_name="Ada Admin")


def make_staff(role: str) -> User:
    """Somebody of staff in this group, or in none for an empty text."""
    user = User.objects.create_user(
        f"{role or 'nobody'}@levqor.test".lower(), "x", is_staff=True, full_name=f"Sam {role}"
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_staff_with(*codenames: str) -> User:
    user = User.objects.create_user(f"{len(codenames)}.sam@levqor.test", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@transaction.atomic
def make_demo() -> None:
    """The demo’s customer and cases."""
    # The migration's plans do not outlive the flush after a test with a live server.
    for slug, cents in (("starter", 2900), ("growth", 9900), ("pro", 24900), ("business", 59900)):
        Plan.objects.get_or_create(slug=slug, defaults={"name": slug.title(), "price_cents": cents})
    name_stripe_prices()
    make_login("customer@levqor.test", "Chris Customer", "", "not-used-in-tests-1")
    make_customer()
    make_cases(at=timezone.now())


def make_event(**changes: Any) -> StripeEvent:
    """One stored event of Stripe's."""
    event_id = f"evt_{uuid.uuid4().hex}"
    fields = {
        "event_id": event_id,
        "livemode": False,
        "type": "invoice.payment_failed",
        "created": timezone.now(),
        "invoice_id": "in_nobody",
        "body": json.dumps({"id": event_id, "type": "invoice.payment_failed", "data": {"object": {}}}).encode(),
    }
    return StripeEvent.objects.create(**fields | changes)
