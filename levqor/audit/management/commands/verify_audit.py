from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from levqor.audit import trail


class Command(BaseCommand):
    help = "Walks the audit trail; exit 1 and the row's id where it was tampered with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", default="", help="a head printed or logged earlier, which must still be in the chain"
        )

    def handle(self, *args: Any, head: str, **options: Any) -> None:
        trail.seal_entries()
        outcome = trail.verify(at=timezone.now(), expected_head=head)
        if outcome.fault:
            raise CommandError(f"The audit trail was tampered with: {outcome.fault}.")
        self.stdout.write(f"{outcome.sealed} entries sealed and unbroken; head {outcome.head}")
