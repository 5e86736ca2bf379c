"""A real browser for the `proof` tests: Chromium on the pages of a live server, with everything it complains about.

A test takes the fixture `open_browser` and opens as many windows as it needs, each a person of their own:

    @pytest.mark.proof
    def test_support_pauses_a_case(open_browser: OpenBrowser, sam: User) -> None:
        window = open_browser(sam, width=390, scheme="dark")
        window.go("/admin/")
        window.click("Pause")
        assert window.barriers() == []

At the end of the test every window must be free of errors in the console, of violations of the content security policy,
of requests to other machines and of answers with status 500 and above.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

CANDIDATES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a click waits for what it is to press, in milliseconds; a busy machine is slow to draw a page.
PATIENCE = 10_000
# WCAG 2.0 to 2.2, levels A and AA: https://www.w3.org/TR/WCAG22/
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

ROLES: tuple[Literal["link"], Literal["button"]] = ("link", "button")

type Scheme = Literal["light", "dark"]


@dataclass
class Window:
    """One window of one person. `clicks` counts what the person pressed, `complaints` what the browser minded."""

    page: Page
    base: str
    clicks: int = 0
    complaints: list[str] = field(default_factory=list)
    _pages: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("request", self._watch_request)
        self.page.on("response", self._watch_response)

    def go(self, path: str) -> Page:
        """Opens a page of the live server, as a link in a mail or a bookmark does; no click is counted."""
        self.page.goto(self.base + path)
        return self.page

    def click(self, name: str) -> Page:
        """Presses the first link or button with this name, and waits for what follows."""
        link, button = (self.page.get_by_role(role, name=name, exact=True) for role in ROLES)
        link.or_(button).first.click(timeout=PATIENCE)
        self.clicks += 1
        self.page.wait_for_load_state()
        return self.page

    def submit(self, label: str, text: str) -> Page:
        """Types into the field with this label and presses Enter, which counts as a click."""
        place = self.page.get_by_label(label, exact=True)
        place.fill(text)
        place.press("Enter")
        self.clicks += 1
        self.page.wait_for_load_state()
        return self.page

    @property
    def text(self) -> str:
        """What a person can read on the page."""
        return self.page.locator("body").inner_text()

    def barriers(self, *, known: tuple[str, ...] = ()) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA, one line a fault and element; `known` are rule ids to leave out."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  # half a megabyte, read where it is used

        results = Axe().run(self.page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
        return [
            f"{fault['id']} ({fault['impact']}): {' '.join(node['target'])}"
            for fault in results.response["violations"]
            if fault["id"] not in known
            for node in fault["nodes"]
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that answers 403 or 404 is what a test may be about; a picture or a script that does is a fault.
        if message.text.startswith("Failed to load resource") and message.location["url"] in self._pages:
            return
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type} on {self.page.url}: {message.text}")

    def _watch_request(self, request: Request) -> None:
        if request.is_navigation_request():
            self._pages.add(request.url)
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.complaints.append(f"request to another machine: {request.url}")

    def _watch_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"status {response.status}: {response.url}")


class OpenBrowser(Protocol):
    def __call__(
        self, user: Any = None, *, width: int = 1280, height: int = 900, scheme: Scheme = "light", script: bool = True
    ) -> Window: ...


def chromium_path() -> str:
    """Where Chromium is: named by CHROMIUM, else on the PATH. Its absence fails the test, and never skips it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CANDIDATES)), "")
    if not found:
        pytest.fail("The browser tests need Chromium: install your system's package, or name its path in CHROMIUM.")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, and Django refuses its database to a thread that has one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_browser(chromium: Browser, live_server: Any, settings: Any) -> Iterator[OpenBrowser]:
    """Opens windows on the live server, signed in as the given user; what they complain about fails the test."""
    settings.SITE_URL = live_server.url
    windows: list[Window] = []

    def open_window(
        user: Any = None, *, width: int = 1280, height: int = 900, scheme: Scheme = "light", script: bool = True
    ) -> Window:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
            locale="en-GB",
            timezone_id="Europe/London",
        )
        if user:
            context.add_cookies([_session_of(user, live_server.url)])
        windows.append(Window(context.new_page(), live_server.url))
        return windows[-1]

    yield open_window
    for window in windows:
        window.page.context.close()
    complaints = [complaint for window in windows for complaint in window.complaints]
    assert not complaints, "\n".join(complaints)


def _session_of(user: Any, url: str) -> Any:
    client = Client()
    client.force_login(user)
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }
