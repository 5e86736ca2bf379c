"""The fake's HTTP side, driven by the real client."""

import threading
from collections.abc import Iterator

import pytest
import stripe

from testing.fake_stripe import FakeStripe
from testing.stripe_facts import ACACIA


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe() as server:
        yield server


@pytest.fixture
def client(fake: FakeStripe) -> stripe.StripeClient:
    return make_client(fake)


def make_client(fake: FakeStripe, *, key: str = "sk_test_fake", timeout: float = 10) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=timeout)
    return stripe.StripeClient(key, base_addresses={"api": fake.url}, max_network_retries=0, http_client=http)


def test_invoice_is_answered_in_the_clients_version(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.api_version = ACACIA
    invoice_id = fake.fail_invoice()

    invoice = client.v1.invoices.retrieve(invoice_id)

    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == fake.invoice(invoice_id).subscription
    assert (invoice.status, invoice.attempt_count, invoice.amount_remaining) == ("open", 1, 2900)


def test_unknown_object_is_refused_as_stripe_does(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.retrieve("in_nowhere")

    assert (caught.value.http_status, caught.value.code, caught.value.param) == (404, "resource_missing", "id")


def test_wrong_key_is_refused(fake: FakeStripe) -> None:
    with pytest.raises(stripe.AuthenticationError):
        make_client(fake, key="sk_test_wrong").v1.customers.list()


def test_unknown_list_parameter_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: colour"):
        client.raw_request("get", "/v1/invoices", colour="red")


def test_invoices_are_filtered(fake: FakeStripe, client: stripe.StripeClient) -> None:
    failed = fake.invoice(fake.fail_invoice())
    paid = fake.fail_invoice(subscription=failed.subscription)
    fake.pay_invoice(paid)
    fake.fail_invoice()

    of_customer = client.v1.invoices.list({"customer": failed.customer})
    still_open = client.v1.invoices.list({"subscription": str(failed.subscription), "status": "open"})

    assert [row.id for row in of_customer.data] == [paid, failed.id]
    assert [row.id for row in still_open.data] == [failed.id]


def test_invoices_are_filtered_by_time(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.add_invoice()
    later = fake.advance(60)
    newer = fake.add_invoice()

    rows = client.v1.invoices.list({"created": {"gte": later}})

    assert [row.id for row in rows.data] == [newer]


def test_cancelled_subscriptions_are_listed_on_request_only(fake: FakeStripe, client: stripe.StripeClient) -> None:
    kept, gone = (fake.add_subscription(fake.add_customer()) for _ in range(2))
    fake.cancel_subscription(gone)

    assert [row.id for row in client.v1.subscriptions.list().data] == [kept]
    assert {row.id for row in client.v1.subscriptions.list({"status": "all"}).data} == {kept, gone}


def test_deleted_customer_answers_with_a_stub(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()
    subscription_id = fake.add_subscription(customer_id)
    fake.delete_customer(customer_id)

    assert client.v1.customers.retrieve(customer_id).deleted is True
    assert client.v1.customers.list().data == []
    assert client.v1.subscriptions.retrieve(subscription_id).status == "canceled"


def test_events_page_newest_first(fake: FakeStripe, client: stripe.StripeClient) -> None:
    for _ in range(5):
        fake.add_customer()
        fake.advance(1)

    first = client.v1.events.list({"limit": 2})
    every = list(client.v1.events.list({"limit": 2}).auto_paging_iter())

    assert first.has_more is True
    assert [row.id for row in every] == fake.event_ids()[::-1]


def test_events_are_filtered_by_type_and_delivery(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.fail_invoice()
    missed = fake.fail_invoice()
    seen, unseen = fake.event_ids("invoice.payment_failed")
    fake.mark_delivered(seen)

    rows = client.v1.events.list({"types": ["invoice.payment_failed", "invoice.paid"], "delivery_success": False})

    assert [row.id for row in rows.data] == [unseen]
    assert rows.data[0].data.object["id"] == missed


def test_fields_are_expanded(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice_id = fake.fail_invoice()

    invoice = client.v1.invoices.retrieve(
        invoice_id, {"expand": ["customer", "payments", "parent.subscription_details.subscription"]}
    )

    assert isinstance(invoice.customer, stripe.Customer)
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.payment_intent == fake.invoice(invoice_id).payment_intent
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert isinstance(invoice.parent.subscription_details.subscription, stripe.Subscription)


def test_fields_of_list_rows_are_expanded(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.fail_invoice()

    rows = client.v1.invoices.list({"expand": ["data.customer"]}).data

    assert isinstance(rows[0].customer, stripe.Customer)


def test_payment_objects_are_found(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice = fake.invoice(fake.fail_invoice(decline_code="expired_card"))

    payment = client.v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    intent = client.v1.payment_intents.retrieve(str(payment.payment.payment_intent))
    charge = client.v1.charges.retrieve(str(intent.latest_charge))

    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "expired_card"
    assert (charge.status, charge.id) == ("failed", invoice.charge)


def test_portal_session_opens_for_a_customer(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()

    session = client.v1.billing_portal.sessions.create(
        {"customer": customer_id, "return_url": "https://x.example", "flow_data": {"type": "payment_method_update"}}
    )

    assert session.url.startswith("https://billing.stripe.example/")
    assert session.flow is not None
    assert session.flow.type == "payment_method_update"


def test_portal_session_is_refused_for_a_deleted_customer(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()
    fake.delete_customer(customer_id)

    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.billing_portal.sessions.create({"customer": customer_id})


def test_subscription_default_card_can_be_changed(fake: FakeStripe, client: stripe.StripeClient) -> None:
    subscription_id = fake.add_subscription(fake.add_customer())
    card = fake.add_payment_method(fake.subscription(subscription_id).customer)

    client.v1.subscriptions.update(subscription_id, {"default_payment_method": card})

    assert fake.subscription(subscription_id).default_payment_method == card


def test_movements_of_a_balance_are_listed_page_by_page(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer, other = fake.add_customer(), fake.add_customer()
    service = client.v1.customers.balance_transactions
    made = [service.create(customer, {"amount": -number, "currency": "gbp"}).id for number in (1, 2, 3)]
    service.create(other, {"amount": -4, "currency": "gbp"})

    first = service.list(customer, {"limit": 2})
    second = service.list(customer, {"limit": 2, "starting_after": first.data[-1].id})

    assert [row.id for row in [*first.data, *second.data]] == made[::-1]
    assert (first.has_more, second.has_more) == (True, False)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        service.list("cus_nowhere")


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_500_is_replayed_until_its_key_is_forgotten(
    fake: FakeStripe, client: stripe.StripeClient, after_effect: bool
) -> None:
    customer = fake.add_customer()
    fake.break_next(after_effect=after_effect)

    def move() -> None:
        create = client.v1.customers.balance_transactions.create
        create(customer, {"amount": -5, "currency": "gbp"}, {"idempotency_key": "one"})

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            move()
        assert fake.customer(customer).balance == (-5 if after_effect else 0)
    fake.prune_keys()
    move()
    assert fake.customer(customer).balance == (-10 if after_effect else -5)


def test_credit_notes_and_balances_are_written(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice = fake.invoice(fake.add_invoice(amount=1000))

    client.v1.credit_notes.create({"invoice": invoice.id, "amount": 400})
    entry = client.v1.customers.balance_transactions.create(invoice.customer, {"amount": -500, "currency": "gbp"})

    assert fake.invoice(invoice.id).amount_remaining == 600
    assert (entry.ending_balance, fake.customer(invoice.customer).balance) == (-500, -500)


def test_pay_settles_and_names_the_request_in_its_events(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice_id = fake.fail_invoice()

    paid = client.v1.invoices.pay(invoice_id, options={"idempotency_key": "pay-1"})

    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert fake.last_event("invoice.paid").idempotency_key == "pay-1"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        client.v1.invoices.pay(invoice_id)


def test_pay_charges_the_subscription_card_before_the_customers(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()
    stale = fake.add_payment_method(customer_id)
    fresh = fake.add_payment_method(customer_id, default=True)
    invoice_id = fake.fail_invoice(subscription=fake.add_subscription(customer_id, default_payment_method=stale))
    fake.declines[stale] = "expired_card"

    with pytest.raises(stripe.CardError) as caught:
        client.v1.invoices.pay(invoice_id)
    client.v1.invoices.pay(invoice_id, {"payment_method": fresh})

    assert caught.value.error is not None
    assert caught.value.error.decline_code == "expired_card"
    assert fake.invoice(invoice_id).status == "paid"


def test_a_new_subscription_card_pays_an_old_invoice(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()
    stale, fresh = fake.add_payment_method(customer_id), fake.add_payment_method(customer_id)
    subscription_id = fake.add_subscription(customer_id, default_payment_method=stale)
    invoice_id = fake.fail_invoice(subscription=subscription_id)
    fake.declines[stale] = "expired_card"

    client.v1.subscriptions.update(subscription_id, {"default_payment_method": fresh})

    assert client.v1.invoices.pay(invoice_id).status == "paid"


def test_pay_refuses_the_card_of_a_stranger(fake: FakeStripe, client: stripe.StripeClient) -> None:
    card = fake.add_payment_method(fake.add_customer())

    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        client.v1.invoices.pay(fake.fail_invoice(), {"payment_method": card})


def test_manual_failures_do_not_move_the_retry_counter(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice = fake.invoice(fake.fail_invoice())
    fake.declines["*"] = "insufficient_funds"

    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(invoice.id)

    after = fake.invoice(invoice.id)
    assert (after.attempt_count, after.next_payment_attempt) == (1, invoice.next_payment_attempt)
    assert len(fake.event_ids("invoice.payment_failed")) == 2


def test_same_key_replays_the_answer_and_acts_once(fake: FakeStripe, client: stripe.StripeClient) -> None:
    customer_id = fake.add_customer()
    sessions = [
        client.v1.billing_portal.sessions.create({"customer": customer_id}, {"idempotency_key": "k"}) for _ in range(2)
    ]

    assert sessions[0].id == sessions[1].id
    assert sessions[1].last_response is not None
    assert sessions[1].last_response.headers["Idempotent-Replayed"] == "true"


def test_same_key_with_another_body_is_refused(fake: FakeStripe, client: stripe.StripeClient) -> None:
    one, other = fake.add_customer(), fake.add_customer()
    client.v1.billing_portal.sessions.create({"customer": one}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.billing_portal.sessions.create({"customer": other}, {"idempotency_key": "k"})

    assert caught.value.http_status == 400


def test_a_decline_is_replayed_until_keys_are_pruned(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice_id = fake.fail_invoice()
    fake.declines["*"] = "insufficient_funds"
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            client.v1.invoices.pay(invoice_id, options={"idempotency_key": "k"})
        fake.declines.clear()

    fake.prune_keys()

    assert client.v1.invoices.pay(invoice_id, options={"idempotency_key": "k"}).status == "paid"


def test_failures_come_as_often_as_told_and_where_told(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.fail_next(status=429, count=1, path_prefix="/v1/customers", retry_after=2, code="rate_limit")

    client.v1.invoices.list()
    with pytest.raises(stripe.RateLimitError) as caught:
        client.v1.customers.list()

    assert caught.value.headers is not None
    assert caught.value.headers["Retry-After"] == "2"
    assert client.v1.customers.list().data == []


def test_cut_happens_after_the_effect(fake: FakeStripe, client: stripe.StripeClient) -> None:
    invoice_id = fake.fail_invoice()
    fake.cut_after_effect()

    with pytest.raises(stripe.APIConnectionError):
        client.v1.invoices.pay(invoice_id, options={"idempotency_key": "k"})

    assert fake.invoice(invoice_id).status == "paid"
    assert client.v1.invoices.pay(invoice_id, options={"idempotency_key": "k"}).status == "paid"


def test_a_hanging_server_times_the_client_out(fake: FakeStripe) -> None:
    fake.hang(60)

    with pytest.raises(stripe.APIConnectionError):
        make_client(fake, timeout=0.2).v1.customers.list()


def test_whoever_hangs_is_released_by_heal(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.hang(60)
    rows: list[object] = []
    caller = threading.Thread(target=lambda: rows.append(client.v1.customers.list().data))
    caller.start()
    assert fake.wait_for_requests(1)

    fake.heal()
    caller.join(10)

    assert rows == [[]]


def test_a_server_that_is_down_can_come_back(fake: FakeStripe, client: stripe.StripeClient) -> None:
    fake.down = True
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()
    fake.down = False

    assert client.v1.customers.list().data == []


def test_requests_are_recorded(fake: FakeStripe, client: stripe.StripeClient) -> None:
    client.v1.events.list({"types": ["invoice.paid"], "created": {"gte": 5}})

    request = fake.requests[-1]
    assert (request.method, request.path) == ("GET", "/v1/events")
    assert request.params == {"types": {"0": "invoice.paid"}, "created": {"gte": "5"}}
    assert request.headers["authorization"] == "Bearer sk_test_fake"
