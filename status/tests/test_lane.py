"""The short way past the middleware: the same answers as the usual way gives, header for header."""

from datetime import datetime
from itertools import product

import pytest
from django.http import HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django import Settings

from status import watcher
from status.lane import MOST_HOSTS, StatusLaneMiddleware
from status.memory import memory
from status.publishing import publish
from status.views import RESOURCES, takes_gzip

pytestmark = pytest.mark.django_db
LANE = "status.lane.StatusLaneMiddleware"


@pytest.fixture(params=["http", "https"])
def both(request: pytest.FixtureRequest, settings: Settings) -> tuple[Client, Client]:
    """A client that is answered by the lane, and one that goes the usual way; as on a laptop, and behind https."""
    is_https = request.param == "https"
    settings.SECURE_SSL_REDIRECT = is_https
    settings.SECURE_HSTS_SECONDS = 31_536_000 if is_https else 0
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if is_https else None
    publish(at=datetime.now().astimezone())
    watcher.Watcher(memory).look()
    sent = {"X-Forwarded-Proto": request.param}
    quick = Client(headers=sent)
    quick.get("/status")  # which makes its chain of middleware
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != LANE]
    return quick, Client(headers=sent)


def seen(answer: HttpResponseBase) -> dict[str, str]:
    # Each request has an id of its own, and the length of a 304's empty body, which the usual way tells, says nothing.
    ignored = {"X-Request-Id"} | ({"Content-Length"} if answer.status_code == 304 else set())
    return {name: value for name, value in answer.headers.items() if name not in ignored}


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}])
def test_it_answers_as_the_usual_way_does(both: tuple[Client, Client], headers: dict[str, str]) -> None:
    for method, path in product(("GET", "HEAD"), RESOURCES):
        quick, usual = (client.generic(method, path, headers=headers) for client in both)

        assert (path, quick.status_code, quick.content) == (path, usual.status_code, usual.content)
        assert (path, seen(quick)) == (path, seen(usual))
        assert {"X-Request-Id", "Content-Security-Policy", "X-Frame-Options"} <= set(quick.headers)


def test_both_ways_are_two(both: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("status.lane.respond", lambda *args: HttpResponse(status=299))

    assert [client.get("/status").status_code for client in both] == [299, 200]


@pytest.mark.parametrize("host", ["evil.example", "localhost:80:80", "a b", ""])
def test_a_foreign_host_is_refused_on_both_ways(both: tuple[Client, Client], host: str) -> None:
    answers = [client.get("/status", headers={"Host": host}) for client in both]

    assert {answer.status_code for answer in answers} == {400}


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE", "BREW"])
def test_other_methods_go_the_usual_way(both: tuple[Client, Client], method: str) -> None:
    quick, usual = (client.generic(method, "/api/v2/summary.json") for client in both)

    assert (quick.status_code, seen(quick)) == (usual.status_code, seen(usual))


def test_plain_requests_are_redirected_where_the_site_is_https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    answer = Client().get("/status")

    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/status")


def test_a_sane_request_id_is_kept_and_another_is_not(client: Client) -> None:
    kept, new = (client.get("/status", headers={"X-Request-Id": name}) for name in ("sane-id-123", "a b\r\nX: y"))

    assert kept["X-Request-Id"] == "sane-id-123"
    assert len(new["X-Request-Id"]) == 36


def test_hosts_that_were_judged_are_not_collected_without_end() -> None:
    lane = StatusLaneMiddleware(lambda request: HttpResponse(status=404))
    ask = RequestFactory()

    for port in range(1000, 1100):
        request = ask.get("/status", headers={"Host": f"localhost:{port}"})
        assert lane(request).status_code == 200

    assert len(lane._hosts) == MOST_HOSTS


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, gzip", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=nonsense", False),
        ("notgzip", False),
    ],
)
def test_it_compresses_where_the_client_takes_that(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) == takes


def test_each_form_has_a_validator_of_its_own(client: Client) -> None:
    plain, zipped = client.get("/status"), client.get("/status", headers={"Accept-Encoding": "gzip"})

    crossed = client.get("/status", headers={"Accept-Encoding": "gzip", "If-None-Match": plain["ETag"]})
    held = client.get("/status", headers={"Accept-Encoding": "gzip", "If-None-Match": f'"x", W/{zipped["ETag"]}'})

    assert plain["ETag"] != zipped["ETag"]
    assert (crossed.status_code, held.status_code) == (200, 304)
    assert held["ETag"] == zipped["ETag"]
