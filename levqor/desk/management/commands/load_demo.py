"""Demo data for a laptop: logins, and a queue of failed payments that looks alive. Safe to run again."""

import os
import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from levqor.accounts.models import Account, Membership, Plan, User
from levqor.desk.demo_cases import make_cases
from levqor.desk.demo_claims import make_claims
from levqor.desk.demo_developer import make_demo_key
from levqor.desk.demo_disputes import make_disputes
from levqor.desk.demo_legal import make_legal
from levqor.desk.demo_status import make_status

PASSWORD_FILE = settings.VAR_DIR / "demo-password"
LOGINS = [
    ("admin@levqor.test", "Ada Admin", ""),
    ("support@levqor.test", "Sam Support", "Support"),
    ("finance@levqor.test", "Fay Finance", "Finance"),
    ("customer@levqor.test", "Chris Customer", ""),
]


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="where it was loaded before, only name the logins")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo data is for a laptop: it is loaded with DEBUG=true only.")
        password = demo_password()
        if not (once and is_loaded(password)):
            self.load(password)
        self.stdout.write("Demo logins:")
        for email, _, group in LOGINS:
            role = group or ("everything" if email.startswith("admin") else "a customer")
            self.stdout.write(f"  {email}  {password}  ({role})")

    def load(self, password: str) -> None:
        with transaction.atomic():
            name_stripe_prices()
            for email, name, group in LOGINS:
                make_login(email, name, group, password)
            make_customer()
            make_cases(at=timezone.now())
            make_status(at=timezone.now())
            make_legal(at=timezone.now())
            make_claims(at=timezone.now())
            make_disputes(at=timezone.now())


def is_loaded(password: str) -> bool:
    """True where the last of the logins is there, with this password: all of it is loaded in one transaction."""
    user = User.objects.filter(email=LOGINS[-1][0]).first()
    return user is not None and user.check_password(password)


def demo_password() -> str:
    """The one in var/demo-password, made at the first load; nobody else on the machine may read it."""
    if not PASSWORD_FILE.exists():
        PASSWORD_FILE.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(12))
    return PASSWORD_FILE.read_text().strip()


def name_stripe_prices() -> None:
    """The plans are rows from the start; the demo's invoices name their prices so."""
    for plan in Plan.objects.filter(stripe_price_ids=[]):
        plan.stripe_price_ids = [f"price_demo_{plan.slug}"]
        plan.save(update_fields=["stripe_price_ids"])


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
        user.groups.add(Group.objects.get(name=group))


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
    make_demo_key(account, at=timezone.now())
