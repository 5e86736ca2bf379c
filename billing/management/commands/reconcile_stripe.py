import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.reconcile import reconcile_stripe


class Command(BaseCommand):
    help = "Polls Stripe and repairs what webhooks missed; prints its counts as one JSON line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how far back to list events (Stripe keeps 30 days)")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        report = reconcile_stripe(at=timezone.now(), look_back=timedelta(days=min(max(days, 1), 30)))
        self.stdout.write(json.dumps(report.as_dict()))
        if report.crashed:
            raise CommandError(f"{report.crashed} invoices or events could not be dealt with; the lines above say why.")
