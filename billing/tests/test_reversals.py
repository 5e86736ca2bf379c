"""Trap 19: a dispute takes back what a case recovered, and a dispute that is won gives it back."""

import random
from itertools import permutations

import pytest

from billing.models import Alarm, DunningHold, PaymentDispute, PaymentFailure
from billing.stripe_payments import DISPUTE_GRAPH, MONEY_IS_GONE, may_follow
from billing.tests.make import Scene
from levqor.audit.models import AuditEntry
from testing.stripe_facts import API_VERSIONS, BASIL, DisputeFacts, since


def recovered(scene: Scene, amount: int = 5000) -> PaymentFailure:
    """A case whose invoice was paid after it had failed."""
    invoice = scene.fail(amount=amount, next_attempt=None)
    scene.fake.pay_invoice(invoice)
    scene.hear()
    return scene.case(invoice)


def net(case: PaymentFailure) -> int:
    case.refresh_from_db()
    assert (case.recovery_reversed_at is not None) == (case.reversed_cents > 0)
    return case.recovered_cents - case.reversed_cents


@pytest.fixture(params=["scene", "keyed_scene"])
def either(request: pytest.FixtureRequest) -> Scene:
    """Without a key, judged by the stored events; with one, by asking Stripe."""
    found: Scene = request.getfixturevalue(request.param)
    return found


def test_a_dispute_takes_the_recovered_money_back(either: Scene) -> None:
    case = recovered(either)

    either.fake.dispute_invoice(case.invoice_id)
    either.hear()

    assert (net(case), case.status) == (0, "recovered")
    assert AuditEntry.objects.about(case).filter(verb="recovery.reversed").count() == 1


def test_a_won_dispute_gives_it_back(either: Scene) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.hear()

    either.fake.close_dispute(dispute, status="won")
    either.hear()

    assert net(case) == 5000


def test_a_lost_dispute_keeps_it_reversed(either: Scene) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.fake.withdraw_funds(dispute)
    either.fake.close_dispute(dispute, status="lost")
    either.hear()

    assert net(case) == 0


def test_a_dispute_about_a_part_takes_that_part(either: Scene) -> None:
    case = recovered(either)

    either.fake.dispute_invoice(case.invoice_id, amount=1999)
    either.hear()

    assert net(case) == 3001


def test_an_inquiry_takes_nothing_until_it_becomes_a_chargeback(either: Scene) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.fake.set(either.fake.get(DisputeFacts, dispute), status="warning_needs_response")
    either.fake.update_dispute(dispute, status="warning_under_review")
    for event in either.fake.event_ids("charge.dispute.created"):
        either.fake.mark_delivered(event)
    either.hear()
    assert net(case) == 5000

    either.fake.update_dispute(dispute, status="needs_response")
    either.hear()

    assert net(case) == 0


def test_booked_movements_count_more_than_the_status(either: Scene) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.fake.withdraw_funds(dispute)
    either.fake.reinstate_funds(dispute)
    either.hear()

    assert net(case) == 5000


def story(scene: Scene, case: PaymentFailure) -> list[str]:
    """A chargeback that was lost, appealed and won: its events, each an hour after the one before."""
    dispute = scene.fake.dispute_invoice(case.invoice_id)
    scene.fake.advance(3600)
    scene.fake.update_dispute(dispute, status="under_review")
    scene.fake.advance(3600)
    scene.fake.close_dispute(dispute, status="lost")
    scene.fake.advance(3600)
    scene.fake.update_dispute(dispute, status="appeal_under_review")
    scene.fake.advance(3600)
    scene.fake.close_dispute(dispute, status="won")
    return scene.fake.pending_events()


def test_events_in_any_order_and_twice_end_in_the_same_state(scene: Scene) -> None:
    events = story(scene, case := recovered(scene))
    orders = random.Random(7).sample(list(permutations(events)), 12)

    for order in orders:
        PaymentDispute.objects.all().delete()
        for event in order:
            scene.fake.deliver(event, times=2)
            scene.hear_stored()
        assert net(case) == 5000
        scene.forget(events)


def test_a_dispute_that_is_heard_of_before_the_payment_counts_when_it_is(scene: Scene) -> None:
    invoice = scene.fail(amount=5000, next_attempt=None)
    scene.fake.pay_invoice(invoice)
    scene.fake.dispute_invoice(invoice)

    for event in reversed(scene.fake.pending_events()):
        scene.fake.deliver(event)
        scene.hear_stored()

    assert net(scene.case(invoice)) == 0


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_api_version_ties_the_dispute_to_its_invoice(scene: Scene, version: str) -> None:
    scene.fake.api_version = version
    case = recovered(scene)

    scene.fake.dispute_invoice(case.invoice_id)
    scene.hear()

    assert net(case) == 0
    assert since(version, BASIL) or PaymentDispute.objects.get().invoice_id == case.invoice_id


def test_a_dispute_about_a_strangers_payment_changes_no_case(either: Scene) -> None:
    case = recovered(either)
    other = either.fake.add_invoice()
    either.fake.pay_invoice(other)
    either.fake.dispute_invoice(other)
    either.hear()

    assert net(case) == 5000
    assert PaymentDispute.objects.get().status == "needs_response"


def test_a_status_that_nobody_knows_moves_no_money_and_raises_an_alarm(either: Scene) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.hear()

    either.fake.update_dispute(dispute, status="in_orbit")
    either.hear()

    assert net(case) == 0
    assert list(Alarm.objects.values_list("kind", "subject")) == [("dispute_state", "in_orbit")]


def test_two_disputes_never_take_more_than_was_recovered(scene: Scene) -> None:
    case = recovered(scene)
    scene.fake.dispute_invoice(case.invoice_id)
    scene.fake.dispute_invoice(case.invoice_id)
    scene.hear()

    assert net(case) == 0


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("needs_response", "won", True),
        ("won", "needs_response", False),
        ("won", "under_review", False),
        ("lost", "appeal_needs_response", True),
        ("lost", "won", True),
        ("won", "lost", False),
        ("warning_closed", "needs_response", True),
        ("needs_response", "warning_needs_response", False),
        ("prevented", "lost", False),
    ],
)
def test_statuses_follow_each_other_as_at_the_banks(old: str, new: str, may: bool) -> None:
    assert may_follow(old, new) is may


def test_every_status_is_in_the_graph_and_says_where_the_money_is() -> None:
    assert DISPUTE_GRAPH.keys() >= MONEY_IS_GONE
    assert all(following in DISPUTE_GRAPH for targets in DISPUTE_GRAPH.values() for following in targets)
    assert not MONEY_IS_GONE & {"won", "warning_needs_response", "warning_under_review", "warning_closed"}


@pytest.mark.parametrize("status", ["won", "lost"])
def test_nobody_is_dunned_for_another_invoice_while_the_bank_decides(either: Scene, status: str) -> None:
    case = recovered(either)
    dispute = either.fake.dispute_invoice(case.invoice_id)
    either.hear()
    assert DunningHold.objects.live(at=either.now).filter(account=case.account).count() == 1

    either.fake.withdraw_funds(dispute)
    either.fake.close_dispute(dispute, status=status)
    either.hear()

    assert not DunningHold.objects.live(at=either.now).exists()
