"""What the rooms register for the back office."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from levqor.desk.roles import ROLES, rules_of
from levqor.lib.desk import MENU_GROUPS, Part, parts, register


def test_every_part_belongs_to_an_installed_app() -> None:
    assert {part.label for part in parts()} <= {config.label for config in apps.get_app_configs()}


def test_every_entry_of_the_menu_leads_to_a_list_in_a_known_group() -> None:
    entries = [entry for part in parts() for entry in part.menu]

    assert len({entry.model for entry in entries}) == len(entries) > 20
    for entry in entries:
        assert reverse(f"admin:{entry.model}_changelist").startswith("/admin/")
        assert entry.group in MENU_GROUPS


def test_a_room_registers_once() -> None:
    with pytest.raises(ValueError, match="billing"):
        register(Part("billing"))


def test_no_room_knows_a_role_that_is_not_made() -> None:
    assert {role for part in parts() for role in part.roles} <= set(ROLES)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "Read-only"])
def test_every_pattern_of_a_role_fits_a_permission(db: None, role: str) -> None:
    group = Group.objects.get(name=role)

    for label, patterns in rules_of(role).items():
        names = set(group.permissions.filter(content_type__app_label=label).values_list("codename", flat=True))
        assert not patterns or names, (role, label)
        plain = {pattern for pattern in patterns if "*" not in pattern}
        assert plain <= names
        assert plain <= set(Permission.objects.values_list("codename", flat=True))
