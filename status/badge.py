"""The badge: a small SVG that says the banner's text in words and colour."""

from html import escape
from typing import Final

from status.live import Live

COLOURS: Final = {
    "good": "#11643a",
    "maintenance": "#1d4f91",
    "minor": "#7a5200",
    "major": "#9a3b00",
    "critical": "#a11a20",
    "unknown": "#4a5560",
}
LABEL: Final = "Levqor"


def badge(live: Live) -> tuple[str, str]:
    text = escape(live.banner.text)
    left, right = _width(LABEL), _width(live.banner.text)
    width, middle = left + right, left + right / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{LABEL}: {text}">'
        f"<title>{LABEL}: {text}</title>"
        f'<rect width="{left}" height="20" fill="#3b4650"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[live.banner.tone]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{LABEL}</text><text x="{middle}" y="14">{text}</text></g></svg>'
    )
    return svg, "image/svg+xml; charset=utf-8"


def _width(text: str) -> int:
    """Wide enough for the text in 11 px Verdana, of which no letter here is wider than seven pixels on average."""
    return 12 + round(len(text) * 6.7)
