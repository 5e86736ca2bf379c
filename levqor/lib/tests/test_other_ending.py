"""Pages have no slash at their end, `/admin/` and sign-in have one: the other form moves there for good, once."""

import pytest
from django.test import Client

from levqor.accounts.models import User

pytestmark = pytest.mark.django_db


def follow(client: Client, path: str, limit: int = 5) -> list[tuple[int, str]]:
    """The (status, address) of each answer on the way, the last one included."""
    way = []
    for _ in range(limit):
        answer = client.get(path)
        way.append((answer.status_code, path))
        if answer.status_code not in {301, 302}:
            return way
        path = answer.headers["Location"]
    raise AssertionError(f"It goes on for ever: {way}")


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada@example.com", "x"))
    return client


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/robots.txt/", "/robots.txt"),
        ("/admin", "/admin/"),
        ("/accounts/login", "/accounts/login/"),
        ("/accounts/login?next=/admin/", "/accounts/login/?next=/admin/"),
        ("/billing/pay/a%3Fb%0D%0Ac/", "/billing/pay/a%3Fb%0D%0Ac"),
    ],
)
def test_the_other_ending_moves_for_good(client: Client, path: str, target: str) -> None:
    for method in (client.get, client.head):
        answer = method(path)
        assert (answer.status_code, answer.headers["Location"]) == (301, target)


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/nothing//", "/%2F%2Fevil.example/"])
def test_what_exists_with_no_ending_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/admin/nothing",
        "/admin/nothing/",
        "/admin/billing/nothing/",
        "/admin/billing/nothing/x",
        "/admin/x.php",
        "/admin/a/b/c/",
    ],
)
def test_an_unknown_address_of_the_admin_is_not_found_and_goes_nowhere(staff: Client, path: str) -> None:
    assert follow(staff, path) == [(404, path)]


@pytest.mark.parametrize("path", ["/admin/billing", "/admin/billing/paymentfailure", "/admin/accounts/account/add"])
def test_an_address_of_the_admin_without_its_slash_moves_once(staff: Client, path: str) -> None:
    assert follow(staff, path) == [(301, path), (200, f"{path}/")]


def test_a_missing_row_of_the_admin_is_not_found_in_the_end(staff: Client) -> None:
    way = follow(staff, "/admin/accounts/plan/99999")

    assert way[-1][0] == 404
    assert len(way) <= 4


def test_a_form_is_not_moved_since_its_fields_would_be_lost(client: Client) -> None:
    assert client.post("/accounts/login", {"login": "a"}).status_code == 404


@pytest.mark.parametrize("path", ["/api/webhooks/stripe/", "/api/status/health/", "/public/openapi.json/"])
def test_a_slash_under_the_api_is_not_found(client: Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
