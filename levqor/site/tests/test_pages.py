"""What holds for every public page, whichever room it belongs to: a new page joins by being in `navigation.PUBLIC`."""

import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from legal.models import DfyPackage
from levqor.site.tests.make import ENTRANCE, PAGES
from testing.html import Document

pytestmark = pytest.mark.django_db

BYTES_OVER_THE_WIRE = 60_000
CONTRACTS = ["/legal/terms/v/1", "/legal/terms/diff/1/1", "/legal/verify", "/legal/nothing"]


def read(client: Client, url: str) -> Document:
    return Document(client.get(url).content.decode())


@pytest.mark.parametrize("url", PAGES + ENTRANCE)
def test_it_answers_get_and_head(client: Client, url: str) -> None:
    page, head = client.get(url), client.head(url)

    assert (page.status_code, head.status_code) == (200, 200)
    assert not head.content


@pytest.mark.parametrize("url", PAGES)
def test_it_has_no_trailing_slash(client: Client, url: str) -> None:
    if url != "/":
        assert client.get(url + "/").headers["Location"] == url


@pytest.mark.parametrize("url", PAGES + ENTRANCE)
def test_its_headings_are_in_order_below_one_title(client: Client, url: str) -> None:
    levels = [int(heading.tag[1]) for heading in read(client, url).all("h1", "h2", "h3", "h4", "h5", "h6")]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("url", PAGES + ENTRANCE)
def test_it_holds_no_inline_script_or_style(client: Client, url: str) -> None:
    assert list(read(client, url).inline_code()) == []


@pytest.mark.parametrize("url", PAGES + ENTRANCE)
def test_it_asks_nobody_else_for_anything(client: Client, url: str) -> None:
    page = read(client, url)

    asked = [element.get("src") or element.get("href") for element in page.all("script", "img", "iframe", "source")]
    asked += [link.get("href") for link in page.all("link") if link.get("rel") != "canonical"]
    assert [address for address in asked if urlsplit(address).netloc] == []


@pytest.mark.parametrize("url", PAGES + ENTRANCE)
def test_it_describes_itself(client: Client, url: str) -> None:
    page = read(client, url)

    assert page.title.endswith("– Levqor") or url == "/"
    assert 50 <= len(page.one("meta", name="description").get("content")) <= 170
    assert page.one("meta", property="og:title").get("content") in page.title


@pytest.mark.parametrize("url", PAGES)
def test_it_names_its_one_address(client: Client, url: str) -> None:
    page = read(client, f"{url}?from=somewhere")

    assert page.one("link", rel="canonical").get("href") == f"{settings.SITE_URL}{url}"


@pytest.mark.parametrize("url", ENTRANCE)
def test_a_form_to_sign_in_is_for_no_search_engine(client: Client, url: str) -> None:
    assert "noindex" in read(client, url).one("meta", name="robots").get("content")


def test_no_two_pages_share_a_title_or_a_description(client: Client) -> None:
    pages = [read(client, url) for url in PAGES]

    titles = Counter(page.title for page in pages)
    descriptions = Counter(page.one("meta", name="description").get("content") for page in pages)
    assert max(titles.values()) == max(descriptions.values()) == 1


@pytest.mark.parametrize("url", PAGES + ENTRANCE + CONTRACTS)
def test_it_is_light(client: Client, url: str) -> None:
    page = client.get(url, headers={"Accept-Encoding": "gzip"})
    assets = {element.get("href") for element in read(client, url).all("link") if element.get("rel") == "stylesheet"}
    assets |= {element.get("src") for element in read(client, url).all("script", "img") if element.get("src")}

    # The page as it is sent, compressed or not; the files as WhiteNoise keeps them.
    sizes = [len(page.content)]
    sizes += [len(gzip.compress(static_file(asset))) for asset in assets if asset.startswith("/static/")]

    assert sum(sizes) <= BYTES_OVER_THE_WIRE


@pytest.mark.parametrize("url", PAGES)
def test_it_travels_compressed_where_the_browser_takes_that(client: Client, url: str) -> None:
    page = client.get(url, headers={"Accept-Encoding": "gzip"})

    assert page.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["Vary"]


def static_file(address: str) -> bytes:
    found = finders.find(address.removeprefix("/static/"))
    assert found is not None
    return Path(str(found)).read_bytes()


def test_the_home_page_asks_for_the_packages_alone(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        page = read(client, "/")

    prices = [price.text for price in page.all("p") if price.get("class") == "price"]
    assert prices == [package.price for package in DfyPackage.objects.on_sale()]


def test_the_home_page_stands_while_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(packages: object) -> None:
        raise OperationalError

    monkeypatch.setattr(type(DfyPackage.objects.all()), "on_sale", away)

    page = read(client, "/")

    assert "The prices are not to be had at this moment" in page.one("main").text
    assert {"/status", "/sla-credits", "/disputes", "/developer", "/account"} <= {
        link.get("href") for link in page.all("a")
    }
