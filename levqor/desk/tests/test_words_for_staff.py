"""The back office speaks to people: words in the place of columns, and a way on from every page."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from levqor.accounts.models import Account, Standing, User
from levqor.accounts.tests.make import make_account, make_user
from levqor.audit.models import AuditEntry
from levqor.desk import schedule
from levqor.desk.models import PeriodicTask
from levqor.lib.actors import STRIPE
from levqor.lib.states import move

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin@example.com", is_staff=True, is_superuser=True))
    return client


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_account_leads_to_all_that_is_known_of_it(admin: Client) -> None:
    account = make_account("jane+shop@example.com")

    text = page(admin, f"/admin/accounts/account/{account.pk}/change/")

    assert 'href="/admin/find/?q=jane%2Bshop%40example.com"' in text
    assert "as the policy says" in text


def test_an_exempt_account_says_why(admin: Client) -> None:
    Account.objects.filter(pk=make_account().pk).update(is_exempt_from_dunning=True, exemption_reason="Pays by hand.")

    assert "Pays by hand." in page(admin, "/admin/accounts/account/")


def test_a_row_keeps_its_own_spelling_in_the_path_to_it(admin: Client) -> None:
    pk = User.objects.get().pk

    text = page(admin, f"/admin/accounts/user/{pk}/change/")

    assert ">admin@example.com</a>" in text
    assert "Admin@example.com" not in text
    assert "../password/" in text


def test_an_entry_of_the_trail_is_told_in_words(admin: Client) -> None:
    account = make_account()
    move(account, Standing.PAST_DUE, by=STRIPE, at=timezone.now(), field="standing")
    entry = AuditEntry.objects.latest("pk")

    text = page(admin, f"/admin/audit/auditentry/{entry.pk}/change/")

    assert f"Standing: past due, account {account.pk}" in text
    assert "standing: active → past due" in text


@pytest.mark.parametrize(("group", "may"), [("Support", False), ("Read-only", False), ("", True)])
def test_a_task_is_run_from_its_own_page_by_those_who_may(client: Client, group: str, may: bool) -> None:
    person = make_user("sam@example.com", is_staff=True, is_superuser=not group)
    person.groups.set(Group.objects.filter(name=group))
    client.force_login(person)
    schedule.ensure_rows()

    answer = client.get(f"/admin/desk/periodictask/{PeriodicTask.objects.all()[0].pk}/change/")

    assert ("Run now" in answer.content.decode()) is may


def test_every_page_says_whose_time_it_tells(admin: Client) -> None:
    assert "London time" in page(admin, "/admin/mail/outgoingmail/")
