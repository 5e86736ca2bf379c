import csv
import io

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.failures import flag_case
from billing.models import Flag, PaymentFailure
from billing.tests.make import Scene
from billing.tests.test_admin_case import staff_with
from levqor.accounts.models import Account
from levqor.audit.models import AuditEntry

QUEUE = "/admin/billing/paymentfailure/"


@pytest.fixture
def sam(db: None) -> Client:
    return staff_with("view_paymentfailure")


def listed(client: Client, query: str = "") -> set[str]:
    """The invoices in the queue."""
    answer = client.get(f"{QUEUE}?{query}")
    assert answer.status_code == 200, query
    return {case.invoice_id for case in answer.context["cl"].result_list}


def test_the_queue_shows_what_is_still_owed(sam: Client, scene: Scene) -> None:
    owed, paid = scene.fail(), scene.fail()
    scene.fake.pay_invoice(paid)
    scene.hear()

    assert listed(sam) == {owed}
    assert listed(sam, "status=recovered") == {paid}
    assert listed(sam, "status=all") == {owed, paid}


def test_the_queue_filters_flags_pauses_and_holds(sam: Client, scene: Scene) -> None:
    flagged, held, quiet = (scene.fail() for _ in range(3))
    flag_case(scene.case(flagged), Flag.BOUNCED, at=scene.now)
    PaymentFailure.objects.filter(invoice_id=held).update(hold_reason="paused", paused_at=scene.now)

    assert listed(sam, "flag=any") == listed(sam, "flag=bounced") == {flagged}
    assert listed(sam, "held=yes") == listed(sam, "paused=yes") == {held}
    assert listed(sam, "flag=no_address") == set()
    assert quiet in listed(sam, "held=no") & listed(sam, "paused=no")


@pytest.mark.parametrize(
    ("owed", "query", "is_listed"),
    [
        (("gbp", 5000), "amount_from=50&amount_to=50", True),
        (("gbp", 5001), "amount_to=50", False),
        (("jpy", 50), "amount_from=50&amount_to=50", True),
        (("kwd", 50_000), "amount_from=50&amount_to=50", True),
        (("kwd", 49_999), "amount_from=50", False),
        (("gbp", 5000), "amount_from=plenty&amount_to=NaN", True),
        (("gbp", 5000), "amount_to=1e99", True),
    ],
)
def test_amounts_are_asked_for_in_whole_units(
    sam: Client, scene: Scene, owed: tuple[str, int], query: str, is_listed: bool
) -> None:
    scene.fail(currency=owed[0], amount=owed[1])

    assert bool(listed(sam, query)) is is_listed


def test_the_queue_filters_by_standing_currency_and_due_step(sam: Client, scene: Scene) -> None:
    invoice = scene.fail(currency="eur")

    for query in ("standing=past_due", "currency=eur"):
        assert listed(sam, query) == {invoice}
    for query in ("standing=suspended", "currency=gbp"):
        assert listed(sam, query) == set()


def test_a_search_finds_settled_cases_by_every_id(sam: Client, scene: Scene) -> None:
    invoice = scene.fail()
    scene.fake.pay_invoice(invoice)
    scene.hear()
    case = scene.case(invoice)

    account = case.account
    for words in (invoice, case.subscription_id, account.stripe_customer_id, account.name, account.billing_email):
        assert listed(sam, f"q={words}") == {invoice}, words


def test_totals_are_those_of_the_filtered_rows(sam: Client, scene: Scene) -> None:
    for currency, amount in (("gbp", 9900), ("gbp", 100), ("jpy", 500)):
        scene.fail(amount=amount, currency=currency)

    answer = sam.get(QUEUE)

    assert [(total.amount, total.cases) for total in answer.context["totals"].rows] == [("£100.00", 2), ("JP¥500", 1)]


def test_the_export_disarms_formulas(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(amount=9900))
    Account.objects.update(name='=HYPERLINK("http://evil.example")')

    answer = sam.post(QUEUE, {"action": "export_csv", "_selected_action": [case.pk]})
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

    assert rows[1][2] == '\'=HYPERLINK("http://evil.example")'
    assert rows[1][4:6] == ["99.00", "GBP"]


def test_switched_off_dunning_is_said_above_the_queue(sam: Client, settings: Settings) -> None:
    assert "Dunning is switched off" not in sam.get(QUEUE).content.decode()

    settings.DUNNING_ENABLED = False

    assert "Dunning is switched off" in sam.get(QUEUE).content.decode()


def test_staff_without_the_permission_see_no_queue(db: None) -> None:
    client = staff_with("view_plan")

    assert client.get(QUEUE).status_code == 403
    assert client.get(reverse("admin:billing_report")).status_code == 403


def test_the_whole_filtered_list_is_exported_with_one_link(sam: Client, scene: Scene) -> None:
    pounds, _ = scene.fail(currency="gbp"), scene.fail(currency="jpy")

    answer = sam.get(f"{QUEUE}export/?currency=gbp")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

    assert [row[1] for row in rows[1:]] == [pounds]
    entry = AuditEntry.objects.get(verb="exported")
    assert entry.changes == {"list": "billing.paymentfailure", "filters": ["currency"]}


def test_an_export_behind_an_odd_filter_leads_back_to_the_list(sam: Client, scene: Scene) -> None:
    scene.fail()

    for odd in ("pk__in=never", "failure_date__gte=never"):
        assert sam.get(f"{QUEUE}export/?{odd}").status_code == 302, odd


def test_an_export_of_a_number_that_no_row_has_is_empty_or_leads_back(sam: Client, scene: Scene) -> None:
    """SQLite cannot take such a number, PostgreSQL compares it and finds nothing."""
    scene.fail()

    answer = sam.get(f"{QUEUE}export/?pk__in=99999999999999999999")

    assert answer.status_code == 302 or len(answer.getvalue().splitlines()) == 1


def test_an_export_needs_the_permission_to_see(db: None) -> None:
    assert staff_with("view_plan").get(f"{QUEUE}export/").status_code == 403


def test_the_view_in_force_is_marked(sam: Client, scene: Scene) -> None:
    views = sam.get(f"{QUEUE}?flag=any").context["views"]

    assert [view.label for view in views if view.is_current] == ["Waits for a person"]


def test_an_overdue_step_says_so(sam: Client, scene: Scene) -> None:
    scene.fail()

    assert "due since" in sam.get(QUEUE).content.decode()


def test_an_empty_list_says_why(sam: Client) -> None:
    assert "Nobody owes anything" in sam.get(QUEUE).content.decode()
    assert "No row fits" in sam.get(f"{QUEUE}?q=nobody").content.decode()
