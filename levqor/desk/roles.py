"""Who of the staff may do what: the groups that every installation has, and what they may.

Groups are made with the first migration. What an administrator takes away from one stays away: later migrations grant
only permissions that did not exist before.
"""

from fnmatch import fnmatch
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

# Group -> app -> patterns of permissions. Money and policies are finance's, customers are support's.
ROLES = {
    "Support": {
        "billing": ["view_*", "change_paymentfailure", "change_stripeevent", "steer_dunning"],
        "accounts": ["view_*"],
        "mail": ["view_*", "delete_suppression"],
        "desk": ["view_*"],
        "status": ["view_*", "publish_incident", "change_component", "*_incidenttemplate"],
        "hooks": ["view_*", "change_delivery", "change_endpoint"],
        "legal": ["view_*", "change_documentversion", "change_acceptance", "delete_acceptanceannex"],
        "cases": ["view_*", "add_cannedreply", "change_cannedreply"],
        "claims": ["view_*", "change_claim", "propose_credit"],
        "developer": ["view_*", "change_apikey", "change_tier"],
    },
    "Finance": {
        "billing": ["view_*", "add_dunningpolicy", "confirm_setup"],
        "accounts": ["view_*"],
        "mail": ["view_*"],
        "audit": ["view_*"],
        "desk": ["view_*"],
        "legal": ["view_*", "publish_documentversion"],
        "cases": ["view_*"],
        "claims": ["view_*", "approve_credit"],
        "developer": ["view_*", "change_tier"],
    },
    "Auditor": {"*": ["view_*"]},
}


def ensure_groups(**kwargs: Any) -> None:
    """Makes the groups that are missing and grants them what is theirs; connected to post_migrate."""
    known = set(Permission.objects.values_list("pk", flat=True))
    for config in apps.get_app_configs():
        _create_permissions(config)
    for name, rules in ROLES.items():
        group, is_new = Group.objects.get_or_create(name=name)
        theirs = [permission for permission in _matching(rules) if is_new or permission.pk not in known]
        group.permissions.add(*theirs)


def _create_permissions(config: AppConfig) -> None:
    """Django makes them after each app's migration, in an order of its own; making them twice is once."""
    create_permissions(config, verbosity=0)


def _matching(rules: dict[str, list[str]]) -> list[Permission]:
    permissions = Permission.objects.select_related("content_type")
    return [
        permission
        for permission in permissions
        for pattern in rules.get(permission.content_type.app_label, rules.get("*", []))
        if fnmatch(permission.codename, pattern)
    ]
