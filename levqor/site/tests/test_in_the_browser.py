"""Every public page in a real browser: no barrier, light and dark, phone and desktop, and of use without script."""

import re

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page

from billing.models import PaymentFailure
from levqor.desk.demo_cases import make_cases
from levqor.site.tests.browsing import SCROLLS_SIDEWAYS, VIEWS, Printed, barriers, boxes
from levqor.site.tests.make import ACCOUNT, ENTRANCE, PAGES, make_customer, pay_path
from testing.browser import OpenBrowser, Scheme
from testing.soak import soak_all_but

pytestmark = pytest.mark.proof

UNKNOWN = ["/nothing-here", "/billing/pay/made-up"]
READ_ON_PAPER = "h1, h2, .company, main p, .clauses > li, td, .document-version"
NOT_PRINTED = [".site-menu", ".breadcrumbs", ".footer-columns", "button", ".skip-link"]
# What shows the element that has the focus: a ring, and nothing that hides it.
FOCUS = """() => {
    const element = document.activeElement, box = element.getBoundingClientRect();
    return {
        name: element.tagName + ' ' + (element.textContent || element.name || '').trim().slice(0, 40),
        ring: getComputedStyle(element).outlineStyle !== 'none' && parseFloat(getComputedStyle(element).outlineWidth) > 0,
        seen: box.width > 0 && box.right > 0 && box.bottom > 0,
    };
}"""


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([0, 3], VIEWS))
def test_no_public_page_puts_up_a_barrier(open_site: OpenBrowser, scheme: Scheme, width: int) -> None:
    window = open_site(scheme=scheme, width=width)

    assert barriers(window, [*PAGES, *ENTRANCE, *UNKNOWN]) == {}


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([0, 3], VIEWS))
def test_no_page_of_an_account_puts_up_a_barrier(open_site: OpenBrowser, scheme: Scheme, width: int) -> None:
    window = open_site(make_customer(), scheme=scheme, width=width)

    assert barriers(window, [*ACCOUNT, "/accounts/logout/"]) == {}


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([0, 3], VIEWS))
def test_no_page_of_an_invoice_puts_up_a_barrier(open_site: OpenBrowser, scheme: Scheme, width: int) -> None:
    with transaction.atomic():
        make_cases(at=timezone.now())
    cases = {case.status: case for case in PaymentFailure.objects.select_related("account")}

    assert barriers(open_site(scheme=scheme, width=width), [pay_path(case) for case in cases.values()]) == {}


@pytest.mark.parametrize("width", [320, 1920])
def test_every_page_fits_the_narrowest_and_a_wide_window(open_site: OpenBrowser, width: int) -> None:
    """320 pixels are a window of 1280 at 400 % (WCAG 1.4.10)."""
    window = open_site(width=width)

    wide = [path for path in [*PAGES, *ENTRANCE, *UNKNOWN] if window.go(path).evaluate(SCROLLS_SIDEWAYS)]

    assert wide == []


def test_every_page_is_complete_without_script(open_site: OpenBrowser) -> None:
    scripted, plain = open_site(), open_site(script=False)

    for path in [*PAGES, *ENTRANCE]:
        with_script, without = scripted.go(path), plain.go(path)
        for part in ("h1", "h2", "label", "footer nav a"):
            assert without.locator(part).all_inner_texts() == with_script.locator(part).all_inner_texts(), path


@pytest.mark.parametrize("script", [True, False])
def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(open_site: OpenBrowser, script: bool) -> None:
    page = open_site(width=390, script=script).go("/pricing")
    menu = page.locator("#site-menu")
    assert not menu.is_visible()

    page.get_by_role("button", name="Menu").press("Enter")
    assert menu.get_by_role("link", name="Pricing").get_attribute("aria-current") == "page"
    page.keyboard.press("Escape")

    assert not menu.is_visible()


def test_every_control_is_reached_by_keyboard_and_shows_it(open_site: OpenBrowser) -> None:
    window = open_site()

    for path in [*PAGES, *ENTRANCE]:
        assert_keyboard_reaches_all(window.go(path))


def assert_keyboard_reaches_all(page: Page) -> None:
    wanted = page.locator("a[href]:visible, button:visible, input:visible, select:visible, summary:visible").count()
    # The radio buttons of one group are one stop, within which the arrow keys move.
    radios = page.locator("input[type=radio]:visible").evaluate_all("all => all.map(one => one.name)")
    wanted -= len(radios) - len(set(radios))

    stops = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))

    assert stops[0]["name"] == "A Skip to the content"
    assert [stop["name"] for stop in stops if not (stop["ring"] and stop["seen"])] == []
    assert len({stop["name"] for stop in stops} - {"BODY"}) > 3


def test_the_first_link_skips_to_the_content(open_site: OpenBrowser) -> None:
    page = open_site().go("/")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("script", [True, False])
def test_a_form_with_a_mistake_begins_with_what_is_wrong(open_site: OpenBrowser, script: bool) -> None:
    page = open_site(script=script).go("/accounts/signup/")
    page.get_by_label("Email address").fill("somebody@levqor.test")
    page.get_by_label("Password").fill("short")
    page.locator("main form button[type=submit]").first.click()

    assert page.title().startswith("Error: ")
    assert page.locator(":focus h2").inner_text() == "There is a problem"
    page.locator(".error-summary a").first.click()
    assert page.locator(":focus").get_attribute("name") == "password1"


def test_every_page_prints_in_ink_on_white_without_navigation(open_site: OpenBrowser) -> None:
    """By picture: as somebody prints whose screen is dark, on the width that A4 leaves between its margins."""
    window = open_site(scheme="dark", width=672)

    for path in PAGES:
        assert_prints_well(window.go(path))


def assert_prints_well(page: Page) -> None:
    page.emulate_media(media="print")
    picture = Printed.of(page)
    assert [page.locator(f"{part}:visible").count() for part in NOT_PRINTED] == [0] * len(NOT_PRINTED)
    assert picture.is_mostly_white()
    assert [name for name, box in boxes(page, READ_ON_PAPER).items() if not picture.has_ink(box)] == []
    assert not page.evaluate(SCROLLS_SIDEWAYS)
    assert [box for box in boxes(page, "main :is(h1, h2, p, li, td, th)").values() if box[2] > picture.width] == []


@pytest.mark.parametrize(
    ("path", "pages"), [("/dfy-agreement", range(5, 11)), ("/terms", range(6, 14)), ("/", range(1, 4))]
)
def test_its_printed_pages_are_few_and_full(open_site: OpenBrowser, path: str, pages: range) -> None:
    paper = open_site(scheme="dark").go(path).pdf(format="A4", print_background=True)

    assert len(re.findall(rb"/Type\s*/Page\b", paper)) in pages


def test_everything_a_page_needs_comes_in_one_round_of_few_files(open_site: OpenBrowser) -> None:
    window = open_site()
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))

    for path in PAGES:
        asked.clear()
        page = window.go(path)
        named = page.evaluate(
            "[...document.querySelectorAll('link[href], script[src], img[src]')].map(e => e.href || e.src)"
            ".concat([...document.querySelectorAll('use')].map(e => new URL(e.href.baseVal.split('#')[0], location).href))"
        )
        # The browser asks for the picture of its tab when it likes, and not for every page.
        assert len([url for url in asked if not url.endswith("favicon.svg")]) <= 7, path
        assert set(asked[1:]) <= set(named), path
