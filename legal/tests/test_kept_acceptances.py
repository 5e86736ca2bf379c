"""An acceptance and what it binds are never changed, and removed only when their time is over."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from legal.models import Acceptance, AcceptanceAnnex
from legal.retention import ACCEPTANCE_KEPT, forget
from legal.tests.make import make_acceptance
from legal.tests.test_frozen import refused
from levqor.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE legal_acceptance SET full_name = 'x'", "an acceptance is never changed"),
        ("UPDATE legal_acceptance SET keep_until = accepted_at", "an acceptance is never changed"),
        ("UPDATE legal_accepteddocument SET sha256 = 'x'", "never changed"),
        ("UPDATE legal_acceptanceannex SET ip_address = 'x'", "never changed"),
        ("DELETE FROM legal_accepteddocument", "kept until its time"),
    ],
)
def test_the_database_refuses(sql: str, said: str) -> None:
    make_acceptance()

    assert said in refused(sql)


def test_it_cannot_be_removed_with_all_its_parts_either() -> None:
    acceptance = make_acceptance()
    AcceptanceAnnex.objects.all().delete()
    acceptance.receipt_links.all().delete()

    assert "kept until its time" in refused("DELETE FROM legal_acceptance")


def test_the_annex_goes_after_ninety_days_and_nothing_else() -> None:
    now = timezone.now()
    acceptance = make_acceptance(at=now)

    assert forget(at=now + timedelta(days=89)) == (0, 0)
    assert forget(at=now + timedelta(days=90)) == (1, 0)
    assert not AcceptanceAnnex.objects.exists()
    assert Acceptance.objects.get() == acceptance
    assert AuditEntry.objects.about(acceptance).filter(verb="annex_erased").exists()


def test_an_acceptance_goes_six_years_after_its_contract() -> None:
    long_ago = timezone.now() - ACCEPTANCE_KEPT - timedelta(days=1)
    Acceptance.objects.bulk_create([_aged(make_acceptance(), long_ago)])

    assert forget(at=timezone.now())[1] == 1
    assert Acceptance.objects.count() == 1


def _aged(acceptance: Acceptance, moment: datetime) -> Acceptance:
    """The same, long ago, as a row of its own."""
    copy = Acceptance.objects.get(pk=acceptance.pk)
    copy.pk, copy.reference, copy.email = None, "ACC-OLD", "old@fern.test"
    copy.receipt_sha256, copy.receipt_pdf_sha256 = "a", "b"
    copy.accepted_at, copy.keep_until = moment, moment + ACCEPTANCE_KEPT
    return copy
