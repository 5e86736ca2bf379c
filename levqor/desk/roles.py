"""Who of the staff may do what: the groups that every installation has, and what they may.

Groups are made with the first migration. What an administrator takes away from one stays away: later migrations grant
only permissions that did not exist before.
"""

from fnmatch import fnmatch
from typing import Any, Final

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

from levqor.lib.desk import parts

ROLES: Final = ("Support", "Finance", "Engineering", "Legal", "Read-only")
READ_ONLY: Final = {"*": ["view_*"]}


def rules_of(role: str) -> dict[str, list[str]]:
    """App -> patterns of its permissions, as the rooms have registered them."""
    return READ_ONLY if role == "Read-only" else {part.label: part.roles.get(role, []) for part in parts()}


def ensure_groups(**kwargs: Any) -> None:
    """Makes the groups that are missing and grants them what is theirs; connected to post_migrate."""
    known = set(Permission.objects.values_list("pk", flat=True))
    for config in apps.get_app_configs():
        _create_permissions(config)
    for name in ROLES:
        group, is_new = Group.objects.get_or_create(name=name)
        theirs = [permission for permission in _matching(rules_of(name)) if is_new or permission.pk not in known]
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
