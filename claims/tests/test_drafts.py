"""Credits that nobody claimed: drafted after an incident, proposed and approved row by row on one page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from claims.customer import withdraw
from claims.deciding import propose
from claims.drafting import draft_credits, drafts
from claims.models import Claim, CreditEntry, Proposal
from claims.tests import make_money
from claims.tests.make import NOW, make_claim
from claims.tests.make_money import measure_october
from levqor.accounts.models import Account, Plan
from levqor.desk.tests.make import make_staff, signed_in
from levqor.lib.actors import Actor
from levqor.mail.models import OutgoingMail
from status.component_states import ComponentState
from status.incidents import post_update
from status.models import IncidentStatus
from status.tests.make import SUPPORT, make_incident, make_update

pytestmark = pytest.mark.django_db
OCTOBER = datetime(2026, 10, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _october(settings: Settings) -> Iterator[None]:
    settings.STRIPE_SECRET_KEY = "sk_test_fake"
    measure_october(major=45)
    with time_machine.travel(NOW, tick=False):
        yield


def make_account(**changes: Any) -> Account:
    """A customer since long before October."""
    return make_money.make_account(**{"created_at": datetime(2026, 1, 5, tzinfo=UTC)} | changes)


def resolve_one(at: datetime = OCTOBER) -> None:
    incident = make_incident(at=at, api=ComponentState.MAJOR)
    update = make_update(IncidentStatus.RESOLVED, "It works again.", api=ComponentState.OPERATIONAL)
    post_update(incident, update, by=SUPPORT, at=at + timedelta(hours=1))


def press(client: Client, step: str, *rows: Claim | Proposal, words: str = "We were down.") -> Any:
    """Drafts are proposed by their own number, and approved by that of their proposal."""
    data = {"chosen": [row.pk for row in rows], "words": words}
    return client.post(f"/admin/claims/claim/{step}-drafts/", data, follow=True)


def test_a_resolved_incident_drafts_a_credit_for_every_paying_account_once() -> None:
    account = make_account()
    make_account(name="Nobody pays here", plan=None)
    make_account(name="Not with us then", created_at=NOW)
    resolve_one()

    assert [draft_credits(at=NOW), draft_credits(at=NOW)] == [1, 0]
    draft = Claim.objects.get()
    assert (draft.case.account, draft.status, f"{draft.month}") == (account, "drafted", "2026-10-01")
    assert not OutgoingMail.objects.exists()


def test_without_an_incident_nothing_is_drafted() -> None:
    make_account()

    assert draft_credits(at=NOW) == 0


def test_whoever_claimed_gets_no_draft_and_whoever_claims_later_ends_it(client: Client) -> None:
    account = make_account(billing_email="ada@fern.test")
    resolve_one()
    draft_credits(at=NOW)
    claim = make_claim(incidentDate="2026-10-10T12:30:00Z")
    draft_credits(at=NOW)

    draft = Claim.objects.exclude(pk=claim.pk).get()
    assert (draft.status, claim.case.account, claim.joined_to) == ("dismissed", account, None)


def test_a_claim_that_is_withdrawn_costs_the_account_no_draft(client: Client) -> None:
    make_account(billing_email="ada@fern.test")
    resolve_one()
    draft_credits(at=NOW)
    claim = make_claim(incidentDate="2026-10-10T12:30:00Z")
    withdraw(claim, by=Actor("customer"), at=NOW)

    assert [draft_credits(at=NOW), draft_credits(at=NOW)] == [1, 0]
    assert sorted(Claim.objects.values_list("status", flat=True)) == ["dismissed", "drafted", "withdrawn"]


def test_a_month_that_kept_its_promise_dismisses_its_drafts() -> None:
    account = make_account()
    resolve_one()
    draft_credits(at=NOW)
    Plan.objects.filter(pk=account.plan_id or 0).update(price_cents=0)

    draft_credits(at=NOW)

    assert Claim.objects.get().status == "dismissed"


def test_drafts_are_chosen_proposed_and_approved_by_two_on_one_page() -> None:
    kept, left = (
        make_account(),
        make_account(name="Other", billing_email="other@other.test", stripe_customer_id="cus_other"),
    )
    resolve_one()
    draft_credits(at=NOW)
    support, finance = signed_in(make_staff("Support")), signed_in(make_staff("Finance"))
    chosen = Claim.objects.get(case__account=kept)

    page = support.get("/admin/claims/claim/propose-drafts/").content.decode()
    press(support, "propose", chosen)
    press(finance, "approve", chosen.proposals.get())

    assert page.count('name="chosen"') == 2
    assert CreditEntry.objects.get().claim == chosen
    assert Claim.objects.get(case__account=left).status == "drafted"
    assert OutgoingMail.objects.get(name="claims/approved").to_email == kept.billing_email


def test_a_draft_shows_what_is_proposed_then_by_the_account_s_plan_of_now() -> None:
    account = make_account()
    resolve_one()
    draft_credits(at=NOW)
    account.plan = Plan.objects.get(slug="pro")
    account.save(update_fields=["plan"])

    ((draft, shown),) = drafts(OCTOBER.date().replace(day=1), at=NOW)
    proposal = propose(draft, reason="We were down.", by=make_money.staff("sam"), at=NOW)

    assert (shown.plan, shown.credit_cents) == ("pro", proposal.amount_cents)


def test_nothing_is_done_blindly() -> None:
    make_account()
    resolve_one()
    draft_credits(at=NOW)
    support = signed_in(make_staff("Support"))

    unchosen, wordless = press(support, "propose"), press(support, "propose", Claim.objects.get(), words="")

    assert "Choose at least one row." in unchosen.content.decode()
    assert "Write a reason" in wordless.content.decode()
    assert Claim.objects.get().status == "drafted"


@pytest.mark.parametrize(("role", "step"), [("Finance", "propose"), ("Support", "approve"), ("Read-only", "propose")])
def test_the_pages_are_for_their_roles_alone(role: str, step: str) -> None:
    assert signed_in(make_staff(role)).get(f"/admin/claims/claim/{step}-drafts/").status_code == 403
