"""Redis holds nothing unique: what comes while it is away is done once it is back, once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from billing.dunning import run_dunning_job
from billing.models import DunningStep, PaymentFailure, StripeEvent
from billing.tests.make import SECRET
from testing.brokers import OwnBroker, OwnRedis, free_port, wait_until
from testing.fake_resend import FakeResend
from testing.fake_stripe import FakeStripe
from testing.processes import Processes

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

BEATS = {"Stripe event inbox": 1.0, "Billing dunning processor": 1.0}


def tomorrow_morning() -> datetime:
    """Never before the real clock, by which the web process stores events; in everybody's send window."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)


def fail_and_deliver(fake: FakeStripe, count: int) -> set[int]:
    """So many customers' payments fail; returns the codes with which their events were answered."""
    for _ in range(count):
        fake.fail_invoice(next_attempt=None)
    return {delivery.status for delivery in fake.deliver_all()}


def test_what_came_and_fell_due_while_redis_was_lost_is_done_afterwards(
    processes: Processes, broker: OwnBroker, resend: FakeResend
) -> None:
    if not isinstance(broker, OwnRedis):
        pytest.skip("The folder broker has no server to lose; REDIS_URL runs this on Redis.")
    port, morning = free_port(), tomorrow_morning()
    yesterday = int((morning - timedelta(days=1, minutes=1)).timestamp())
    fake = FakeStripe(secret=SECRET, now=yesterday, webhook_url=f"http://127.0.0.1:{port}/api/webhooks/stripe")
    processes.serve(port)
    processes.start("worker")
    processes.start("beat", beats=BEATS)
    codes = fail_and_deliver(fake, 4)
    wait_until(lambda: PaymentFailure.objects.count() == 4, what="the first four are known")

    broker.stop()
    codes |= fail_and_deliver(fake, 4)
    processes.move_to(morning)
    broker.start()
    codes |= fail_and_deliver(fake, 4)
    broker.forget()
    wait_until(lambda: DunningStep.objects.filter(status="sent").count() == 12, what="all twelve are written to")

    assert codes == {200}
    assert not StripeEvent.objects.due(at=timezone.now()).exists()
    assert PaymentFailure.objects.count() == len(resend.mails) == 12
    assert run_dunning_job(at=morning + timedelta(minutes=30)).due == 0
