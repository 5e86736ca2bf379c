"""The OpenAPI document on stdout: the same bytes that `/public/openapi.json` serves."""

from typing import Any

from django.core.management.base import BaseCommand

from levqor.lib.openapi import document_bytes


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document_bytes().decode(), ending="")
