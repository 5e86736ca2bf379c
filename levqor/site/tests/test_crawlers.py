"""The files that programs ask for."""

import contextlib
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from legal.models import DocumentVersion

FILES = ["/robots.txt", "/llms.txt", "/.well-known/security.txt"]
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


@pytest.mark.parametrize("url", FILES)
def test_it_answers_get_and_head_without_the_database(client: Client, url: str) -> None:
    page, head = client.get(url), client.head(url)

    assert (page.status_code, head.status_code) == (200, 200)
    assert head.headers["Content-Type"] == page.headers["Content-Type"]


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/favicon.ico", "/apple-touch-icon.png"])
def test_browsers_find_the_icon_they_ask_for_unasked(client: Client, url: str) -> None:
    with contextlib.closing(client.get(url)) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("image/")


def test_robots_keeps_private_pages_out_and_names_the_sitemap(client: Client, settings: Settings) -> None:
    settings.SITE_URL = "https://levqor.example"

    lines = client.get("/robots.txt").content.decode().splitlines()

    assert {"Disallow: /admin/", "Disallow: /billing/pay/", "Disallow: /accounts/"} <= set(lines)
    assert "Sitemap: https://levqor.example/sitemap.xml" in lines


@pytest.mark.django_db
def test_every_page_of_the_sitemap_exists_and_may_be_indexed(client: Client, settings: Settings) -> None:
    tree = ET.fromstring(client.get("/sitemap.xml").content)

    paths = [(loc.text or "").removeprefix(settings.SITE_URL) for loc in tree.findall("s:url/s:loc", SITEMAP)]
    assert {"/", "/pricing", "/terms", "/dfy-agreement"} <= set(paths)
    assert [path for path in paths if client.get(path).status_code != 200] == []
    assert [path for path in paths if b'content="noindex' in client.get(path).content] == []


@pytest.mark.django_db
def test_the_sitemap_dates_a_document_from_when_it_came_into_force(client: Client) -> None:
    version = DocumentVersion.objects.get(document__slug="terms")
    tree = ET.fromstring(client.get("/sitemap.xml").content)

    dates = {url.findtext("s:loc", "", SITEMAP): url.findtext("s:lastmod", "", SITEMAP) for url in tree}
    terms = next(day for address, day in dates.items() if address.endswith("/terms"))
    assert version.effective_at is not None
    assert terms == timezone.localdate(version.effective_at).isoformat()


@pytest.mark.django_db
def test_a_document_without_a_version_in_force_is_in_no_sitemap(client: Client) -> None:
    with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC), tick=False):
        body = client.get("/sitemap.xml").content.decode()

    assert "/pricing</loc>" in body
    assert "/terms" not in body


def test_security_txt_never_goes_stale(client: Client, settings: Settings) -> None:
    settings.SECURITY_EMAIL = "security@levqor.example"
    with time_machine.travel(datetime(2030, 5, 6, 7, 8, tzinfo=UTC), tick=False):
        text = client.get("/.well-known/security.txt").content.decode()

    expires = re.search(r"^Expires: (.+)$", text, re.MULTILINE)
    assert expires is not None
    assert datetime.fromisoformat(expires[1]) - datetime(2030, 5, 6, tzinfo=UTC) == timedelta(days=180)
    assert "Contact: mailto:security@levqor.example" in text


def test_llms_txt_is_markdown_with_whole_addresses(client: Client) -> None:
    text = client.get("/llms.txt").content.decode()

    assert text.startswith("# Levqor\n\n> ")
    assert all(address.startswith("http") for address in re.findall(r"\]\(([^)]+)\)", text))
