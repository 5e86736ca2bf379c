"""Demo data for a laptop: plans, logins, and a queue of failed payments that looks alive. Safe to run again."""

import os
import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from levqor.accounts.models import Account, ApiTier, Membership, Plan, User
from levqor.desk.demo_cases import make_cases

PASSWORD_FILE = settings.VAR_DIR / "demo-password"
PLANS = [
    ("starter", "Starter", 2900, ApiTier.SANDBOX),
    ("growth", "Growth", 9900, ApiTier.PRO),
    ("pro", "Pro", 24900, ApiTier.PRO),
    ("business", "Business", 59900, ApiTier.ENTERPRISE),
]
ROLES = {
    "Support": ["billing.view", "billing.change", "billing.steer", "accounts.view", "mail.view"],
    "Finance": ["billing.view", "accounts.view", "mail.view", "audit.view"],
}
LOGINS = [
    ("admin@levqor.test", "Ada Admin", ""),
    ("support@levqor.test", "Sam Support", "Support"),
    ("finance@levqor.test", "Fay Finance", "Finance"),
    ("customer@levqor.test", "Chris Customer", ""),
]


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo data is for a laptop: it is loaded with DEBUG=true only.")
        password = demo_password()
        with transaction.atomic():
            make_plans()
            for email, name, group in LOGINS:
                make_login(email, name, group, password)
            make_customer()
            make_cases(at=timezone.now())
        self.stdout.write("Demo logins:")
        for email, _, group in LOGINS:
            role = group or ("everything" if email.startswith("admin") else "a customer")
            self.stdout.write(f"  {email}  {password}  ({role})")


def demo_password() -> str:
    """The one in var/demo-password, made at the first load; nobody else on the machine may read it."""
    if not PASSWORD_FILE.exists():
        PASSWORD_FILE.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(12))
    return PASSWORD_FILE.read_text().strip()


def make_plans() -> None:
    for position, (slug, name, cents, tier) in enumerate(PLANS):
        Plan.objects.get_or_create(
            slug=slug,
            defaults={
                "name": name,
                "price_cents": cents,
                "stripe_price_ids": [f"price_demo_{slug}"],
                "api_tier": tier,
                "position": position,
            },
        )


def make_login(email: str, name: str, group: str, password: str) -> None:
    """The user with this password and a confirmed address; on a second load only what is missing is made."""
    user = User.objects.filter(email=email).first()
    if user is None:
        is_admin = email.startswith("admin")
        user = User.objects.create_user(
            email, password, full_name=name, is_staff=bool(group) or is_admin, is_superuser=is_admin
        )
    elif not user.check_password(password):
        # The password file was deleted: what is printed below must work.
        user.set_password(password)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    if group:
        user.groups.add(make_group(group))


def make_group(name: str) -> Group:
    group, _ = Group.objects.get_or_create(name=name)
    for rule in ROLES[name]:
        app, verb = rule.split(".")
        group.permissions.add(*Permission.objects.filter(content_type__app_label=app, codename__startswith=f"{verb}_"))
    return group


def make_customer() -> None:
    customer = User.objects.get(email="customer@levqor.test")
    account, _ = Account.objects.get_or_create(
        stripe_customer_id="cus_demo",
        defaults={
            "name": "Demo Ltd",
            "billing_email": customer.email,
            "plan": Plan.objects.get(slug="growth"),
        },
    )
    Membership.objects.get_or_create(account=account, user=customer)
