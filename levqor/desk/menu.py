"""The back office's side menu and style sheet, as Unfold asks for them."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from levqor.lib.desk import MENU_GROUPS, Entry, parts


def stylesheet(request: HttpRequest) -> str:
    return static("css/admin.css")


def script(request: HttpRequest) -> str:
    return static("js/admin.js")


def favicon(request: HttpRequest) -> str:
    return static("images/favicon.svg")


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Password, second factor and passkeys are allauth's pages, which staff share with everybody else."""
    return [
        {"title": "E-mail addresses", "link": reverse("account_email")},
        {"title": "Change password", "link": reverse("account_change_password")},
        {"title": "Second factor and passkeys", "link": reverse("mfa_index")},
    ]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the menu with what this person may open; an empty group is left out."""
    menu = [{"title": title, "separator": True, "items": _allowed(request, title)} for title in MENU_GROUPS]
    home = {
        "items": [
            _item("Today", "today", reverse("admin:index")),
            _item("Search", "search", reverse("admin:desk_find")),
        ]
    }
    return [home, *(group for group in menu if group["items"])]


def _allowed(request: HttpRequest, group: str) -> list[dict[str, Any]]:
    entries: list[Entry] = [entry for part in parts() for entry in part.menu if entry.group == group]
    return [
        _item(entry.title, entry.icon, reverse(f"admin:{entry.model}_changelist"))
        for entry in entries
        if request.user.has_perm(entry.permission)
    ]


def _item(title: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "icon_template": "admin/_menu_icon.html", "link": link}
