"""What the documents promise about the machinery is what the machinery does."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from billing.models import DunningPolicy
from disputes.stages import STEPS
from legal.catalogue import DOCUMENTS
from legal.emails import CANCELLATION
from legal.models import NOTICE
from testing.html import Document

pytestmark = pytest.mark.django_db

WORDS = {1: "one day", 7: "seven days", 14: "fourteen days"}


def words(client: Client, path: str) -> str:
    body = Document(client.get(path).content.decode()).all("body")[0]
    return " ".join(" ".join(body.parts).split())


def test_reminders_come_on_the_days_of_the_policy(client: Client) -> None:
    policy = DunningPolicy.objects.get()
    one, seven, fourteen = (WORDS[step.offset_days] for step in policy.steps.order_by("offset_days"))

    assert f"{one}, {seven} and {fourteen} after the first failure" in words(client, "/terms")


def test_a_material_change_is_announced_as_long_before_as_the_terms_say(client: Client) -> None:
    assert f"at least {NOTICE.days} days before it applies" in words(client, "/terms")
    assert f"by email at least {NOTICE.days} days before." in words(client, "/terms")


@pytest.mark.parametrize("path", ["/terms", "/refunds", "/dfy-agreement"])
def test_consumers_have_as_many_days_as_the_receipt_gives_them(client: Client, path: str) -> None:
    assert timedelta(days=14) == CANCELLATION
    assert re.search(rf"cancel [^.]*within {CANCELLATION.days} days", words(client, path))


def test_the_limits_of_claims_and_disputes_are_those_of_the_policy(client: Client) -> None:
    network, email = settings.CASE_LIMIT_PER_NETWORK, settings.CASE_LIMIT_PER_EMAIL

    text = words(client, "/fair-use")
    assert f"we accept up to {network} claims and disputes an hour, and from one email address up to {email}" in text


def test_the_cookies_are_those_of_the_notice(client: Client) -> None:
    table = words(client, "/privacy").split("all of them our own and necessary", 1)[1][:500]

    days = settings.SESSION_COOKIE_AGE // (24 * 3600)
    assert f"__Host-{settings.SESSION_COOKIE_NAME} keeps you signed in {days} days" in table
    assert f"__Host-{settings.CSRF_COOKIE_NAME} protects forms against forgery 1 year" in table
    assert timedelta(days=360) < timedelta(seconds=settings.CSRF_COOKIE_AGE) < timedelta(days=370)


@pytest.mark.parametrize("path", [document.path for document in DOCUMENTS] + ["/", "/pricing", "/disputes", "/legal"])
def test_a_visit_sets_no_cookie_that_the_notice_does_not_name(client: Client, path: str) -> None:
    client.get(path)

    assert set(client.cookies) <= {settings.CSRF_COOKIE_NAME}


def test_the_decision_on_a_claim_takes_as_long_on_every_page(client: Client) -> None:
    pages = {path: words(client, path) for path in ("/", "/sla", "/sla-credits")}

    said = {path: set(re.findall(r"within (\d+ to \d+) business days", text)) for path, text in pages.items()}
    assert said == {key: {"5 to 7"} for key in pages}


def test_the_steps_of_a_dispute_are_those_of_the_contract_with_everybody() -> None:
    assert [step.days for step in STEPS] == ["1 to 3", "2 to 3", "5 to 7"]
