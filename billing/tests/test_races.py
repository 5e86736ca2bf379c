"""Threads and copies: the same thing at the same moment must happen once."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.dunning import run_dunning_job
from billing.inbox import process_due_events
from billing.models import DunningEmail, DunningStep, PaymentFailure, StripeEvent
from billing.reconcile import reconcile_stripe
from billing.tests.make import SECRET, START, Scene
from billing.tests.test_webhook import body_of, post
from levqor.mail.models import OutgoingMail
from testing.fake_stripe import FakeStripe
from testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def at_once[T](count: int, work: Callable[[], T]) -> list[T]:
    """The results of `count` calls in as many threads, each with its own database connection."""

    def alone(_: int) -> T:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(alone, range(count)))


@pytest.fixture
def open_scene(transactional_db: None, settings: Settings) -> Scene:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    return Scene(FakeStripe(secret=SECRET, now=int(START.timestamp())))


def test_fifty_copies_of_one_event_at_once_are_stored_once(open_scene: Scene) -> None:
    body = body_of()

    codes = at_once(50, lambda: post(Client(), body).status_code)

    assert codes == [200] * 50
    assert StripeEvent.objects.count() == 1


def test_eight_workers_on_one_inbox_open_one_case_per_invoice(open_scene: Scene) -> None:
    for _ in range(20):
        open_scene.fake.fail_invoice()
    open_scene.fake.deliver_all()

    at_once(8, lambda: process_due_events(at=timezone.now()))

    assert PaymentFailure.objects.count() == 20
    assert not StripeEvent.objects.exclude(status__in=["done", "ignored"]).exists()


def test_eight_passes_at_once_send_each_step_once(open_scene: Scene) -> None:
    for _ in range(10):
        open_scene.fail(next_attempt=None)

    reports = at_once(8, lambda: run_dunning_job(at=START + timedelta(days=1)))

    assert sum(report.sent for report in reports) == 10
    assert OutgoingMail.objects.filter(status="sent").count() == 10


def test_paying_while_a_pass_runs_never_leaves_a_paid_case_open(open_scene: Scene) -> None:
    invoices = [open_scene.fail(next_attempt=None) for _ in range(10)]
    for invoice in invoices:
        open_scene.fake.pay_invoice(invoice)
    open_scene.fake.deliver_all()
    moment = START + timedelta(days=14)
    jobs: Iterator[Callable[[], object]] = cycle(
        [partial(process_due_events, at=timezone.now()), partial(run_dunning_job, at=moment)]
    )

    def next_job() -> object:
        return next(jobs)()

    at_once(8, next_job)

    assert set(PaymentFailure.objects.values_list("status", flat=True)) == {"recovered"}
    assert not OutgoingMail.objects.filter(status="pending", is_driven_by_flow=True).exists()


@pytest.mark.parametrize("round_", range(3))
def test_a_mail_that_left_is_recorded_although_its_case_ended_meanwhile(open_scene: Scene, round_: int) -> None:
    for invoice in [open_scene.fail(next_attempt=None) for _ in range(12)]:
        open_scene.fake.pay_invoice(invoice)
    open_scene.fake.deliver_all()
    moment = START + timedelta(days=1)
    jobs: Iterator[Callable[[], object]] = cycle(
        [partial(run_dunning_job, at=moment), partial(process_due_events, at=timezone.now(), limit=3)]
    )

    def next_job() -> object:
        return next(jobs)()

    at_once(8, next_job)
    process_due_events(at=timezone.now())
    run_dunning_job(at=moment + timedelta(hours=1))

    left = OutgoingMail.objects.filter(name="billing/first_notice", status="sent")
    recorded = DunningEmail.objects.filter(email_type="day_1", sent_at__isnull=False)
    assert set(recorded.values_list("mail", flat=True)) == set(left.values_list("pk", flat=True))
    assert DunningStep.objects.filter(status="sent").count() == left.count()
    assert not DunningStep.objects.filter(status__in=["pending", "sending"]).exists()


@pytest.mark.parametrize("number", soak_all_but([0], [400, 1600]))
def test_shuffled_deliveries_end_as_stripe_itself_stands(open_scene: Scene, settings: Settings, number: int) -> None:
    """30 % of the deliveries are doubled, 10 % lost and found by reconciling: our open cases are Stripe's open debts."""
    chance = random.Random(20261102)
    fake = open_scene.fake
    while len(fake.pending_events()) < number:
        act_at_random(fake, chance)
    with fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = fake.api_key, fake.url
        deliveries = fake.deliver_all(shuffle=chance, duplicate=0.3, drop=0.1)
        process_due_events(at=timezone.now())
        reconcile_stripe(at=timezone.now(), look_back=timedelta(days=30))

    assert len(deliveries) > number
    ours = set(PaymentFailure.objects.unsettled().values_list("invoice_id", flat=True))
    assert ours == owed_at(fake)


def act_at_random(fake: FakeStripe, chance: random.Random) -> None:
    """Something that happens to a customer's invoice; the clock moves on."""
    fake.advance(chance.randint(60, 7200))
    invoice = fake.fail_invoice()
    for _ in range(chance.randint(0, 2)):
        fake.advance(chance.randint(3600, 90000))
        fake.fail_invoice(invoice)
    fake.advance(60)
    end = chance.choice(["pay", "pay", "out of band", "void", "forgive", "credit", "owe", "owe"])
    if end in {"pay", "out of band"}:
        fake.pay_invoice(invoice, out_of_band=end == "out of band")
    elif end == "void":
        fake.void_invoice(invoice)
    elif end == "forgive":
        fake.mark_uncollectible(invoice)
    elif end == "credit":
        fake.credit_invoice(invoice, fake.invoice(invoice).amount_remaining)


def owed_at(fake: FakeStripe) -> set[str]:
    failed = {event.body["id"] for event in fake.events if event.type == "invoice.payment_failed"}
    return {invoice for invoice in failed if fake.invoice(invoice).status == "open"}
