"""Staff send the copy of an acceptance again: what the trail says was sent was sent."""

import pytest
from django.test import Client
from django.urls import reverse

from legal.models import Acceptance
from legal.tests.make import make_acceptance
from levqor.accounts.models import User
from levqor.audit.models import AuditEntry
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def support(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann@levqor.test", "a long enough passphrase"))
    return client


def press(client: Client, verb: str, acceptance: Acceptance) -> str:
    url = reverse(f"admin:legal_acceptance_{verb}", args=[acceptance.pk])
    return client.post(url, {"reason": "They lost it."}, follow=True).text


def test_a_copy_goes_out_and_is_recorded(support: Client) -> None:
    acceptance = make_acceptance()

    press(support, "resend", acceptance)

    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 2
    assert AuditEntry.objects.about(acceptance).get(verb="copy_sent_again").reason == "They lost it."


def test_a_second_copy_on_one_day_is_neither_sent_nor_recorded(support: Client) -> None:
    acceptance = make_acceptance()
    press(support, "resend", acceptance)

    said = press(support, "resend", acceptance)

    assert "no second one was sent" in said
    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 2
    assert AuditEntry.objects.about(acceptance).filter(verb="copy_sent_again").count() == 1


def test_an_annex_is_erased_once(support: Client) -> None:
    acceptance = make_acceptance()
    press(support, "erase", acceptance)

    said = press(support, "erase", acceptance)

    assert "is erased already" in said
    assert AuditEntry.objects.about(acceptance).filter(verb="annex_erased").count() == 1
