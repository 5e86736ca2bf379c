import pytest
from django.test import Client
from pytest_django import Settings

from levqor.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("host", ["localhost", "unknown.example", "10.0.0.1:99"])
def test_health_answers_any_host_without_a_cookie(client: Client, host: str) -> None:
    answer = client.get("/health", headers={"Host": host})

    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert not answer.cookies


def test_health_answers_head(client: Client) -> None:
    assert client.head("/health").status_code == 200


@pytest.mark.parametrize(
    "incoming", ["7", "req-1", "abc-12345678", "x" * 128, "aGVsbG8+/w==", "Root=1-5759e988-bd862e3fe1be46a994272793"]
)
def test_a_sane_request_id_is_kept(client: Client, incoming: str) -> None:
    assert client.get("/", headers={"X-Request-Id": incoming}).headers["X-Request-Id"] == incoming


@pytest.mark.parametrize("incoming", ["x" * 129, "bad id with spaces", "line\nbreak-and-more", "<b>", "é"])
def test_an_odd_request_id_is_replaced(client: Client, incoming: str) -> None:
    assert client.get("/", headers={"X-Request-Id": incoming}).headers["X-Request-Id"] != incoming


@pytest.mark.parametrize("path", ["/api/nothing", "/public/nothing", "/api/webhooks/stripe/"])
def test_an_unknown_path_of_the_api_is_a_problem(client: Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    body = answer.json()
    assert (body["code"], body["status"], body["instance"]) == ("not_found", 404, path)
    assert body["request_id"] == answer.headers["X-Request-Id"]


def test_a_bad_host_under_the_api_is_a_problem(client: Client) -> None:
    answer = client.get("/api/nothing", headers={"Host": "evil.example"})

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Host header" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "methods"), [("/api/webhooks/stripe", "POST, OPTIONS"), ("/health", "GET, HEAD, OPTIONS")]
)
def test_options_names_the_methods_and_has_no_content(client: Client, path: str, methods: str) -> None:
    answer = client.options(path)

    assert (answer.status_code, answer.headers["Allow"]) == (204, methods)
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("path", ["/health", "/public/openapi.json"])
def test_what_can_only_be_read_names_how(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_the_root_of_the_api_is_an_unknown_path(client: Client, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)("/api/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.get("/api").status_code == 404


def test_an_unknown_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")

    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (404, "text/html")


def test_the_admin_is_found_without_its_slash(client: Client) -> None:
    answer = client.get("/admin")

    assert (answer.status_code, answer.headers["Location"]) == (301, "/admin/")


@pytest.mark.parametrize("path", ["/admin/billing/paymentfailure/1/pause/", "/admin/nothing", "/admin/nothing/"])
def test_what_a_page_of_the_admin_does_not_find_is_not_found(admin_client: Client, path: str) -> None:
    assert admin_client.get(path).status_code == 404


@pytest.mark.parametrize("is_debug", [True, False])
def test_an_unknown_page_of_the_admin_is_not_found_for_customers_too(
    client: Client, settings: Settings, is_debug: bool
) -> None:
    settings.DEBUG = is_debug
    client.force_login(User.objects.create_user("ada@example.com", "x"))

    assert client.get("/admin/nothing/").status_code == 404
    assert client.get("/admin/nothing", follow=True).status_code == 404


def test_a_stranger_is_not_told_which_pages_the_admin_has(client: Client) -> None:
    known, unknown = (client.get(f"/admin/{page}/") for page in ("accounts/account", "nothing"))

    assert (known.status_code, unknown.status_code) == (302, 302)


def test_pages_allow_no_foreign_script(client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
