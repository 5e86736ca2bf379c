import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("host", ["localhost", "unknown.example", "10.0.0.1:99"])
def test_health_answers_any_host_without_a_cookie(client: Client, host: str) -> None:
    answer = client.get("/health", headers={"Host": host})

    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert not answer.cookies


def test_health_answers_head(client: Client) -> None:
    assert client.head("/health").status_code == 200


def test_a_sane_request_id_is_kept(client: Client) -> None:
    assert client.get("/", headers={"X-Request-Id": "abc-12345678"}).headers["X-Request-Id"] == "abc-12345678"


@pytest.mark.parametrize("incoming", ["short", "x" * 200, "bad id with spaces", "line\nbreak-and-more"])
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


def test_options_under_the_api_names_the_methods(client: Client) -> None:
    answer = client.options("/api/webhooks/stripe")

    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")


def test_an_unknown_page_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")

    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (404, "text/html")


def test_the_admin_is_found_without_its_slash(client: Client) -> None:
    answer = client.get("/admin")

    assert (answer.status_code, answer.headers["Location"]) == (301, "/admin/")


def test_pages_allow_no_foreign_script(client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_every_setting_of_the_environment_is_documented() -> None:
    read = set(re.findall(r'(?:env\.\w+|required|comma_list)\(\s*"([A-Z_]+)"', Path("levqor/settings.py").read_text()))
    documented = set(re.findall(r"^([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE))

    assert documented - {"HOST", "PORT", "WEB_CONCURRENCY"} == read
