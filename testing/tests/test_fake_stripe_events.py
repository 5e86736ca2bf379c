"""What happens in the fake, which events tell of it, and how these are delivered."""

import json
import random
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe

from testing.fake_stripe import FakeStripe
from testing.fake_stripe_delivery import poster, sign
from testing.stripe_facts import ACACIA, ENDIVE


@pytest.fixture
def posted() -> list[bytes]:
    return []


@pytest.fixture
def fake(posted: list[bytes]) -> FakeStripe:
    """Not started: these tests need no port."""

    def take(body: bytes, headers: Mapping[str, str]) -> int:
        stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], "whsec_fake", tolerance=300)
        posted.append(body)
        return 200

    return FakeStripe(send=take)


def types_since(fake: FakeStripe, count: int) -> list[str]:
    return [event.type for event in fake.events[count:]]


def test_a_first_failure_tells_the_whole_story(fake: FakeStripe) -> None:
    subscription = fake.add_subscription(fake.add_customer())
    before = len(fake.events)

    fake.fail_invoice(subscription=subscription)

    assert types_since(fake, before) == [
        "invoice.created",
        "invoice.finalized",
        "customer.subscription.updated",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]
    assert fake.subscription(subscription).status == "past_due"
    assert fake.events[-1].previous_attributes == {"status": "active"}


def test_each_retry_counts_until_none_is_left(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()
    dates = [fake.invoice(invoice_id).next_payment_attempt]
    for _ in range(3):
        fake.fail_invoice(invoice_id)
        dates.append(fake.invoice(invoice_id).next_payment_attempt)

    days = [None if date is None else (date - fake.now) // 86_400 for date in dates]
    assert days == [3, 5, 7, None]
    assert fake.invoice(invoice_id).attempt_count == 4


def test_an_event_keeps_what_was_true_then(fake: FakeStripe) -> None:
    fake.api_version = ACACIA
    invoice_id = fake.fail_invoice()
    event = fake.last_event("invoice.payment_failed")
    fake.api_version = ENDIVE
    fake.pay_invoice(invoice_id)

    body = json.loads(fake.webhook(event.id)[0])

    assert (body["api_version"], body["created"]) == (ACACIA, fake.now)
    assert (body["data"]["object"]["status"], body["data"]["object"]["paid"]) == ("open", False)


def test_three_d_secure_asks_and_fails_at_once(fake: FakeStripe) -> None:
    before = len(fake.events)

    fake.require_action()

    assert types_since(fake, before)[-4:-1] == [
        "invoice.updated",
        "invoice.payment_action_required",
        "invoice.payment_failed",
    ]


def test_a_first_invoice_leaves_the_subscription_incomplete(fake: FakeStripe) -> None:
    subscription = fake.add_subscription(fake.add_customer(), status="incomplete")

    fake.fail_invoice(subscription=subscription, billing_reason="subscription_create")

    assert fake.subscription(subscription).status == "incomplete"


def test_a_one_off_invoice_touches_no_subscription(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice(customer=fake.add_customer(), amount=500, currency="jpy")

    invoice = fake.invoice(invoice_id)
    assert (invoice.subscription, invoice.billing_reason, invoice.amount_due) == (None, "manual", 500)


def test_payment_revives_the_subscription(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()
    before = len(fake.events)

    fake.pay_invoice(invoice_id)

    assert types_since(fake, before) == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]
    assert fake.subscription(str(fake.invoice(invoice_id).subscription)).status == "active"


def test_out_of_band_payment_has_no_charge(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()
    before = len(fake.events)

    fake.pay_invoice(invoice_id, out_of_band=True)

    assert types_since(fake, before)[:2] == ["invoice.updated", "invoice.paid"]
    assert fake.invoice(invoice_id).paid_out_of_band is True


def test_part_payment_leaves_the_invoice_open(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()

    fake.pay_invoice(invoice_id, amount=900)
    part = fake.invoice(invoice_id)
    fake.pay_invoice(invoice_id)

    assert (part.status, part.amount_remaining) == ("open", 2000)
    assert fake.invoice(invoice_id).status == "paid"
    assert [payment.amount_paid for payment in fake.payments(invoice_id)] == [900, 2000]


def test_overpayment_is_told_once(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()

    fake.pay_invoice(invoice_id, amount=3000)

    assert fake.invoice(invoice_id).amount_overpaid == 100
    assert len(fake.event_ids("invoice.overpaid")) == 1


def test_credit_note_can_settle_an_invoice(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()

    fake.credit_invoice(invoice_id, 900)
    assert fake.invoice(invoice_id).amount_remaining == 2000
    fake.credit_invoice(invoice_id, 2000)

    assert fake.invoice(invoice_id).status == "paid"
    assert len(fake.event_ids("invoice.paid")) == 1


@pytest.mark.parametrize(
    ("verb", "status", "event"),
    [
        ("void_invoice", "void", "invoice.voided"),
        ("mark_uncollectible", "uncollectible", "invoice.marked_uncollectible"),
    ],
)
def test_an_invoice_can_end_unpaid(fake: FakeStripe, verb: str, status: str, event: str) -> None:
    invoice_id = fake.fail_invoice()

    getattr(fake, verb)(invoice_id)

    assert (fake.invoice(invoice_id).status, fake.invoice(invoice_id).next_payment_attempt) == (status, None)
    assert fake.events[-1].type == event


def test_pause_and_resume_are_told(fake: FakeStripe) -> None:
    subscription = fake.add_subscription(fake.add_customer())

    fake.pause_subscription(subscription)
    fake.resume_subscription(subscription)

    paused = fake.last_event("customer.subscription.paused").body
    assert paused["status_details"]["paused"]["subscription"]["type"] == "final_payment_failure"
    assert fake.events[-1].type == "customer.subscription.resumed"


def test_pause_of_collection_keeps_the_status(fake: FakeStripe) -> None:
    subscription = fake.add_subscription(fake.add_customer())

    fake.pause_collection(subscription)

    assert fake.events[-1].previous_attributes == {"pause_collection": None}
    assert fake.subscription(subscription).status == "active"


def test_dispute_and_refund_follow_the_charge(fake: FakeStripe) -> None:
    invoice_id = fake.fail_invoice()
    fake.pay_invoice(invoice_id)

    dispute_id = fake.dispute_invoice(invoice_id)
    fake.close_dispute(dispute_id, status="won")
    fake.refund_invoice(invoice_id)

    assert fake.last_event("charge.dispute.created").body["charge"] == fake.invoice(invoice_id).charge
    assert fake.last_event("charge.dispute.closed").body["status"] == "won"
    assert fake.last_event("charge.refunded").body["refunded"] is True


def test_overdue_is_told(fake: FakeStripe) -> None:
    customer = fake.add_customer()
    invoice_id = fake.add_invoice(customer=customer, collection_method="send_invoice", due_date=fake.now)

    fake.overdue_invoice(invoice_id)

    assert fake.last_event("invoice.overdue").body["collection_method"] == "send_invoice"


def test_signature_is_the_one_stripe_computes() -> None:
    expected = stripe.WebhookSignature.generate_signature_header("{}", "whsec_x", timestamp=5)

    assert sign(b"{}", 5, "whsec_x") == expected


def test_delivery_marks_the_event(fake: FakeStripe, posted: list[bytes]) -> None:
    fake.add_customer()
    event_id = fake.event_ids()[0]

    deliveries = fake.deliver(event_id, times=2)

    assert [delivery.status for delivery in deliveries] == [200, 200]
    assert [json.loads(body)["id"] for body in posted] == [event_id] * 2
    assert fake.pending_events() == []


def test_thin_events_can_be_delivered(fake: FakeStripe, posted: list[bytes]) -> None:
    fake.fail_invoice()

    fake.deliver(fake.event_ids("invoice.payment_failed")[0], thin=True)

    notification = stripe.StripeClient("sk_test_fake").parse_event_notification(
        posted[0], fake.sign(posted[0]), "whsec_fake"
    )
    assert notification.type == "v1.invoice.payment_failed"


def test_rough_delivery_reorders_repeats_and_loses(fake: FakeStripe, posted: list[bytes]) -> None:
    for _ in range(40):
        fake.add_customer()

    fake.deliver_all(shuffle=random.Random(7), duplicate=0.3, drop=0.1)

    ids = [json.loads(body)["id"] for body in posted]
    assert set(ids) == set(fake.event_ids()) - set(fake.pending_events())
    assert len(ids) > len(set(ids))
    assert fake.pending_events()
    assert ids != sorted(ids)


def test_later_delivery_sends_what_was_lost(fake: FakeStripe) -> None:
    fake.fail_invoice()
    fake.deliver_all(drop=1.0)

    fake.deliver_all()

    assert fake.pending_events() == []


class Refusing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (overridden)
        """Keep the test output clean."""


@pytest.fixture
def refusing_url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        server.shutdown()


def test_refused_delivery_leaves_the_event_pending(refusing_url: str) -> None:
    fake = FakeStripe(webhook_url=refusing_url)
    fake.add_customer()

    deliveries = fake.deliver_all()

    assert [delivery.status for delivery in deliveries] == [503]
    assert fake.pending_events() == fake.event_ids()


def test_nobody_listening_is_status_zero() -> None:
    assert poster("http://127.0.0.1:9/hook")(b"{}", {}) == 0
