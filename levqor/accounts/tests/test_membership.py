import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from levqor.accounts.membership import join_accounts_of
from levqor.accounts.models import Membership
from levqor.accounts.tests.make import code_sent_to, make_account, make_user, sign_in
from levqor.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_whoever_signs_in_with_the_billing_address_is_a_member(client: Client) -> None:
    user, account = make_user(), make_account("Ada@Example.com")

    sign_in(client)

    assert list(account.members.all()) == [user]
    entry = AuditEntry.objects.about(account).get(verb="member.joined")
    assert (entry.actor_id, entry.changes) == (user.pk, {"member": [None, user.pk]})


def test_signing_in_again_joins_nothing_twice(client: Client) -> None:
    make_user()
    account = make_account()

    sign_in(client)
    sign_in(Client())

    assert Membership.objects.count() == 1
    assert AuditEntry.objects.about(account).count() == 1


def test_an_address_that_is_not_proven_opens_no_account() -> None:
    user = make_user(is_verified=False)
    make_account()

    assert join_accounts_of(user, at=timezone.now()) == []
    assert not Membership.objects.exists()


def test_an_address_of_two_accounts_is_left_to_a_person() -> None:
    user = make_user()
    make_account()
    make_account(name="Ada and Sons")

    assert join_accounts_of(user, at=timezone.now()) == []


def test_a_stranger_joins_nothing(client: Client) -> None:
    make_user("eve@example.com")
    make_account()

    sign_in(client, "eve@example.com")

    assert not Membership.objects.exists()


def test_an_address_like_it_is_another_address() -> None:
    make_account("ad_@example.com")
    user = make_user("ada@example.com")

    assert join_accounts_of(user, at=timezone.now()) == []


def test_proving_a_second_address_joins_its_account(client: Client) -> None:
    user = make_user()
    account = make_account("billing@example.com")
    sign_in(client)
    page = client.post("/accounts/email/", {"email": "billing@example.com", "action_add": ""}).headers["Location"]
    assert not account.members.exists()

    client.post(page, {"code": code_sent_to("billing@example.com")})

    assert EmailAddress.objects.get(email="billing@example.com").verified
    assert list(account.members.all()) == [user]
