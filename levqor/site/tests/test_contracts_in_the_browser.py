"""Ordering, receipts, versions and comparisons in a real browser: every state that a customer can come to."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from legal.acceptance import accept
from legal.models import Acceptance
from legal.publishing import earliest_for_material
from legal.tests.make import HERE, make_acceptance, make_declaration, renew
from levqor.lib.testing.browser import OpenBrowser, Scheme, Window
from levqor.lib.testing.soak import soak_all_but
from levqor.site.tests.browsing import VIEWS, barriers, barriers_here

pytestmark = pytest.mark.proof


@pytest.fixture(autouse=True)
def _quick_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not take as long over a form as a person does."""
    monkeypatch.setattr("levqor.lib.forms.FASTEST_SECONDS", 0)


def fill_in(window: Window, *, kind: str = "For a business", company: str = "Fernhill Bakery") -> None:
    page = window.go("/dfy-agreement")
    page.get_by_label("Growth Build").check()
    page.get_by_label("Your full name").fill("Jo Fern")
    page.get_by_label("Email address").fill("jo@fern.test")
    page.get_by_label(kind).check()
    page.get_by_label("Company").fill(company)
    window.click("Check your order")


def states(window: Window) -> Iterator[str]:
    """The pages that follow a press of a button, one after the other."""
    window.go("/dfy-agreement")
    window.click("Check your order")
    yield "form with mistakes"
    fill_in(window)
    yield "last look"
    renew("refunds")
    window.click("Order with obligation to pay")
    yield "outdated"
    fill_in(window, kind="For myself", company="")
    window.click("Order with obligation to pay")
    yield "receipt"
    fill_in(window, kind="For myself", company="")
    window.click("Order with obligation to pay")
    yield "ordered before"
    for number in range(4):
        make_acceptance(company=f"Company {number}")
    fill_in(window)
    window.click("Order with obligation to pay")
    yield "too many"


TITLES = {
    "form with mistakes": "Error: Done-for-you agreement",
    "last look": "Check your order",
    "outdated": "Done-for-you agreement",
    "receipt": "Receipt ACC-",
    "ordered before": "You have ordered this already",
    "too many": "Too many orders",
}


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([0, 3], VIEWS))
def test_no_step_of_an_order_puts_up_a_barrier(open_site: OpenBrowser, scheme: Scheme, width: int) -> None:
    window = open_site(scheme=scheme, width=width)

    found = {state: (window.page.title(), barriers_here(window)) for state in states(window)}
    assert {state: faults for state, (_, faults) in found.items() if faults} == {}
    assert [state for state, (title, _) in found.items() if not title.startswith(TITLES[state])] == []
    assert found.keys() == TITLES.keys()


@pytest.mark.parametrize("width", [320, 1280])
def test_a_name_without_a_blank_makes_no_page_wider(open_site: OpenBrowser, width: int) -> None:
    window = open_site(width=width)

    fill_in(window, company="W" * 200)
    widths = [window.page.evaluate("document.documentElement.scrollWidth")]
    window.click("Order with obligation to pay")
    window.page.wait_for_url("**/legal/receipt/*")
    widths.append(window.page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [width, width]


@pytest.mark.parametrize(
    ("scheme", "width"), soak_all_but([1, 3], [("light", 1280), ("dark", 1280), ("dark", 390), ("light", 320)])
)
def test_no_page_about_versions_puts_up_a_barrier(open_site: OpenBrowser, scheme: Scheme, width: int) -> None:
    window = open_site(scheme=scheme, width=width)
    renew("terms")
    renew("fair-use", effective_at=earliest_for_material(at=timezone.now()), is_material=True)
    outcome = accept(make_declaration(), HERE, at=timezone.now())

    assert (
        barriers(
            window,
            [
                "/legal/terms/v/1",
                "/legal/terms/v/2",
                "/legal/terms/diff/1/2",
                "/fair-use",
                "/legal/fair-use/v/2",
                "/legal/nothing",
                "/legal/terms/v/99",
                f"/legal/verify?reference={outcome.acceptance.reference}",
                "/legal/verify?reference=nothing",
                reverse("legal:receipt", args=[outcome.token]),
            ],
        )
        == {}
    )


@pytest.mark.parametrize("script", [True, False])
def test_an_order_is_placed_by_keyboard_alone(open_site: OpenBrowser, script: bool) -> None:
    page = open_site(script=script).go("/dfy-agreement")
    page.get_by_label("Starter Build").focus()

    for keys in (
        ["Space", "Tab"],
        ["Jo Fern", "Tab"],
        ["jo@fern.test", "Tab"],
        ["Space", "Tab"],
        ["Tab", "Tab", "Space"],
    ):
        press(page, keys)
    page.get_by_role("button", name="Check your order").press("Enter")
    page.get_by_role("button", name="Order with obligation to pay").press("Enter")

    page.wait_for_url("**/legal/receipt/*")
    acceptance = Acceptance.objects.get()
    assert (acceptance.package_slug, acceptance.kind) == ("starter", "consumer")
    assert (acceptance.wants_early_start, acceptance.acknowledges_loss) == (True, False)


def press(page: Any, keys: list[str]) -> None:
    for key in keys:
        if key in {"Space", "Tab"}:
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def test_a_mistake_takes_the_focus_and_leads_to_its_field(open_site: OpenBrowser) -> None:
    window = open_site()
    page = window.go("/dfy-agreement")
    page.get_by_label("Your full name").fill("Jo Fern")
    window.click("Check your order")

    assert page.locator(":focus h2").inner_text() == "There is a problem"
    assert page.get_by_label("Your full name").input_value() == "Jo Fern"
    page.get_by_role("link", name="Enter your email address.").click()
    assert page.locator(":focus").get_attribute("name") == "email"
    page.get_by_role("link", name="Choose a package.").click()
    assert page.locator(":focus").get_attribute("name") == "package"
