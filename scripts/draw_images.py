"""Draws the icons and the picture of shared links anew from their sources, with the browser of this machine."""

import struct
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
MARK = ROOT / "static/images/favicon.svg"
ICO_SIZES = [16, 32, 48]


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        (ROOT / "static/images/favicon-32.png").write_bytes(icon(page, 32))
        (ROOT / "static/root/apple-touch-icon.png").write_bytes(icon(page, 180, square=True))
        (ROOT / "static/root/favicon.ico").write_bytes(ico({size: icon(page, size) for size in ICO_SIZES}))
        page.set_viewport_size({"width": 1200, "height": 630})
        page.goto((ROOT / "scripts/og.html").as_uri())
        page.screenshot(path=ROOT / "static/images/og.png")
        browser.close()


def icon(page: Page, size: int, *, square: bool = False) -> bytes:
    """The mark as a PNG; `square` for systems that round the corners themselves."""
    svg = MARK.read_text()
    if square:
        svg = svg.replace('rx="8" ', "")
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:{size}px}}</style>{svg}")
    return page.screenshot(omit_background=True)


def ico(pictures: dict[int, bytes]) -> bytes:
    """An .ico file of PNGs: a header, one directory entry a picture, then the pictures."""
    offset = 6 + 16 * len(pictures)
    directory, body = b"", b""
    for size, png in pictures.items():
        directory += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(png), offset + len(body))
        body += png
    return struct.pack("<HHH", 0, 1, len(pictures)) + directory + body


if __name__ == "__main__":
    main()
