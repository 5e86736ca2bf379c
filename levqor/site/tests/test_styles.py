"""The style sheets of the public pages: nothing moves unasked, and nothing is fetched."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from levqor.site.navigation import DOORS

SHEETS = [path for path in Path(settings.BASE_DIR, "static", "css").glob("*.css") if not path.name.startswith("admin")]
MOVING = re.compile(r"\b(transition|animation|scroll-behavior)\b")
# A media query with its rules, one level deep.
IF_MOTION_IS_WELCOME = re.compile(r"@media \(prefers-reduced-motion: no-preference\) \{(?:[^{}]*\{[^{}]*\})*\s*\}")

each_sheet = pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)


@each_sheet
def test_nothing_moves_for_whoever_asked_for_less_motion(sheet: Path) -> None:
    assert MOVING.findall(IF_MOTION_IS_WELCOME.sub("", sheet.read_text(encoding="utf-8"))) == []


@each_sheet
def test_it_fetches_nothing_but_our_font(sheet: Path) -> None:
    fetched = re.findall(r"url\([^)]*\)|@import|https?:", sheet.read_text(encoding="utf-8"))

    assert fetched == (['url("../fonts/inter.woff2")'] if sheet.name == "site.css" else [])


def test_the_font_is_small_and_its_licence_lies_beside_it() -> None:
    folder = SHEETS[0].parent.parent / "fonts"

    assert (folder / "inter.woff2").stat().st_size <= 40_000
    assert "SIL Open Font License" in (folder / "inter-LICENSE.txt").read_text(encoding="utf-8")


def test_the_sheets_are_there() -> None:
    assert {"site.css", "legal.css", "home.css"} <= {sheet.name for sheet in SHEETS}


def test_the_icons_are_those_that_are_used_and_no_others() -> None:
    sprite = SHEETS[0].parent.parent / "images" / "icons.svg"
    held = set(re.findall(r'<symbol id="([^"]+)"', sprite.read_text(encoding="utf-8")))
    templates = [path.read_text(encoding="utf-8") for path in Path(settings.BASE_DIR, "templates").rglob("*.html")]

    shown = {name for text in templates for name in re.findall(r'{% icon "([^"]+)" %}', text)}

    assert held == shown | {door.icon for door in DOORS}
    assert "ISC License" in sprite.with_name("icons-LICENSE.txt").read_text(encoding="utf-8")
