"""The page of a signed-in customer."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from billing.tests.make import Scene
from claims.tests.make import make_claim
from levqor.accounts.models import Account, Membership, Plan, Suspension, User
from levqor.lib.actors import SYSTEM

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, *accounts: Account) -> User:
    user = User.objects.create_user(email, "s3cret-enough-for-a-test")
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    for account in accounts:
        Membership.objects.create(account=account, user=user)
    client.force_login(user)
    return user


def page_of(client: Client) -> str:
    answer = client.get("/account")
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.content.decode()


def test_a_stranger_is_asked_to_sign_in_and_comes_back(client: Client) -> None:
    assert client.get("/account").headers["Location"] == "/accounts/login/?next=/account"


def test_the_slash_form_leads_to_it(client: Client) -> None:
    assert client.get("/account/").headers["Location"] == "/account"


def test_somebody_without_an_account_is_told_how_to_get_in(client: Client) -> None:
    sign_in(client, "jo@example.com")

    assert "No customer account belongs to your email address" in page_of(client)


def test_it_says_the_plan_and_that_nothing_is_owed(client: Client) -> None:
    account = Account.objects.create(name="Kühn & Sons", plan=Plan.objects.get(slug="growth"))
    sign_in(client, "jo@example.com", account)

    page = page_of(client)

    assert "Kühn &amp; Sons" in page
    assert Plan.objects.get(slug="growth").price in page
    assert "None. An invoice whose payment fails" in page


def test_an_open_invoice_has_a_button_that_opens_its_page(client: Client, scene: Scene) -> None:
    case = scene.case(scene.fail())
    sign_in(client, "jo@example.com", case.account)

    answer = client.get("/account")
    line = answer.context["overviews"][0].statement.lines[0]

    assert line.url in answer.content.decode()
    assert client.get(line.url.removeprefix("http://localhost:8000")).status_code == 200


def test_a_paused_account_says_why_and_how_it_comes_back(client: Client, scene: Scene) -> None:
    case = scene.case(scene.fail())
    case.account.suspend(Suspension.Reason.BILLING, by=SYSTEM, at=timezone.now())
    sign_in(client, "jo@example.com", case.account)

    page = page_of(client)

    assert "Unpaid invoice, since" in page
    assert "comes back by itself" in page


def test_nobody_sees_the_account_of_others(client: Client, scene: Scene) -> None:
    case = scene.case(scene.fail())
    sign_in(client, "charlie@example.com", Account.objects.create(name="Charlie"))

    assert str(case) not in page_of(client)


def test_own_claims_are_listed_and_those_of_others_are_not(client: Client) -> None:
    mine, other = make_claim(email="jo@example.com"), make_claim(email="kim@example.com")
    sign_in(client, "jo@example.com")

    page = page_of(client)

    assert mine.case.reference in page
    assert other.case.reference not in page


def test_an_address_that_is_not_confirmed_shows_no_claims(client: Client) -> None:
    claim = make_claim(email="jo@example.com")
    user = sign_in(client, "jo@example.com")
    EmailAddress.objects.filter(user=user).update(verified=False)

    assert claim.case.reference not in page_of(client)
