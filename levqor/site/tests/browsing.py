"""How the browser tests look at a page: in four windows, for what stands in the way; and at a picture of its print."""

from dataclasses import dataclass
from io import BytesIO
from typing import Self

from PIL import Image
from playwright.sync_api import Page

from testing.browser import Scheme, Window

# Left, top, right and bottom of an element, in pixels of the whole page.
type Box = tuple[int, int, int, int]

VIEWS: list[tuple[Scheme, int]] = [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)]
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


def barriers(window: Window, paths: list[str]) -> dict[str, list[str]]:
    """What stands in the way on each page that has anything, sideways scrolling included."""
    found = {path: barriers_here(window) for path in paths if window.go(path)}
    return {path: faults for path, faults in found.items() if faults}


def barriers_here(window: Window) -> list[str]:
    """The same for the page as it stands."""
    sideways = ["scrolls sideways"] if window.page.evaluate(SCROLLS_SIDEWAYS) else []
    return window.barriers() + sideways


@dataclass
class Printed:
    """A picture of the whole page in shades of grey."""

    image: Image.Image

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(Image.open(BytesIO(page.screenshot(full_page=True))).convert("L"))

    @property
    def width(self) -> int:
        return self.image.width

    def is_mostly_white(self) -> bool:
        shades = self.image.histogram()
        return shades[255] > 0.7 * sum(shades)

    def has_ink(self, box: Box) -> bool:
        """Whether something dark enough to be read on paper stands there."""
        return min(shade for shade, count in enumerate(self.image.crop(box).histogram()) if count) < 110


def boxes(page: Page, selector: str) -> dict[str, Box]:
    """Where the visible elements with words stand, by their first words."""
    script = """all => all.filter(e => e.checkVisibility() && e.innerText.trim()).map((e, i) => {
        const b = e.getBoundingClientRect();
        const box = [b.left + scrollX, b.top + scrollY, b.right + scrollX, b.bottom + scrollY];
        return [i + ' ' + e.innerText.trim().slice(0, 30), box.map(Math.round)];
    })"""
    return {name: tuple(box) for name, box in page.locator(selector).evaluate_all(script)}
