"""Chargebacks from Stripe: told at once, warned of before their day as long as something can be done, shown by that day."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from billing.models import PaymentDispute
from billing.tests.make import Scene
from disputes.chargebacks import warn_of_evidence
from disputes.models import Chargeback
from levqor.desk.tests.make import make_staff, signed_in
from levqor.lib.business_time import is_open
from levqor.mail.models import OutgoingMail

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)
LIST = "/admin/disputes/chargeback/"


@pytest.fixture(params=["scene", "keyed_scene"])
def either(request: pytest.FixtureRequest) -> Scene:
    """Without a key, judged by the stored events; with one, by asking Stripe."""
    found: Scene = request.getfixturevalue(request.param)
    return found


def disputed(scene: Scene) -> str:
    invoice = scene.fail(amount=5000, next_attempt=None)
    scene.fake.pay_invoice(invoice)
    scene.hear()
    dispute = scene.fake.dispute_invoice(invoice)
    scene.hear()
    return dispute


def make_chargeback(*, status: str = "needs_response", due: datetime | None = DUE, **more: bool) -> Chargeback:
    payment = PaymentDispute.objects.create(
        livemode=False,
        dispute_id=f"dp_{PaymentDispute.objects.count()}",
        status=status,
        amount_cents=5000,
        currency="gbp",
    )
    return Chargeback.objects.create(payment=payment, evidence_due_at=due, **more)


def letters(name: str) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(name=f"disputes/{name}").order_by("created_at"))


def test_a_chargeback_is_kept_with_its_day_and_told_once(either: Scene) -> None:
    dispute = disputed(either)
    either.hear()

    chargeback = Chargeback.objects.get()
    assert chargeback.payment.dispute_id == dispute
    due = datetime.fromtimestamp(either.fake.now + 14 * 24 * 3600, UTC)
    assert chargeback.evidence_due_at == due
    (letter,) = letters("chargeback")
    assert (letter.to_email, "£50.00" in letter.subject) == ("support@levqor.ai", True)


def test_what_is_decided_wants_no_evidence(either: Scene) -> None:
    dispute = disputed(either)
    either.fake.close_dispute(dispute, status="won")
    either.hear()

    chargeback = Chargeback.objects.select_related("payment").get()
    assert (chargeback.payment.status, chargeback.needs_evidence) == ("won", False)
    assert len(letters("chargeback")) == 1


def test_it_is_warned_of_at_7_3_and_1_days_once_each_in_business_hours() -> None:
    make_chargeback()
    for hour in range(24 * 14):
        warn_of_evidence(at=DUE - timedelta(days=12) + timedelta(hours=hour, minutes=30))

    moments = [letter.created_at for letter in letters("chargeback_due")]
    assert [(DUE - moment).days for moment in moments] == [6, 2, 0]
    assert all(is_open(moment) for moment in moments)


@pytest.mark.parametrize("status", ["under_review", "won", "lost", "warning_closed", "prevented", "something_new"])
def test_nobody_is_warned_where_nothing_can_be_done(status: str) -> None:
    make_chargeback(status=status)
    make_chargeback(is_answered=True)
    make_chargeback(due=None)

    assert warn_of_evidence(at=DUE - timedelta(hours=1)) == 0


def test_after_the_day_nobody_is_warned_any_more_and_a_late_first_run_warns_once() -> None:
    make_chargeback()

    assert [warn_of_evidence(at=DUE - timedelta(hours=2)) for _ in range(2)] == [1, 0]
    assert warn_of_evidence(at=DUE + timedelta(hours=1)) == 0


def test_the_list_shows_what_wants_evidence_by_its_day(scene: Scene) -> None:
    disputed(scene)
    make_chargeback(status="lost")
    client: Client = signed_in(make_staff("Support"))
    with time_machine.travel(datetime.fromtimestamp(scene.fake.now, UTC), tick=False):
        page = client.get(LIST).content.decode()
        everything = client.get(f"{LIST}?state=all").context["cl"].result_list

    assert "£50.00" in page
    assert "fraudulent" in page
    assert "not matched" not in page
    assert len(everything) == 2
    assert client.get(f"{LIST}{Chargeback.objects.earliest('pk').pk}/change/").status_code == 200


def test_finance_looks_and_strangers_do_not() -> None:
    codes = [signed_in(make_staff(role)).get(LIST).status_code for role in ("Support", "Finance", "")]

    assert codes == [200, 200, 403]
