"""Loads the texts of legal/documents/: first versions are published, later changes drafted. Harmless when repeated."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from legal.loading import check_documents, load_documents


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="Say what is wrong with the files, write nothing; exit 1 if anything is.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = (check_documents if options["check"] else load_documents)(at=timezone.now())
        for outcome in outcomes:
            self.stdout.write(f"{outcome.slug}: {outcome.result}")
            for problem in outcome.problems:
                self.stdout.write(f"  - {problem}")
        if options["check"] and any(outcome.result != "publishable" for outcome in outcomes):
            raise CommandError("Not all documents can be published.")
