"""How long the proof of an acceptance is kept, and why.

A claim from a contract may be brought for six years (Limitation Act 1980, s. 5), counted from its breach. A build and its
30 days of support are over within a year, so the end of the contract is taken to be a year after the acceptance.
"""

from datetime import datetime, timedelta

from django.db import transaction

from legal.models import Acceptance, AcceptanceAnnex
from levqor.audit.models import record
from levqor.lib.actors import SYSTEM, Actor

ACCEPTANCE_YEARS = 6
CONTRACT_DAYS = 365
ANNEX_DAYS = 90
ANNEX_KEPT = timedelta(days=ANNEX_DAYS)
ACCEPTANCE_KEPT = timedelta(days=CONTRACT_DAYS + ACCEPTANCE_YEARS * 365 + 2)


def forget(*, at: datetime) -> tuple[int, int]:
    """Erases the annexes and the acceptances whose time is over; returns how many of each."""
    annexes = AcceptanceAnnex.objects.filter(recorded_at__lte=at - ANNEX_KEPT)
    erased = sum(erase_annex(annex, by=SYSTEM, at=at) for annex in annexes.select_related("acceptance"))
    over = list(Acceptance.objects.expired(at=at).only("pk", "reference"))
    for acceptance in over:
        with transaction.atomic():
            record("expired", acceptance, by=SYSTEM, at=at)
            acceptance.delete()
    return erased, len(over)


def erase_annex(annex: AcceptanceAnnex, *, by: Actor, at: datetime, reason: str = "") -> int:
    """Forgets where an acceptance came from; the acceptance itself and its receipt stay as they are."""
    with transaction.atomic():
        record("annex_erased", annex.acceptance, by=by, at=at, reason=reason)
        return annex.delete()[0]
