from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from levqor.audit import trail
from levqor.audit.models import AuditHead


class Command(BaseCommand):
    help = "Walks the audit trail; exit 1 and the row's id where it was tampered with. Seals what is new after that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", default="", help="a head printed or logged earlier, which must still be in the chain"
        )
        parser.add_argument(
            "--sign-head", action="store_true", help="after SECRET_KEY was changed: sign the end of the chain anew"
        )

    def handle(self, *args: Any, head: str, sign_head: bool, **options: Any) -> None:
        # Beat may not run here (a laptop, a restore), so entries that wait for their seal are no fault to this command.
        outcome = trail.verify(at=timezone.now(), expected_head=head, is_head_signed=not sign_head, grace=None)
        if outcome.fault:
            raise CommandError(f"The audit trail was tampered with: {outcome.fault}.")
        if sign_head:
            trail.sign_head()
        trail.seal_entries()
        end = AuditHead.objects.get()
        self.stdout.write(f"{end.position} entries sealed and unbroken; head {end.hash}")
