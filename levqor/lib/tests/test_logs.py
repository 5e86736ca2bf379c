"""What the log says, and what it never says."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client
from django.urls import URLResolver, get_resolver

from levqor.lib.logs import log_settings, masked


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """The log in its production form, written where a test can read it."""
    written = io.StringIO()
    chosen = log_settings("json")
    chosen["handlers"]["stderr"]["stream"] = written
    logging.config.dictConfig(chosen)
    yield written
    logging.config.dictConfig(settings.LOGGING)


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_the_id_of_the_request(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc-12345678"):
        structlog.get_logger("levqor.test").info("mail_sent", mail="M1")
        logging.getLogger("levqor.test").warning("plain")

    own, foreign = read(lines)
    assert (own["event"], own["mail"], own["level"], own["request_id"]) == ("mail_sent", "M1", "info", "abc-12345678")
    assert (foreign["event"], foreign["level"], foreign["request_id"]) == ("plain", "warning", "abc-12345678")
    assert own["timestamp"].endswith("Z")


def test_a_crash_is_one_line_with_its_traceback_and_no_local_variable(lines: io.StringIO) -> None:
    password = "geheim"
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger("levqor.test").exception("crashed")

    (line,) = read(lines)
    assert "ValueError: 6" in line["exception"]
    assert "geheim" not in json.dumps(line).replace('password = "geheim"', "")


def test_a_line_of_django_is_written_once(lines: io.StringIO) -> None:
    logging.getLogger("django.request").warning("Not Found: %s", "/nothing")

    (line,) = read(lines)
    assert line["event"] == "Not Found: /nothing"
    assert logging.getLogger("django").handlers == []


@pytest.mark.django_db
def test_a_request_is_one_line_with_its_id_and_without_its_query(client: Client, lines: io.StringIO) -> None:
    answer = client.get("/accounts/login/?next=/secret-query", headers={"X-Forwarded-For": "198.51.100.66"})

    line = next(line for line in read(lines) if line["event"] == "request_finished")
    assert (line["request"], line["code"]) == ("GET /accounts/login/", 200)
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["ip"] == "127.0.0.1"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/billing/pay/12.c2VjcmV0LXRva2Vu", "/sla-credits/track/c2VjcmV0LXRva2Vu"])
def test_no_line_holds_the_token_of_a_link(client: Client, lines: io.StringIO, path: str) -> None:
    client.get(path)

    assert "c2VjcmV0" not in lines.getvalue()
    assert "…" in next(line["request"] for line in read(lines) if line["event"] == "request_finished")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /billing/pay/12.abcDEF_-x?a=1", "GET /billing/pay/…?a=1"),
        ("Not Found: /disputes/track/abc", "Not Found: /disputes/track/…"),
        ("key lvq_test_0123456789abcdefABCDEF0123456789abcdef is revoked", "key lvq_test_… is revoked"),
        ("sk_live_51HabcdEFGHijkl", "sk_live_…"),
        ("nothing to hide at /billing", "nothing to hide at /billing"),
    ],
)
def test_tokens_and_keys_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def paths_with_a_token(patterns: list[Any], before: str = "/") -> Iterator[str]:
    for pattern in patterns:
        path = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from paths_with_a_token(pattern.url_patterns, path)
        elif "<str:token>" in path:
            yield path


def test_every_address_with_a_token_is_masked() -> None:
    paths = list(paths_with_a_token(get_resolver().url_patterns))

    assert len(paths) > 8
    for path in paths:
        assert "c2VjcmV0" not in masked(path.replace("<str:token>", "12.c2VjcmV0")), path


def test_the_console_shows_no_local_variables_either() -> None:
    renderer: Any = log_settings("console")["formatters"]["line"]["processors"][-1]

    assert renderer._exception_formatter is structlog.dev.plain_traceback
