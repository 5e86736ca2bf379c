"""The keys page: sign-up lands on a key, each key is shown once, pressing twice is pressing once, strangers see nothing."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from developer.models import ALL_SCOPES, ApiKey, DailyUsage, Scope
from developer.tests.make import NOW, Api, make_account, make_key, use_up
from developer.usage import buffer
from levqor.accounts.models import Account, Membership, User
from levqor.accounts.tests.make import PASSWORD, code_sent_to, make_user
from levqor.audit.models import AuditEntry
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"lvq_test_[0-9A-Za-z]{38}")


@pytest.fixture
def ada() -> User:
    return make_user(date_joined=NOW - timedelta(days=90))


@pytest.fixture
def account(ada: User) -> Account:
    account = make_account()
    Membership.objects.create(account=account, user=ada)
    return account


@pytest.fixture
def client(client: Client, ada: User) -> Any:
    client.force_login(ada)
    with time_machine.travel(NOW, tick=False):
        yield client


def key_form(**changes: Any) -> dict[str, Any]:
    return {"name": "ci", "scopes": [1, 2, 4], "lifetime": "90", "form_id": str(uuid4())} | changes


def secret_in(answer: Any) -> str:
    found = SECRET.findall(answer.content.decode())
    return str(found[0]) if found else ""


def test_sign_up_lands_on_a_key_that_works() -> None:
    client = Client()
    signed_up = client.post(
        "/accounts/signup/?next=/developer/start",
        {"email": "new@example.com", "password1": PASSWORD, "next": "/developer/start"},
    )
    confirmed = client.post(signed_up.headers["Location"], {"code": code_sent_to("new@example.com")})
    landed = client.get(confirmed.headers["Location"])

    assert confirmed.headers["Location"] == "/developer/start"
    assert Api(secret_in(landed)).get("metrics").status_code == 200
    assert "no-store" in landed.headers["Cache-Control"]
    again = client.get("/developer/start", follow=True)
    assert (secret_in(again), ApiKey.objects.count(), Account.objects.count()) == ("", 1, 1)


def test_who_signed_up_long_ago_makes_keys_by_the_form_alone(client: Client, account: Account) -> None:
    answer = client.get("/developer/start")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/developer/keys")
    assert not ApiKey.objects.exists()


def test_a_head_request_uses_no_first_key_up() -> None:
    client = Client()
    client.force_login(make_user())

    assert client.head("/developer/start").status_code == 302
    assert secret_in(client.get("/developer/start"))


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_keys_opens_no_account(client: Client, method: str) -> None:
    answer = getattr(client, method)("/developer/keys")

    assert answer.status_code == 200
    assert not Account.objects.exists()


def test_the_first_key_opens_the_account(client: Client, ada: User) -> None:
    assert secret_in(client.post("/developer/keys", key_form()))
    assert Account.objects.get().members.get() == ada


@pytest.mark.parametrize("path", ["/developer/keys", "/developer/start", "/developer/keys/1/rotate"])
def test_it_asks_a_stranger_to_sign_in(path: str) -> None:
    answer = Client().get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={path}")


def test_a_key_is_made_shown_audited_and_mailed(client: Client, account: Account) -> None:
    answer = client.post("/developer/keys", key_form(scopes=[1]))

    key = ApiKey.objects.get()
    secret = secret_in(answer)
    assert Api(secret).get("metrics").status_code == 200
    assert (key.scopes, key.expires_at, key.masked) == (
        Scope.METRICS_READ,
        NOW + timedelta(days=90),
        f"{secret[:13]}…{secret[-4:]}",
    )
    assert AuditEntry.objects.about(key).get().verb == "key.created"
    mail = OutgoingMail.objects.get(name="developer/key_created")
    assert mail.to_email == "ada@example.com"
    assert secret not in mail.text_body + mail.html_body
    assert secret[:13] in mail.text_body


def test_the_same_form_twice_is_one_key_shown_once(client: Client, account: Account) -> None:
    form = key_form()

    answers = [client.post("/developer/keys", form, follow=True) for _ in range(3)]

    assert [bool(secret_in(answer)) for answer in answers] == [True, False, False]
    assert "made when this form was sent before" in answers[1].content.decode()
    assert ApiKey.objects.count() == AuditEntry.objects.filter(verb="key.created").count() == 1
    assert OutgoingMail.objects.filter(name="developer/key_created").count() == 1


def test_no_page_shows_a_key_again(client: Client, account: Account) -> None:
    secret = secret_in(client.post("/developer/keys", key_form()))

    page = client.get("/developer/keys").content.decode()

    assert secret not in page
    assert f"{secret[:13]}…{secret[-4:]}" in page


def test_a_name_that_is_taken_is_refused_in_words(client: Client, account: Account) -> None:
    client.post("/developer/keys", key_form(name="CI"))

    answer = client.post("/developer/keys", key_form(name="ci"))

    assert (answer.status_code, ApiKey.objects.count()) == (409, 1)
    assert "There is a key named “ci” already" in answer.content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "x" * 81}, {"name": "a\0b"}, {"scopes": []}, {"scopes": ["9"]}, {"scopes": ["x"]},
     {"lifetime": "7"}, {"form_id": ""}, {"form_id": "x"}],
)  # fmt: skip
def test_a_form_that_does_not_fit_makes_nothing(client: Client, account: Account, changes: dict[str, Any]) -> None:
    answer = client.post("/developer/keys", key_form(**changes))

    assert answer.status_code == 422
    assert not ApiKey.objects.exists()


def test_a_form_of_somebody_else_makes_and_shows_nothing(client: Client, account: Account) -> None:
    _, foreign = make_key(make_account("Other"), form_id=uuid4())

    answer = client.post("/developer/keys", key_form(form_id=str(foreign.form_id)))

    assert (answer.status_code, ApiKey.objects.count()) == (409, 1)
    assert foreign.masked not in answer.content.decode()


def test_rotation_keeps_the_old_key_until_the_overlap_is_over(client: Client, account: Account) -> None:
    old, key = make_key(account, scopes=Scope.METRICS_READ, expires_at=NOW + timedelta(days=30))
    form = {"overlap": "1", "form_id": str(uuid4())}

    answers = [client.post(f"/developer/keys/{key.pk}/rotate", form, follow=True) for _ in range(2)]
    new = secret_in(answers[0])

    assert secret_in(answers[1]) == ""
    newer = ApiKey.objects.get(replaces=key)
    assert (newer.name, newer.scopes, newer.expires_at) == ("ci", Scope.METRICS_READ, NOW + timedelta(days=30))
    with time_machine.travel(NOW + timedelta(minutes=59, seconds=59), tick=False):
        assert [Api(secret).get("metrics").status_code for secret in (old, new)] == [200, 200]
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        assert [Api(secret).get("metrics").status_code for secret in (old, new)] == [401, 200]
    assert OutgoingMail.objects.filter(name="developer/key_rotated").count() == 1


def test_a_key_is_rotated_once(client: Client, account: Account) -> None:
    _, key = make_key(account)
    for _ in range(2):
        answer = client.post(f"/developer/keys/{key.pk}/rotate", {"overlap": "0", "form_id": str(uuid4())}, follow=True)

    assert ApiKey.objects.count() == 2
    assert "was rotated already" in answer.content.decode()


def test_rotation_at_once_ends_the_old_key_with_the_next_request(client: Client, account: Account) -> None:
    old, key = make_key(account)

    client.post(f"/developer/keys/{key.pk}/rotate", {"overlap": "0", "form_id": str(uuid4())})

    assert Api(old).get("metrics").status_code == 401


def test_an_overlap_never_outlives_the_key(client: Client, account: Account) -> None:
    _, key = make_key(account, expires_at=NOW + timedelta(minutes=5))

    client.post(f"/developer/keys/{key.pk}/rotate", {"overlap": "24", "form_id": str(uuid4())})

    key.refresh_from_db()
    assert key.expires_at == NOW + timedelta(minutes=5)


def test_revoking_ends_a_key_at_once_and_twice_says_when(client: Client, account: Account) -> None:
    secret, key = make_key(account)

    first = client.post(f"/developer/keys/{key.pk}/revoke", follow=True)
    after = Api(secret).get("metrics").status_code
    second = client.post(f"/developer/keys/{key.pk}/revoke", follow=True)

    assert after == 401
    assert "is revoked" in first.content.decode()
    assert "already revoked, since 24 November 2026, 10:00:00" in second.content.decode()
    assert AuditEntry.objects.about(key).count() == 1
    assert OutgoingMail.objects.get(name="developer/key_revoked").to_email == "ada@example.com"


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_a_key_of_another_account_is_not_found(client: Client, account: Account, verb: str) -> None:
    _, key = make_key(make_account("Other"))

    answers = {client.get(f"/developer/keys/{pk}/{verb}").status_code for pk in (key.pk, 10**30)}
    posted = client.post(f"/developer/keys/{key.pk}/{verb}", {"overlap": "0", "form_id": str(uuid4())})

    assert answers == {posted.status_code} == {404}
    key.refresh_from_db()
    assert (key.revoked_at, ApiKey.objects.count()) == (None, 1)


def test_somebody_without_an_account_gets_one_of_their_own(client: Client, ada: User) -> None:
    client.post("/developer/keys", key_form())

    account = Account.objects.get(members=ada)
    assert (account.billing_email, account.plan, account.api_keys.count()) == ("ada@example.com", None, 1)


def test_the_page_shows_the_month(client: Client, account: Account, django_assert_max_num_queries: Any) -> None:
    for _ in range(3):
        _, key = make_key(account)
    use_up(account, 1234, quota=None)
    Account.objects.filter(pk=account.pk).update(api_tier="pro")
    DailyUsage.objects.create(key=key, day=NOW.date(), succeeded=1200, refused=34)

    with django_assert_max_num_queries(14):
        page = client.get("/developer/keys").content.decode()

    assert "<strong>1,234</strong> of 10,000 requests used, <strong>8,766</strong> left" in page
    assert "The count starts anew on 1 December 2026, 00:00 UTC" in page
    assert "<title>24 November: 1234</title>" in page


@pytest.fixture
def second(ada: User, account: Account) -> Account:
    second = make_account("Second Bakery")
    Membership.objects.create(account=second, user=ada)
    return second


def test_a_member_of_several_accounts_chooses_whose_keys(client: Client, account: Account, second: Account) -> None:
    make_key(account, name="of the first")
    _, key = make_key(second, name="of the second")

    first_page, page = (client.get(f"/developer/keys{query}") for query in ("", f"?account={second.pk}"))

    assert "of the first" in first_page.content.decode()
    assert "of the first" not in page.content.decode()
    assert "of the second" in page.content.decode()
    assert f'href="/developer/keys?account={second.pk}" aria-current="true"' in page.content.decode()
    revoked = client.post(f"/developer/keys/{key.pk}/revoke")
    assert revoked.headers["Location"] == f"/developer/keys?account={second.pk}"


def test_a_key_is_made_in_the_account_on_the_page(client: Client, account: Account, second: Account) -> None:
    answer = client.post(f"/developer/keys?account={second.pk}", key_form())

    assert secret_in(answer)
    assert ApiKey.objects.get().account == second
    assert f'href="/developer/keys?account={second.pk}">I have copied it' in answer.content.decode()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 40, "１", "{other}"])
def test_an_account_of_somebody_else_is_not_found(client: Client, account: Account, number: str) -> None:
    other = make_account("Other")
    make_key(other, name="of the other")
    url = f"/developer/keys?account={number.format(other=other.pk)}"

    assert [client.get(url).status_code, client.post(url, key_form()).status_code] == [404, 404]
    assert ApiKey.objects.count() == 1


def test_the_page_lists_the_last_requests(client: Client, account: Account) -> None:
    secret, _ = make_key(account)
    missing = Api(secret).get("jobs/nope")
    foreign, _ = make_key(make_account("Other"))
    Api(foreign).get("jobs/foreign")
    buffer.flush()

    page = client.get("/developer/keys").content.decode()

    assert "GET /api/sandbox/jobs/nope" in page
    assert missing.headers["X-Request-Id"] in page
    assert "/jobs/foreign" not in page


@pytest.mark.parametrize("path", ["/developer/keys", "/developer/start"])
def test_no_cache_keeps_the_portal(client: Client, account: Account, path: str) -> None:
    assert "no-store" in client.get(path).headers["Cache-Control"]


def test_all_scopes_are_the_forms_choice() -> None:
    assert sum(Scope) == ALL_SCOPES == 7
