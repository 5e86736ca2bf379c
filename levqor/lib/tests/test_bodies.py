"""A body whose length nobody announced reaches its view whole, or is refused as too long."""

from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from pytest_django import Settings

from levqor.lib.bodies import WithLengths

STRIPE = "/api/webhooks/stripe"


@pytest.fixture(autouse=True)
def _small_limits(settings: Settings) -> None:
    settings.MAX_WEBHOOK_BYTES = 100
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200


def request_of(body: BytesIO, path: str = STRIPE, method: str = "POST", **environ: Any) -> WSGIRequest:
    """The request that Django sees behind ours."""
    seen: list[WSGIRequest] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(WSGIRequest(environ))
        return []

    given = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": body, "wsgi.input_terminated": True}
    WithLengths(application)(given | environ, None)
    return seen[0]


def test_it_is_read_whole_and_measured() -> None:
    request = request_of(BytesIO(b"x" * 100))

    assert request.META["CONTENT_LENGTH"] == "100"
    assert request.body == b"x" * 100


def test_no_body_is_none() -> None:
    assert request_of(BytesIO()).body == b""


@pytest.mark.parametrize(("path", "limit"), [(STRIPE, 100), ("/api/disputes", 200)])
def test_too_long_a_one_is_read_no_further_than_its_limit(path: str, limit: int) -> None:
    body = BytesIO(b"x" * 1000)

    request = request_of(body, path)

    assert body.tell() == limit + 1
    assert request.META["CONTENT_LENGTH"] == str(limit + 1)
    with pytest.raises(RequestDataTooBig):
        request.read()


def test_an_announced_length_is_left_to_django() -> None:
    body = BytesIO(b"x" * 50)

    request = request_of(body, CONTENT_LENGTH="20")

    assert body.tell() == 0
    assert request.body == b"x" * 20


@pytest.mark.parametrize("environ", [{"wsgi.input_terminated": False}, {"REQUEST_METHOD": "GET"}])
def test_nothing_is_read_where_it_might_wait_for_ever(environ: dict[str, Any]) -> None:
    body = BytesIO(b"x" * 50)

    request_of(body, **environ)

    assert body.tell() == 0
