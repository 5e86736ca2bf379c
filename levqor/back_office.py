"""How the back office looks and where its parts come from, as Unfold asks for it."""

from typing import Any, Final

BACK_OFFICE: Final[dict[str, Any]] = {
    "SITE_TITLE": "Levqor",
    "SITE_HEADER": "Levqor back office",
    "SITE_SYMBOL": "shield",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "levqor.desk.dashboard.add_figures",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "levqor.desk.menu.favicon"}],
    "STYLES": ["levqor.desk.menu.stylesheet"],
    "SCRIPTS": ["levqor.desk.menu.script"],
    "ACCOUNT": {"navigation": "levqor.desk.menu.account_links"},
    "SIDEBAR": {"show_search": False, "navigation": "levqor.desk.menu.navigation"},
    "COLORS": {
        "primary": {
            "50": "oklch(97.3% .016 184)",
            "100": "oklch(94.2% .039 184)",
            "200": "oklch(88.4% .071 184)",
            "300": "oklch(80.2% .099 185)",
            "400": "oklch(70.6% .112 186)",
            "500": "oklch(60.4% .105 188)",
            "600": "oklch(50.4% .088 190)",
            "700": "oklch(43.2% .075 192)",
            "800": "oklch(37.2% .062 194)",
            "900": "oklch(31.8% .051 197)",
            "950": "oklch(23.6% .042 200)",
        },
    },
}
