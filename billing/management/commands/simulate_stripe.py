import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.management.commands.run_dunning_job import iso_moment
from billing.models import StripeEvent
from billing.samples import OBJECTS, Sample, event
from billing.webhooks import sign

TIMEOUT_SECONDS = 10


class Command(BaseCommand):
    help = "Signs a realistic Stripe event with STRIPE_WEBHOOK_SECRET and posts it to the server at SITE_URL."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", choices=sorted(OBJECTS), metavar="EVENT", help=", ".join(sorted(OBJECTS)))
        parser.add_argument("--email", default="customer@levqor.test")
        parser.add_argument("--plan", default="growth")
        parser.add_argument("--amount", type=int, default=9900, help="in the currency's smallest unit")
        parser.add_argument("--currency", default="gbp", type=str.lower)
        parser.add_argument("--invoice", help="default: a new one for a failure, else the newest failing one")
        parser.add_argument("--subscription", default="sub_demo", help="an empty text makes a one-off invoice")
        parser.add_argument("--customer", default="cus_demo")
        parser.add_argument("--created", type=_moment, help="ISO 8601 date-time or epoch seconds; default: now")
        parser.add_argument("--duplicate", type=int, default=1, metavar="N", help="deliver the same event N times")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.STRIPE_WEBHOOK_SECRETS:
            raise CommandError("Set STRIPE_WEBHOOK_SECRET in the environment or .env; `make run` writes one.")
        chosen: dict[str, Any] = {
            name: options[name] for name in ("email", "plan", "amount", "currency", "subscription", "customer")
        }
        invoice = options["invoice"] or _newest_failing_invoice(options["event"], options["customer"])
        sample = Sample(
            created=options["created"] or timezone.now(),
            livemode=settings.STRIPE_LIVEMODE,
            **chosen | ({"invoice": invoice} if invoice else {}),
        )
        body = json.dumps(event(options["event"], sample)).encode()
        for _ in range(max(1, options["duplicate"])):
            self.stdout.write(f"{options['event']} for {sample.invoice}: {_post(body)}")


def _moment(value: str) -> datetime:
    return datetime.fromtimestamp(int(value), UTC) if value.isdigit() else iso_moment(value)


def _newest_failing_invoice(event_type: str, customer: str) -> str:
    """What a payment or a void most likely means: the invoice of this customer that failed last."""
    if event_type in {"invoice.payment_failed", "invoice.payment_action_required"}:
        return ""
    failed = StripeEvent.objects.filter(type="invoice.payment_failed", customer_id=customer)
    return failed.order_by("-pk").values_list("invoice_id", flat=True).first() or ""


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
