import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.dunning import run_dunning_job

# Further away no clock is set, and calendars end before sums with days do.
YEARS = range(2000, 2200)


def iso_moment(value: str) -> datetime:
    """An ISO 8601 date-time; UTC where it names no zone."""
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError as error:
        raise ArgumentTypeError(f"{value!r} is no ISO 8601 date-time, such as 2026-12-01T09:00:00Z") from error
    if parsed.year not in YEARS:
        raise ArgumentTypeError(f"{value!r} lies outside the years {YEARS[0]} to {YEARS[-1]}")
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "One pass of the billing dunning processor; prints its counts as one JSON line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", type=iso_moment, help="run as if the clock read this ISO 8601 date-time")
        parser.add_argument("--dry-run", action="store_true", help="write nothing; print what the real run would count")

    def handle(self, *args: Any, now: datetime | None, dry_run: bool, **options: Any) -> None:
        report = run_dunning_job(at=now or timezone.now(), dry_run=dry_run)
        self.stdout.write(json.dumps(report.as_dict()))
        for line in report.held_in_words() or ["Nothing is due."] * (report.due == 0):
            self.stderr.write(line)
        if report.crashed:
            raise CommandError(f"{report.crashed} customers or cases could not be dealt with; the lines above say why.")
