"""localstripe, which others wrote, as a client of our webhook: its signature, its payloads and its order of things.

A plain declined card makes it send nothing at all. A card that asks for confirmation and is declined after it makes it
send `invoice.payment_failed`, in the shape of 2017; `invoice.paid` it does not know.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from billing.dunning import run_dunning_job
from billing.models import PaymentFailure, StripeEvent
from billing.tests.make import SECRET
from billing.webhooks import PROCESS_TASK
from testing.brokers import free_port, is_listening, wait_until
from testing.processes import Processes

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

GOOD_CARD, DECLINED_AFTER_CONFIRMATION = "4242424242424242", "4000008260003178"
# Its own start binds every address of the machine, and what it knows goes to a file that all share.
ALONE = (
    "import sys; from aiohttp import web; from localstripe import resources, server; "
    "resources.Store.dump_to_disk = lambda self: None; "
    "web.run_app(server.app, host='127.0.0.1', port=int(sys.argv[1]))"
)

type Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(processes: Processes) -> Call:
    """Asks a localstripe that knows our webhook; gives the answer's body, whatever its status."""
    ours, theirs = free_port(), free_port()
    processes.run("python", "-c", ALONE, str(theirs))
    processes.start("worker")
    processes.serve(ours)
    wait_until(lambda: is_listening(theirs), what="localstripe answers")

    def ask(path: str, method: str = "POST", **params: Any) -> dict[str, Any]:
        url, headers = f"http://127.0.0.1:{theirs}{path}", {"Authorization": "Bearer sk_test_12345"}
        answer = requests.request(method, url, json=params or None, headers=headers, timeout=30)
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body

    ask("/_config/webhooks/levqor", url=f"http://127.0.0.1:{ours}/api/webhooks/stripe", secret=SECRET)
    return ask


def use_card(call: Call, customer: str, number: str) -> None:
    card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    method = call("/v1/payment_methods", type="card", card=card)["id"]
    call(f"/v1/payment_methods/{method}/attach", customer=customer)
    call(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method})


def plan(call: Call, interval: str, amount: int) -> str:
    product = {"name": f"Growth, by the {interval}"}
    return str(call("/v1/plans", amount=amount, currency="gbp", interval=interval, product=product)["id"])


def owe_for_a_longer_plan(call: Call, customer: str, card: str) -> dict[str, Any]:
    """A monthly subscription that was paid for is changed to a yearly one, for which this card is to pay."""
    use_card(call, customer, GOOD_CARD)
    subscription = call("/v1/subscriptions", customer=customer, items=[{"plan": plan(call, "month", 2900)}])["id"]
    use_card(call, customer, card)
    changed = call(f"/v1/subscriptions/{subscription}", items=[{"plan": plan(call, "year", 29000)}])
    return call(f"/v1/invoices/{changed['latest_invoice']}", method="GET")


def confirm_in_vain(call: Call, invoice: dict[str, Any]) -> None:
    intent = call(f"/v1/payment_intents/{invoice['payment_intent']}", method="GET")
    path = f"/v1/payment_intents/{intent['id']}/_authenticate"
    call(path, client_secret=intent["client_secret"], success=True)


def states() -> set[tuple[str, str]]:
    return set(PaymentFailure.objects.values_list("invoice_id", "status"))


def test_a_payment_that_fails_at_localstripe_is_dunned_and_recovered(processes: Processes, call: Call) -> None:
    customer = call("/v1/customers", email="local@example.com", name="Local Ltd")["id"]
    invoice = owe_for_a_longer_plan(call, customer, DECLINED_AFTER_CONFIRMATION)
    confirm_in_vain(call, invoice)
    wait_for(processes, lambda: states() == {(invoice["id"], "open")}, what="the failure opens a case")

    case = PaymentFailure.objects.get()
    assert (case.amount_cents, case.currency, case.account.billing_email) == (26100, "gbp", "local@example.com")
    assert run_dunning_job(at=at_noon(case.failure_date + timedelta(days=1))).sent == 1

    use_card(call, customer, GOOD_CARD)
    call(f"/v1/invoices/{invoice['id']}/pay")
    wait_for(processes, lambda: states() == {(invoice["id"], "recovered")}, what="the payment settles the case")
    case.refresh_from_db()
    assert (case.recovered_cents, case.recovered_after_step) == (26100, 1)


def test_what_localstripe_tells_of_a_payment_that_went_well_opens_nothing(processes: Processes, call: Call) -> None:
    customer = call("/v1/customers", email="local@example.com", name="Local Ltd")["id"]
    invoice = owe_for_a_longer_plan(call, customer, GOOD_CARD)
    paid = StripeEvent.objects.filter(type="invoice.payment_succeeded", invoice_id=invoice["id"])

    wait_for(processes, lambda: paid.filter(status="done").exists(), what="the worker hears of the payment")

    assert not PaymentFailure.objects.exists()


def wait_for(processes: Processes, condition: Callable[[], bool], *, what: str) -> None:
    """As beat does, the worker is woken every second: the web process reaches it by itself where both have Redis."""
    wait_until(condition, what=what, meanwhile=lambda: processes.broker.publish(PROCESS_TASK))


def at_noon(moment: datetime) -> datetime:
    """The next noon from then on: in the send window."""
    noon = moment.replace(hour=12, minute=0)
    return noon if noon >= moment else noon + timedelta(days=1)
