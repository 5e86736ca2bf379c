"""Twenty equal claims at once are one claim, whether a key came along or not."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from claims.models import Claim
from claims.tests.make import post_claim
from levqor.accounts.models import Plan
from levqor.cases.models import Case
from levqor.mail.models import OutgoingMail

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("key", ["", "one"])
def test_equal_claims_at_once_are_one(key: str, settings: Settings) -> None:
    settings.CASE_LIMIT_PER_EMAIL = 1
    # The migration's plans do not outlive the flush after another test of this kind.
    Plan.objects.get_or_create(slug="growth", defaults={"name": "Growth", "price_cents": 9900})

    def post(number: int) -> int:
        try:
            return int(post_claim(Client(), key=key).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(post, range(20)))

    # With a key, those that came while the first still ran are told so.
    assert set(statuses) <= ({201, 409} if key else {201, 200})
    assert Claim.objects.count() == Case.objects.count() == 1
    assert OutgoingMail.objects.count() == 2
