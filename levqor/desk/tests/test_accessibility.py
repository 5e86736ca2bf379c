"""The back office's pages in a real browser, measured with axe-core against WCAG 2.2 AA."""

from itertools import product
from typing import Literal

import pytest

from billing.models import DunningEmail, DunningPolicy, Flag, PaymentFailure
from levqor.accounts.models import Account
from levqor.audit.models import AuditEntry
from levqor.desk.models import PeriodicTask
from levqor.desk.schedule import ensure_rows
from levqor.desk.tests.make import make_admin, make_demo, make_event
from testing.browser import PATIENCE, OpenBrowser, Scheme
from testing.soak import soak_all_but

pytestmark = pytest.mark.proof


def pages() -> list[str]:
    """One of each kind of page, with rows in it."""
    case = PaymentFailure.objects.get(flag=Flag.BOUNCED)
    mail = DunningEmail.objects.earliest("pk").mail_id
    ensure_rows()
    return [
        "/admin/",
        "/admin/find/?q=billing",
        "/admin/find/?q=nobody",
        "/admin/billing/paymentfailure/",
        "/admin/billing/paymentfailure/?flag=no_address",
        f"/admin/billing/paymentfailure/{case.pk}/change/",
        *(
            f"/admin/billing/paymentfailure/{case.pk}/{verb}/"
            for verb in ("pause", "skip", "resend", "add-address", "stop")
        ),
        "/admin/billing/paymentfailure/report/",
        "/admin/billing/stripeevent/",
        f"/admin/billing/stripeevent/{make_event(status='failed', error='odd').pk}/change/",
        "/admin/billing/dunningpolicy/",
        "/admin/billing/dunningpolicy/add/",
        f"/admin/billing/dunningpolicy/{DunningPolicy.objects.get().pk}/change/",
        "/admin/mail/outgoingmail/",
        f"/admin/mail/outgoingmail/{mail}/change/",
        "/admin/mail/suppression/",
        "/admin/desk/periodictask/",
        f"/admin/desk/periodictask/{PeriodicTask.objects.earliest('pk').pk}/run/",
        "/admin/audit/auditentry/",
        f"/admin/audit/auditentry/{AuditEntry.objects.earliest('pk').pk}/change/",
        "/admin/accounts/account/",
        f"/admin/accounts/account/{Account.objects.earliest('pk').pk}/change/",
        "/admin/accounts/user/",
        "/admin/accounts/plan/",
    ]


@pytest.mark.parametrize(("width", "scheme"), soak_all_but([3], list(product([1280, 390], ["light", "dark"]))))
def test_no_page_puts_up_a_barrier(open_browser: OpenBrowser, scheme: Scheme, width: int) -> None:
    make_demo()
    window = open_browser(make_admin(), scheme=scheme, width=width)

    found = {}
    for path in pages():
        window.go(path)
        found[path] = window.barriers()

    assert {path: barriers for path, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("width", "first", "then"), [(1280, "visible", "hidden"), (1279, "hidden", "visible")])
def test_the_menu_stands_beside_the_page_where_there_is_room(
    open_browser: OpenBrowser, width: int, first: Literal["visible", "hidden"], then: Literal["visible", "hidden"]
) -> None:
    window = open_browser(make_admin(), width=width)
    window.go("/admin/")
    menu = window.page.locator("#nav-sidebar-inner")
    button = window.page.get_by_role("button", name="Menu", exact=True)
    button.wait_for()

    menu.wait_for(state=first, timeout=PATIENCE)
    button.click()
    menu.wait_for(state=then, timeout=PATIENCE)
