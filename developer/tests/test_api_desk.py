"""The back office: a key found by its beginning, another tier with a reason, a key's end; never a secret."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from developer.admission import Month
from developer.models import ApiKey
from developer.tests.make import Api, make_account, make_key, use_up
from levqor.accounts.models import Account, Membership
from levqor.accounts.tests.make import make_user
from levqor.audit.models import AuditEntry
from levqor.desk.tests.make import make_admin, make_staff, signed_in
from levqor.mail.models import OutgoingMail
from testing.html import Document

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> tuple[str, ApiKey]:
    account = make_account()
    Membership.objects.create(account=account, user=make_user())
    use_up(account, 42, month=Month.of(timezone.now()).name)
    return make_key(account, created_at=timezone.now() - timedelta(days=1))


@pytest.fixture
def sam() -> Client:
    return signed_in(make_staff("Support"))


@pytest.mark.parametrize("typed", [13, 47])
def test_a_key_is_found_by_its_beginning(sam: Client, made: tuple[str, ApiKey], typed: int) -> None:
    make_key(make_account("Other"), name="unrelated")
    secret, key = made

    page = sam.get("/admin/developer/apikey/", {"q": secret[:typed]}).content.decode()
    found = sam.get("/admin/find/", {"q": secret[:typed]})

    assert "Fernhill Bakery" in page
    assert "unrelated" not in page
    assert "42 of 1,000" in page
    assert f"/admin/developer/apikey/{key.pk}/change/" in found.headers.get("Location", found.content.decode())


def test_no_page_of_the_desk_holds_a_secret(made: tuple[str, ApiKey]) -> None:
    secret, key = made
    client = signed_in(make_admin())

    for path in ("", f"{key.pk}/change/", f"{key.pk}/revoke/", f"{key.pk}/tier/"):
        page = client.get(f"/admin/developer/apikey/{path}").content.decode()
        assert secret not in page
        assert key.digest not in page


def test_support_revokes_a_key_with_a_reason(sam: Client, made: tuple[str, ApiKey]) -> None:
    secret, key = made
    url = f"/admin/developer/apikey/{key.pk}/revoke/"

    without = sam.post(url, {"reason": ""})
    before = Api(secret).get("metrics").status_code
    sam.post(url, {"reason": "It stood in a public repository."})

    assert (without.status_code, before, Api(secret).get("metrics").status_code) == (200, 200, 401)
    entry = AuditEntry.objects.about(key).get()
    assert (entry.verb, entry.reason, entry.actor_kind) == ("key.revoked", "It stood in a public repository.", "staff")
    assert "It stood in a public repository." in OutgoingMail.objects.get(name="developer/key_revoked").text_body


def test_support_gives_an_account_another_tier_with_a_reason(sam: Client, made: tuple[str, ApiKey]) -> None:
    secret, key = made

    for tier in ("pro", "pro"):
        sam.post(f"/admin/developer/apikey/{key.pk}/tier/", {"tier": tier, "reason": "Agreed by telephone."})

    usage = Api(secret).get("usage").json()
    assert (usage["tier"], usage["limit"], usage["used"]) == ("pro", 10_000, 42)
    entry = AuditEntry.objects.about(Account.objects.get(pk=key.account_id)).get(verb="api_tier.changed")
    assert (entry.changes, entry.reason) == ({"api_tier": ["sandbox", "pro"]}, "Agreed by telephone.")
    assert "10,000 requests a month" in OutgoingMail.objects.get(name="developer/tier_changed").text_body


def test_an_account_without_a_key_gets_another_tier_from_its_own_page(sam: Client) -> None:
    account = make_account()
    page = sam.get(f"/admin/accounts/account/{account.pk}/change/").content.decode()
    url = f"/admin/developer/apikey/of-account/{account.pk}/tier/"

    without = sam.post(url, {"tier": "pro", "reason": ""})
    done = sam.post(url, {"tier": "pro", "reason": "A trial."})

    assert url in page
    assert (without.status_code, done.headers["Location"]) == (200, f"/admin/accounts/account/{account.pk}/change/")
    assert AuditEntry.objects.about(account).get(verb="api_tier.changed").reason == "A trial."


def test_the_way_to_another_tier_is_shown_to_those_who_may_go_it() -> None:
    account = make_account()
    pages = [
        signed_in(make_staff(role)).get(f"/admin/accounts/account/{account.pk}/change/").content.decode()
        for role in ("Support", "Engineering")
    ]

    assert [f"/admin/developer/apikey/of-account/{account.pk}/tier/" in page for page in pages] == [True, False]


def test_nobody_changes_a_tier_in_the_form_of_an_account() -> None:
    account = make_account()
    page = Document(signed_in(make_admin()).get(f"/admin/accounts/account/{account.pk}/change/").content.decode())
    named = {part.attributes.get("name") for part in [*page.all("input"), *page.all("select")]}

    assert {"name", "plan"} <= named
    assert "api_tier" not in named


@pytest.mark.parametrize(
    ("role", "revoke", "tier"),
    [("Support", 200, 200), ("Finance", 403, 200), ("Engineering", 200, 403), ("Read-only", 403, 403)],
)
def test_each_role_may_do_its_own(made: tuple[str, ApiKey], role: str, revoke: int, tier: int) -> None:
    client = signed_in(make_staff(role))
    base = f"/admin/developer/apikey/{made[1].pk}"

    assert [client.get(f"{base}/{verb}/").status_code for verb in ("change", "revoke", "tier")] == [200, revoke, tier]


def test_the_months_use_is_listed_with_its_account(sam: Client, made: Any) -> None:
    page = sam.get("/admin/developer/monthlyusage/").content.decode()

    assert "42 of 1,000" in page
    assert "Fernhill Bakery" in page
