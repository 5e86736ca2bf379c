import pytest

from billing.tests.conftest import scene
from legal.models import DocumentVersion
from levqor.lib.testing.browser import OpenBrowser
from levqor.site.tests.make import make_contents

__all__ = ["open_site", "scene"]


@pytest.fixture
def open_site(open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch) -> OpenBrowser:
    """Windows on a site with prices and documents, whose PDFs nobody opens here: making them takes seconds."""

    def stand_in(version: DocumentVersion) -> bytes:
        return f"%PDF of {version} {version.sha256}".encode()

    monkeypatch.setattr("legal.pdf.of_version", stand_in)
    make_contents()
    return open_browser
