"""Error pages, drawn without a database: a test without the mark fails where one is asked."""

import json
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django import Settings

from levqor.site import errors
from testing.html import Document

type View = Callable[[HttpRequest], HttpResponse]


def page(answer: HttpResponseBase) -> Document:
    assert isinstance(answer, HttpResponse)
    return Document(answer.content.decode())


@pytest.fixture
def request_with_id(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/somewhere")
    request.request_id = "abc-12345678"  # type: ignore[attr-defined]  # as the middleware sets it
    return request


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (errors.bad_request, 400),
        (errors.forbidden, 403),
        (errors.csrf_failure, 403),
        (errors.not_found, 404),
        (errors.too_many_requests, 429),
        (errors.server_error, 500),
    ],
)
def test_an_error_page_says_what_to_do_and_names_the_request(
    request_with_id: HttpRequest, view: View, status: int
) -> None:
    answer = view(request_with_id)

    assert answer.status_code == status
    assert page(answer).one("code").text == "abc-12345678"
    assert page(answer).one("meta", name="robots").get("content") == "noindex"
    assert len(page(answer).all("h1")) == 1
    assert list(page(answer).inline_code()) == []
    assert "support@levqor.ai" in answer.content.decode()


def test_an_unknown_address_offers_the_pages_that_exist(client: Client) -> None:
    answer = client.get("/nothing-here")

    assert answer.status_code == 404
    assert "/" in [link.get("href") for link in page(answer).all("a")]


def test_a_developer_sees_the_same_page(client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    assert page(client.get("/nothing-here")).one("h1").text == "There is no page at this address"


@pytest.mark.django_db
def test_a_developer_sees_the_same_page_where_a_view_finds_nothing(client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    assert page(client.get("/status/incidents/nothing")).one("h1").text == "There is no page at this address"


def test_an_unknown_host_gets_a_page(client: Client) -> None:
    answer = client.get("/", headers={"Host": "evil.example"})

    assert (answer.status_code, page(answer).one("h1").text) == (400, "This request could not be understood")


def test_a_form_without_its_token_has_expired() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "someone@example.com"})

    assert (answer.status_code, page(answer).one("h1").text) == (403, "This form has expired")


def test_an_error_page_does_not_repeat_what_was_asked_for(client: Client) -> None:
    assert "<script>alert" not in client.get("/<script>alert(1)</script>").content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "a few minutes"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3601, "2 hours")],
)
def test_too_many_requests_says_how_long_to_wait(rf: RequestFactory, seconds: int, words: str) -> None:
    answer = errors.too_many_requests(rf.get("/"), retry_after_seconds=seconds)

    assert f"Wait {words} and try again" in answer.content.decode()
    assert answer.headers.get("Retry-After", "0") == str(seconds)


@pytest.mark.parametrize("view", [errors.forbidden, errors.too_many_requests, errors.server_error])
def test_a_program_gets_a_problem_instead(rf: RequestFactory, view: View) -> None:
    assert view(rf.get("/api/anything")).headers["Content-Type"] == "application/problem+json"


def test_refused_means_forbidden(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> dict[str, object]:
        raise PermissionDenied

    monkeypatch.setattr("levqor.site.navigation.home", refuse)

    assert page(client.get("/")).one("h1").text == "You may not open this page"


def test_the_last_page_there_is_needs_no_template(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> str:
        raise ValueError

    monkeypatch.setattr(errors, "render_to_string", fail)

    answer = errors.server_error(rf.get("/"))

    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert "Something went wrong on our side" in answer.content.decode()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_not_our_fault_for_long(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*args: object, **kwargs: object) -> dict[str, object]:
        raise error("could not connect to server")

    client.raise_request_exception = False
    monkeypatch.setattr("levqor.site.navigation.home", fail)

    answer = client.get("/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert page(answer).one("h1").text == "We cannot reach our records right now"
    assert "/status" in [link.get("href") for link in page(answer).all("a")]
    assert "could not connect" not in answer.content.decode()


def test_a_program_hears_that_the_database_does_not_answer(rf: RequestFactory) -> None:
    try:
        raise OperationalError
    except OperationalError:
        answer = errors.server_error(rf.get("/api/anything"))

    assert (answer.status_code, json.loads(answer.content)["code"]) == (503, "unavailable")
