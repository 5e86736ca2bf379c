"""Who may open what: every address of the back office against every role, so that a new page has to be thought of here."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from billing.models import DunningPolicy, PaymentFailure, StripeEvent
from billing.tests.make import Scene
from levqor.accounts.models import Account, Plan, User
from levqor.audit.models import AuditEntry
from levqor.desk.models import PeriodicTask
from levqor.desk.roles import ensure_groups
from levqor.desk.schedule import ensure_rows
from levqor.desk.tests.make import make_admin, make_demo, make_staff, signed_in
from levqor.mail.models import OutgoingMail

# Every list, by who may see it; the verbs on a case and the other pages are below.
SEEN_BY = {
    "/admin/billing/paymentfailure/": {"Support", "Finance", "Read-only"},
    "/admin/billing/paymentfailure/export/": {"Support", "Finance", "Read-only"},
    "/admin/billing/paymentfailure/report/": {"Support", "Finance", "Read-only"},
    "/admin/billing/dunningpolicy/": {"Support", "Finance", "Read-only"},
    "/admin/billing/dunningpolicy/add/": {"Finance"},
    "/admin/billing/dunningpolicy/preview/html/": {"Support", "Finance", "Read-only"},
    "/admin/billing/stripeevent/": {"Support", "Finance", "Read-only"},
    "/admin/billing/stripeevent/export/": {"Support", "Finance", "Read-only"},
    "/admin/billing/setupconfirmation/": {"Support", "Finance", "Read-only"},
    "/admin/billing/setupconfirmation/failure_mails_off/confirm/": {"Finance"},
    "/admin/billing/setupconfirmation/failure_mails_off/withdraw/": {"Finance"},
    "/admin/billing/alarm/": {"Support", "Finance", "Read-only"},
    "/admin/claims/claim/": {"Support", "Finance", "Read-only"},
    "/admin/claims/claim/export/": {"Support", "Finance", "Read-only"},
    "/admin/claims/creditentry/": {"Support", "Finance", "Read-only"},
    "/admin/claims/creditentry/export/": {"Support", "Finance", "Read-only"},
    "/admin/claims/claim/figures/": {"Support", "Finance", "Read-only"},
    "/admin/claims/claim/propose-drafts/": {"Support"},
    "/admin/claims/claim/approve-drafts/": {"Finance"},
    "/admin/cases/cannedreply/": {"Support", "Finance", "Read-only"},
    "/admin/cases/cannedreply/add/": {"Support"},
    "/admin/developer/apikey/": {"Support", "Finance", "Read-only"},
    "/admin/developer/monthlyusage/": {"Support", "Finance", "Read-only"},
    "/admin/mail/outgoingmail/": {"Support", "Finance", "Read-only"},
    "/admin/mail/outgoingmail/export/": {"Support", "Finance", "Read-only"},
    "/admin/mail/suppression/": {"Support", "Finance", "Read-only"},
    "/admin/mail/suppression/add/": set[str](),
    "/admin/audit/auditentry/": {"Finance", "Read-only"},
    "/admin/audit/auditentry/export/": {"Finance", "Read-only"},
    "/admin/accounts/account/": {"Support", "Finance", "Read-only"},
    "/admin/accounts/account/add/": set[str](),
    "/admin/accounts/plan/": {"Support", "Finance", "Read-only"},
    "/admin/accounts/plan/add/": set[str](),
    "/admin/accounts/user/": {"Support", "Finance", "Read-only"},
    "/admin/accounts/user/add/": set[str](),
    "/admin/accounts/slaterms/": {"Support", "Finance", "Read-only"},
    "/admin/accounts/slaterms/add/": set[str](),
    "/admin/legal/document/": {"Support", "Finance", "Read-only"},
    "/admin/legal/documentversion/": {"Support", "Finance", "Read-only"},
    "/admin/legal/dfypackage/": {"Support", "Finance", "Read-only"},
    "/admin/legal/dfypackage/add/": set[str](),
    "/admin/legal/acceptance/": {"Support", "Finance", "Read-only"},
    "/admin/legal/acceptance/export/": {"Support", "Finance", "Read-only"},
    "/admin/desk/periodictask/": {"Support", "Finance", "Read-only"},
    "/admin/status/incident/": {"Support", "Read-only"},
    "/admin/status/incident/add/": {"Support"},
    "/admin/status/component/": {"Support", "Read-only"},
    "/admin/status/incidenttemplate/": {"Support", "Read-only"},
    "/admin/status/incidenttemplate/add/": {"Support"},
    "/admin/status/subscriber/": {"Support", "Read-only"},
    "/admin/status/stateinterval/": {"Support", "Read-only"},
    "/admin/hooks/delivery/": {"Support", "Read-only"},
    "/admin/hooks/endpoint/": {"Support", "Read-only"},
}
VERBS = ["pause", "resume", "skip", "resend", "clear-flag", "suspend", "restore", "exempt", "end-exemption", "stop"]
ROLES = ["Support", "Finance", "Read-only", ""]


@pytest.mark.parametrize("role", ROLES)
def test_each_list_opens_for_its_roles_alone(scene: Scene, role: str) -> None:
    scene.fail()
    client = signed_in(make_staff(role))

    answers = {path: client.get(path).status_code for path in SEEN_BY}

    assert answers == {path: 200 if role in roles else 403 for path, roles in SEEN_BY.items()}


@pytest.mark.parametrize("role", ROLES)
def test_every_list_of_every_room_opens_with_the_permission_to_see_it(db: None, role: str) -> None:
    user = make_staff(role)
    client = signed_in(user)

    for options in (model._meta for model in admin.site._registry):
        may_see = user.has_perm(f"{options.app_label}.view_{options.model_name}")
        answer = client.get(reverse(f"admin:{options.app_label}_{options.model_name}_changelist"))
        assert answer.status_code == (200 if may_see else 403), options


@pytest.mark.parametrize("role", ROLES)
def test_support_alone_steers_and_processes_again(scene: Scene, role: str) -> None:
    case = scene.case(scene.fail())
    event = StripeEvent.objects.earliest("pk")
    client = signed_in(make_staff(role))
    paths = [f"/admin/billing/paymentfailure/{case.pk}/{verb}/" for verb in [*VERBS, "add-address"]]

    answers = {
        client.get(path).status_code < 400 for path in [*paths, f"/admin/billing/stripeevent/{event.pk}/process-again/"]
    }

    assert answers == {role == "Support"}


def addresses(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        else:
            yield path


def filled(path: str, rows: dict[str, object]) -> str:
    """The address with a real row in it."""
    for place in ("<path:object_id>", "<int:pk>", "<uuid:pk>", "<id>"):
        room = "/".join(path.split("/")[2:4])
        path = path.replace(place, str(rows.get(room, 1)))
    return path.replace("^", "").replace("(?P<app_label>", "").replace("$", "")


def rows() -> dict[str, object]:
    ensure_rows()
    models = [Account, Plan, User, AuditEntry, DunningPolicy, PaymentFailure, StripeEvent, PeriodicTask, OutgoingMail]
    return {
        f"{model._meta.app_label}/{model._meta.model_name}": model._default_manager.order_by("pk")
        .values_list("pk", flat=True)
        .first()
        for model in models
    }


# What every member of staff may open: the first page, the search (which finds nothing for them), and Django's own.
FOR_ALL_STAFF = {
    "/admin/",
    "/admin/find/",
    "/admin/search/",
    "/admin/jsi18n/",
    "/admin/autocomplete/",
    "/admin/logout/",
}


def test_staff_without_rights_are_refused_at_every_address(scene: Scene) -> None:
    make_demo()
    known, client = rows(), signed_in(make_staff(""))
    paths = [filled(path, known) for path in addresses(admin.site.urls[0], "/admin/")]

    open_to_all = {
        path
        for path in paths
        if client.get(path).status_code == 200 and "password_change" not in path and "login" not in path
    }

    assert open_to_all <= FOR_ALL_STAFF, open_to_all


def test_strangers_and_customers_are_refused_at_every_address(scene: Scene) -> None:
    scene.fail()
    known, stranger, customer = rows(), Client(), signed_in(User.objects.create_user("chris@example.com", "x"))
    paths = [filled(path, known) for path in addresses(admin.site.urls[0], "/admin/")]

    for path in paths:
        for client in (stranger, customer):
            assert client.get(path).status_code in {302, 403, 404, 405} or "jsi18n" in path or "login" in path, path


def test_staff_without_rights_see_an_empty_house(scene: Scene) -> None:
    scene.fail()
    client = signed_in(make_staff(""))

    text = client.get("/admin/").content.decode()

    assert "There is nothing here that you may see" in text
    assert "Failed payments" not in text
    assert "Nothing found" in client.get("/admin/find/", {"q": scene.account().billing_email}).content.decode()


def test_the_administrator_opens_every_address(scene: Scene) -> None:
    make_demo()
    known, client = rows(), signed_in(make_admin())

    for path in addresses(admin.site.urls[0], "/admin/"):
        assert client.get(filled(path, known)).status_code < 500, path


def test_what_an_administrator_took_from_a_group_stays_away(db: None) -> None:
    support = Group.objects.get(name="Support")
    support.permissions.remove(Permission.objects.get(codename="steer_dunning"))

    ensure_groups()

    assert not support.permissions.filter(codename="steer_dunning").exists()


def test_a_group_that_is_missing_is_made_with_all_that_is_its_own(db: None) -> None:
    Group.objects.get(name="Support").delete()

    ensure_groups()

    codenames = set(Group.objects.get(name="Support").permissions.values_list("codename", flat=True))
    assert {"steer_dunning", "change_stripeevent", "view_paymentfailure", "delete_suppression"} <= codenames
    assert not {"add_dunningpolicy", "change_user", "change_account", "view_auditentry"} & codenames


def test_a_permission_that_is_new_is_granted_to_its_groups(db: None) -> None:
    Permission.objects.get(codename="view_stripeevent").delete()

    ensure_groups()

    assert Group.objects.get(name="Read-only").permissions.filter(codename="view_stripeevent").exists()
