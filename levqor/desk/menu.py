"""The back office's side menu and style sheet, as Unfold asks for them."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


def stylesheet(request: HttpRequest) -> str:
    return static("css/admin.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the menu with what this person may open; an empty group is left out."""
    groups = [
        (
            "Billing",
            [
                ("Failed payments", "billing_paymentfailure", "credit_card_off"),
                ("Dunning policies", "billing_dunningpolicy", "event_repeat"),
                ("Stripe inbox", "billing_stripeevent", "inbox"),
            ],
        ),
        (
            "Customers",
            [
                ("Accounts", "accounts_account", "apartment"),
                ("Plans", "accounts_plan", "sell"),
                ("People", "accounts_user", "person"),
            ],
        ),
        (
            "System",
            [
                ("Mail", "mail_outgoingmail", "mail"),
                ("Dead addresses", "mail_suppression", "unsubscribe"),
                ("Periodic tasks", "desk_periodictask", "schedule"),
                ("Audit trail", "audit_auditentry", "history"),
            ],
        ),
    ]
    menu = [{"title": title, "separator": True, "items": _allowed(request, items)} for title, items in groups]
    return [group for group in menu if group["items"]]


def _allowed(request: HttpRequest, items: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    return [
        {"title": title, "icon": icon, "link": reverse(f"admin:{model}_changelist")}
        for title, model, icon in items
        if request.user.has_perm("{}.view_{}".format(*model.split("_", 1)))
    ]
