"""The back office's side menu and style sheet, as Unfold asks for them."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

# Title, then for each entry its words, its model and its icon.
GROUPS = [
    (
        "Billing",
        [
            ("Failed payments", "billing_paymentfailure", "credit_card_off"),
            ("Dunning policies", "billing_dunningpolicy", "event_repeat"),
            ("Stripe inbox", "billing_stripeevent", "inbox"),
            ("Set-up at Stripe", "billing_setupconfirmation", "checklist"),
            ("Alarms", "billing_alarm", "notification_important"),
        ],
    ),
    (
        "Cases",
        [
            ("SLA claims", "claims_claim", "request_quote"),
            ("Credits", "claims_creditentry", "savings"),
            ("Canned replies", "cases_cannedreply", "quickreply"),
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
        "API",
        [
            ("Keys", "developer_apikey", "key"),
            ("Usage", "developer_monthlyusage", "monitoring"),
        ],
    ),
    (
        "Status",
        [
            ("Incidents", "status_incident", "emergency_home"),
            ("Components", "status_component", "widgets"),
            ("Incident texts", "status_incidenttemplate", "article"),
            ("Subscribers", "status_subscriber", "notifications"),
            ("Uptime ledger", "status_stateinterval", "timeline"),
        ],
    ),
    (
        "Legal",
        [
            ("Documents", "legal_document", "gavel"),
            ("Versions", "legal_documentversion", "history_edu"),
            ("DFY packages", "legal_dfypackage", "inventory_2"),
            ("Acceptances", "legal_acceptance", "handshake"),
        ],
    ),
    (
        "System",
        [
            ("Mail", "mail_outgoingmail", "mail"),
            ("Webhooks out", "hooks_delivery", "webhook"),
            ("Webhook endpoints", "hooks_endpoint", "link"),
            ("Dead addresses", "mail_suppression", "unsubscribe"),
            ("Periodic tasks", "desk_periodictask", "schedule"),
            ("Audit trail", "audit_auditentry", "history"),
        ],
    ),
]


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
    menu = [{"title": title, "separator": True, "items": _allowed(request, items)} for title, items in GROUPS]
    home = {
        "items": [
            _item("Today", "today", reverse("admin:index")),
            _item("Search", "search", reverse("admin:desk_find")),
        ]
    }
    return [home, *(group for group in menu if group["items"])]


def _allowed(request: HttpRequest, items: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    return [
        _item(title, icon, reverse(f"admin:{model}_changelist"))
        for title, model, icon in items
        if request.user.has_perm("{}.view_{}".format(*model.split("_", 1)))
    ]


def _item(title: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "icon_template": "admin/_menu_icon.html", "link": link}
