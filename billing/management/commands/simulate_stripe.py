import hashlib
import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

import requests
from babel.numbers import is_currency
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from billing.management.commands.run_dunning_job import iso_moment
from billing.models import PaymentFailure, StripeEvent
from billing.sample_events import OBJECTS, Sample, event
from billing.stripe_objects import moment
from billing.webhooks import sign
from levqor.accounts.models import Account

TIMEOUT_SECONDS = 10
DEMO_CUSTOMER, DEMO_EMAIL = Sample.customer, Sample.email


class Command(BaseCommand):
    help = "Signs a realistic Stripe event with STRIPE_WEBHOOK_SECRET and posts it to the server at SITE_URL."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", choices=sorted(OBJECTS), metavar="EVENT", help=", ".join(sorted(OBJECTS)))
        parser.add_argument(
            "--email", type=_address, help=f"whom it is about; default: the customer's address, else {DEMO_EMAIL}"
        )
        parser.add_argument("--plan", default="growth")
        parser.add_argument("--amount", type=_whole, default=9900, help="in the currency's smallest unit")
        parser.add_argument("--currency", default="gbp", type=_currency)
        parser.add_argument("--invoice", help="default: a new one for a failure, else the newest failing one")
        parser.add_argument(
            "--subscription", help="default: one that goes with the customer; an empty text makes a one-off invoice"
        )
        parser.add_argument(
            "--customer",
            help=f"default: the one with this e-mail address, known or new; {DEMO_CUSTOMER} without either",
        )
        parser.add_argument("--created", type=_moment, help="ISO 8601 date-time or epoch seconds; default: now")
        parser.add_argument("--duplicate", type=_times, default=1, metavar="N", help="deliver the same event N times")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.STRIPE_WEBHOOK_SECRETS:
            raise CommandError("Set STRIPE_WEBHOOK_SECRET in the environment or .env; `make run` writes one.")
        customer = options["customer"] or _customer_with(options["email"] or DEMO_EMAIL)
        subscription = options["subscription"]
        chosen: dict[str, Any] = {name: options[name] for name in ("plan", "amount", "currency")} | {
            "customer": customer,
            "email": options["email"] or _address_of(customer),
            "subscription": f"sub_{customer.removeprefix('cus_')}" if subscription is None else subscription,
        }
        invoice = options["invoice"] or _newest_failing_invoice(options["event"], customer)
        sample = Sample(
            created=options["created"] or timezone.now(),
            livemode=settings.STRIPE_LIVEMODE,
            **chosen | ({"invoice": invoice} if invoice else {}),
        )
        body = json.dumps(event(options["event"], sample)).encode()
        for _ in range(options["duplicate"]):
            self.stdout.write(f"{options['event']} for {sample.invoice} of {sample.email}: {_post(body)}")


def _moment(value: str) -> datetime:
    seconds = moment(int(value)) if value.isascii() and value.isdigit() else None
    return iso_moment(seconds.isoformat() if seconds else value)


def _whole(value: str) -> int:
    if not re.fullmatch("[0-9]{1,12}", value):
        raise ArgumentTypeError(f"{value!r} is no whole number from 0 with up to 12 digits")
    return int(value)


def _times(value: str) -> int:
    times = _whole(value)
    if not 1 <= times <= 1000:
        raise ArgumentTypeError(f"{value} is no number of times from 1 to 1000")
    return times


def _address(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError as error:
        raise ArgumentTypeError(f"{value!r} is no email address, such as name@example.com") from error
    return value


def _currency(value: str) -> str:
    if not is_currency(value.upper()):
        raise ArgumentTypeError(f"{value!r} is no currency, such as gbp")
    return value.lower()


def _customer_with(email: str) -> str:
    """Stripe's id of the customer with this address; a new address has an id of its own, the same each time."""
    billed = Account.objects.filter(billing_email__iexact=email, stripe_customer_id__startswith="cus_")
    known = billed.order_by("pk").values_list("stripe_customer_id", flat=True).first()
    same = email.lower()
    new = DEMO_CUSTOMER if same == DEMO_EMAIL else f"cus_{hashlib.sha256(same.encode()).hexdigest()[:14]}"
    return known or new


def _address_of(customer: str) -> str:
    known = Account.objects.filter(stripe_customer_id=customer).values_list("billing_email", flat=True).first()
    return known or DEMO_EMAIL


def _newest_failing_invoice(event_type: str, customer: str) -> str:
    """What a payment or a void most likely means: the invoice of this customer that failed last."""
    if event_type in {"invoice.payment_failed", "invoice.payment_action_required"}:
        return ""
    failed = StripeEvent.objects.filter(type="invoice.payment_failed", customer_id=customer)
    told = failed.order_by("-pk").values_list("invoice_id", flat=True).first()
    # The cases of the demo data were opened without an event.
    opened = PaymentFailure.objects.unsettled().filter(account__stripe_customer_id=customer)
    return told or opened.order_by("-pk").values_list("invoice_id", flat=True).first() or ""


def _post(body: bytes) -> str:
    headers = {
        "Stripe-Signature": sign(body, settings.STRIPE_WEBHOOK_SECRETS[0], at=timezone.now()),
        "Content-Type": "application/json",
    }
    address = f"{settings.SITE_URL}/api/webhooks/stripe"
    try:
        answer = requests.post(address, data=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        raise CommandError(f"No answer from {address}; is the server running (`make run`)?") from error
    if answer.status_code != 200:
        raise CommandError(f"{address} answered {answer.status_code}: {answer.text[:500]}")
    return f"{answer.status_code} {answer.text}"
