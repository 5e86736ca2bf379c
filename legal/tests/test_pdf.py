"""The PDF: the same bytes each time, its hash and page numbers on every page."""

import os
import re
import subprocess
import sys
import zlib

import pytest
import time_machine
from django.conf import settings

from legal.acceptance import versions_of
from legal.blocks import blocks_of
from legal.models import DocumentVersion
from legal.pdf import Paper, of_version
from legal.receipts import as_pdf
from legal.tests.make import NOW, days, make_acceptance

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> DocumentVersion:
    return DocumentVersion.objects.get(document__slug="sla")


def pages(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


def test_it_is_the_same_whenever_it_is_made(version: DocumentVersion) -> None:
    with time_machine.travel(NOW):
        first = of_version(version)
    with time_machine.travel(NOW + days(400)):
        later = of_version(DocumentVersion.objects.get(pk=version.pk))

    assert first == later
    assert first.startswith(b"%PDF-")
    assert pages(first) > 2


def test_what_was_stored_at_publication_is_what_it_makes(version: DocumentVersion) -> None:
    assert bytes(version.pdf.content) == of_version(version)


def test_it_names_its_language_and_title(version: DocumentVersion) -> None:
    content = of_version(version)

    assert b"/Lang (en-GB)" in content
    assert "Service level agreement, version 1".encode("utf-16-be") in content or b"Service level agreement" in content


IN_A_PROCESS = """
import sys, django, time_machine
django.setup()
from datetime import datetime, UTC
from legal.models import DocumentVersion
from legal.pdf import Paper, of_version
day, published, sha256, title = sys.argv[1:]
version = DocumentVersion(title=title, number=1, sha256=sha256, html=sys.stdin.read())
version.published_at = datetime.fromisoformat(published)
with time_machine.travel(datetime.fromisoformat(day).replace(tzinfo=UTC)):
    sys.stdout.buffer.write(of_version(version))
"""


def made_in_a_process(version: DocumentVersion, *, day: str, **environment: str) -> bytes:
    assert version.published_at is not None
    said = [day, version.published_at.isoformat(), version.sha256, version.title]
    return subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, *said],
        input=version.html.encode(),
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "levqor.settings", "PYTHONUTF8": "1"} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        check=True,
    ).stdout


def test_it_is_the_same_in_another_process_in_another_place_on_another_day(version: DocumentVersion) -> None:
    here = made_in_a_process(version, day="2027-01-01", TZ="UTC", PYTHONHASHSEED="1")
    there = made_in_a_process(version, day="2031-07-15", TZ="Pacific/Auckland", PYTHONHASHSEED="2")

    assert here == there == bytes(version.pdf.content)


def test_another_text_makes_another_file(version: DocumentVersion) -> None:
    before = of_version(version)
    version.html = version.html.replace("target", "aim")

    assert of_version(version) != before


def test_every_word_reaches_the_page(version: DocumentVersion) -> None:
    """The streams hold glyphs of subset fonts: counting drawn pieces is what can be told without a PDF reader."""
    content = of_version(version)

    streams = [
        zlib.decompress(raw) for raw in re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL) if raw[:1] == b"x"
    ]
    drawn = sum(stream.count(b"Tj") + stream.count(b"TJ") for stream in streams)
    assert drawn >= len(blocks_of(version.html))


def test_a_receipt_is_the_same_each_time_and_another_for_another_order() -> None:
    first, other = make_acceptance(), make_acceptance(company="Another Ltd", full_name="Zoë <b>Ẑ</b> \U0001f984")

    paper = as_pdf(first, versions_of(first))
    assert paper == as_pdf(first, versions_of(first))
    assert paper.startswith(b"%PDF-")
    assert 1 <= pages(paper) <= 3
    assert as_pdf(other, versions_of(other)) != paper


def test_a_character_without_a_shape_leaves_a_box_and_never_a_gap() -> None:
    paper = Paper(title="x", footer="x", made_at=NOW)

    assert paper.shown("Łukasz Ζωή 王小 \x07") == "Łukasz Ζωή □□  "
    assert paper.unprintable("Jo Fern & Söhne “Ltd”") == set()
