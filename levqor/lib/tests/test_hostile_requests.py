"""Whatever is sent: an answer that says what is wrong, never a crash, and a problem wherever a program asked."""

from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.test import Client, override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from pytest_django import Settings

from levqor.accounts.models import User
from levqor.guard.limits import Limit, LimitReachedError

pytestmark = pytest.mark.django_db

STRANGE_PATHS = [
    "/%", "/%zz", "/%ff", "/%c3%28", "/%00", "/%ED%A0%80", "/" + "a" * 7000, "/billing/pay/%00", "/billing/pay/%ff%fe",
    "/static/%00", "/static/..%2f..%2fmanage.py", "/?q=%00", "/?%ff=%fe", "/accounts/login/?next=%00",
    "/accounts/login/?" + "&".join(f"a{n}=1" for n in range(1500)), "/admin/%00", "/legal/%00/v/1", "/legal/x/v/" + "9" * 40,
    "/status/incidents/%00", "/status/incidents/" + "9" * 40,
]  # fmt: skip


@pytest.mark.parametrize("path", STRANGE_PATHS)
def test_a_strange_address_is_answered(client: Client, path: str) -> None:
    assert client.get(path).status_code in {200, 302, 400, 404}


@pytest.mark.parametrize(
    "path", ["/api/%00", "/public/%ff", "/api/webhooks/stripe?a=%00", "/api/v2/%00.json", "/api/" + "x" * 5000]
)
def test_a_strange_address_under_the_api_is_a_problem(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code in {400, 404, 405}
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/%00", "/api/nope?x=%00"])
def test_with_debug_on_a_refusal_under_the_api_is_a_problem_as_well(
    client: Client, settings: Settings, path: str
) -> None:
    settings.DEBUG = True

    assert client.get(path).headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/webhooks/stripe", "/api/nope"])
def test_a_foreign_host_is_refused_by_a_problem_under_the_api(client: Client, settings: Settings, path: str) -> None:
    settings.DEBUG = True

    answer = client.post(path, headers={"Host": "evil.example"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "standing=%00",
        "account__plan__id__exact=%00",
        "o=%00",
        "p=%00",
        "e=1",
        "p=999999",
        "pk__in=99999999999999999999",
        "case__submitted_at__year=99999999999999999999",
        "case__submitted_at__year=0",
        "o=a.b",
        "due=x",
        "_facets=%ff",
    ],
)
@pytest.mark.parametrize(
    "page", ["billing/paymentfailure", "accounts/account", "mail/outgoingmail", "audit/auditentry", "claims/claim"]
)
def test_strange_filters_of_the_admin_are_answered(client: Client, page: str, query: str) -> None:
    client.force_login(User.objects.create_superuser("ada@example.com", "x"))

    answer = client.get(f"/admin/{page}/?{query}", follow=True)

    assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize("cookie", ['"\\000"', "%00", "\xff\xfe", "z" * 300, "=;;;=", '"'])
@pytest.mark.parametrize("name", ["session", "csrf", "messages"])
def test_a_strange_cookie_is_a_strangers(client: Client, name: str, cookie: str) -> None:
    answer = client.get("/accounts/login/", HTTP_COOKIE=f"{name}={cookie}")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"login=%00&password=%ff"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"login=a"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"login=a"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nbad"),
        ("multipart/form-data; boundary=\xff", b"--x"),
        ("application/json", b"{"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(2000))),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 3_000_000),
    ],
)
@pytest.mark.parametrize(
    "page", ["/accounts/login/", "/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/"]
)
def test_a_strange_body_is_answered(client: Client, page: str, content_type: str, body: bytes) -> None:
    answer = client.generic("POST", page, body, content_type=content_type)

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("length", ["-1", "abc", ""])
def test_a_strange_length_is_answered(client: Client, length: str) -> None:
    assert client.post("/accounts/login/", {"login": "a"}, CONTENT_LENGTH=length).status_code in {200, 400}


# What every operation under the API gets without doing anything for it


@require_GET
def only_get(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"method": request.method}, headers={"Allow": "GET"})


@csrf_exempt
def broken(request: HttpRequest) -> HttpResponse:
    errors: dict[str | None, Exception] = {
        "large": RequestDataTooBig(),
        "cut": UnreadablePostError(),
        "full": LimitReachedError(Limit("test", 3), 120),
    }
    raise errors.get(request.GET.get("how"), ZeroDivisionError())


urlpatterns = [path("api/only-get", only_get), path("api/broken", broken)]
handler400 = "levqor.site.errors.bad_request"
handler404 = "levqor.site.errors.not_found"
handler500 = "levqor.site.errors.server_error"


@pytest.fixture
def api(client: Client) -> Any:
    client.raise_request_exception = False
    with override_settings(ROOT_URLCONF=__name__):
        yield client


def test_head_works_where_get_does(api: Client) -> None:
    answer = api.head("/api/only-get")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(api.get("/api/only-get").content))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_another_method_is_a_problem_that_names_the_right_ones(api: Client, method: str) -> None:
    answer = getattr(api, method)("/api/only-get")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_options_names_the_methods(api: Client) -> None:
    answer = api.options("/api/only-get")

    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")


def test_options_of_an_unknown_path_is_not_found(api: Client) -> None:
    assert api.options("/api/nothing").json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("large", 413, "payload_too_large"),
        ("cut", 400, "bad_request"),
        ("full", 429, "rate_limited"),
        ("", 500, "internal_error"),
    ],
)
def test_what_an_operation_raises_is_a_problem(api: Client, how: str, status: int, code: str) -> None:
    answer = api.post(f"/api/broken?how={how}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "ZeroDivision" not in answer.content.decode()


def test_a_full_limit_says_when_to_come_back(api: Client) -> None:
    assert api.post("/api/broken?how=full").headers["Retry-After"] == "120"


def test_a_redirect_to_https_has_a_request_id_and_liveness_is_not_redirected(client: Client) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        redirect, health = client.get("/"), client.get("/health")

    assert (redirect.status_code, health.status_code) == (301, 200)
    assert redirect.headers["X-Request-Id"]
    assert "X-Request-Id" not in health.headers
