"""Every address of the site behaves alike: its slash form moves there, and OPTIONS says what it takes."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

pytestmark = pytest.mark.django_db
# What others made keeps its own endings; below /api/ and /public/ a slash is an unknown address.
NOT_OURS = ("admin/", "accounts/", "anymail/", "api/", "public/")
POSTED = "/try-card"
EXAMPLES = {
    "slug:slug": "terms", "number:number": "1", "number:older": "1", "number:newer": "1", "int:pk": "1", "str:kind": "pdf",
    "str:code": "not_found", "str:token": "x", "str:public_id": "x",
}  # fmt: skip


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Each address of ours, with something in place of what varies."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        # What a regular expression catches is whatever nothing else answers.
        if route.startswith(NOT_OURS) or isinstance(pattern.pattern, RegexPattern):
            continue
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
            continue
        for varying, example in EXAMPLES.items():
            route = route.replace(f"<{varying}>", example)
        yield f"/{route}"


ADDRESSES = sorted(set(addresses(get_resolver().url_patterns)))


def test_nothing_that_varies_was_overlooked() -> None:
    assert {"/", "/pricing", "/developer/docs/errors/not_found", "/legal/terms/diff/1/1"} <= set(ADDRESSES)
    assert [address for address in ADDRESSES if "<" in address] == []


@pytest.mark.parametrize("address", [address for address in ADDRESSES if address != "/"])
def test_the_slash_form_moves_there_for_good(client: Client, address: str) -> None:
    answer = client.get(f"{address}/?a=1")

    assert (answer.status_code, answer.headers.get("Location")) == (301, f"{address}?a=1")


@pytest.mark.parametrize("address", ADDRESSES)
def test_options_says_what_it_takes(client: Client, address: str) -> None:
    answer = client.options(address)
    allowed = answer.headers["Allow"].split(", ")

    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in allowed
    # One address of ours takes a form and shows nothing.
    assert ("GET" in allowed, "HEAD" in allowed) == (POSTED not in address, POSTED not in address)


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_method_is_told_what_it_takes(client: Client, address: str) -> None:
    answer = client.generic("BREW", address)

    assert (answer.status_code, answer.headers["Allow"]) == (405, client.options(address).headers["Allow"])


def test_sign_in_says_what_it_takes(client: Client) -> None:
    answer = client.options("/accounts/login/")

    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, POST, PUT, HEAD, OPTIONS")


def test_options_of_a_file_says_so_too(client: Client) -> None:
    assert client.options("/favicon.ico").status_code == 204


def test_options_of_nothing_is_not_found(client: Client) -> None:
    assert client.options("/nothing").status_code == 404
