"""Takes the pictures of README.md from a running `make run` with its demo data: `.venv/bin/python scripts/screenshots.py`.

Sign in happens with the demo administrator, whose password `make run` keeps in var/demo-password.
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SITE = os.environ.get("SITE_URL", "http://localhost:8000")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# The demo invoice whose reminder bounced: its page has a flag, a history and something to decide.
INVOICE = "LVQ-MO0005"


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1360, "height": 1000}, locale="en-GB", color_scheme="light")
        sign_in(page)
        take_case(page)
        browser.close()
    return 0


def sign_in(page: Page) -> None:
    page.goto(f"{SITE}/admin/")
    page.fill("input[name=login]", "admin@levqor.test")
    page.fill("input[name=password]", (ROOT / "var" / "demo-password").read_text().strip())
    page.locator("form:has(input[name=password]) button[type=submit]").click()
    page.wait_for_url("**/admin/**")


def take_case(page: Page) -> None:
    page.goto(f"{SITE}/admin/find/")
    page.locator("input[name=q]").fill(INVOICE)
    page.locator("input[name=q]").press("Enter")
    page.get_by_role("heading", name="What to do here").wait_for()
    page.screenshot(path=IMAGES / "case.png", clip={"x": 0, "y": 0, "width": 1360, "height": 1000})


if __name__ == "__main__":
    sys.exit(main())
