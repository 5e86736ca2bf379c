"""A small world for random histories: customers whose invoices fail at a fake Stripe, news that gets lost, outages, and
our side of it, all in one process and on one clock. The oracle is told what happens; at the end the two are compared.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import stripe

from billing import staff_actions
from billing.dunning import run_dunning_job
from billing.inbox import process_due_events
from billing.models import DunningStep, PaymentFailure
from billing.reconcile import reconcile_stripe
from billing.tests.oracle import Customer, Debt
from billing.webhooks import store_event
from levqor.accounts.models import Account, Suspension
from levqor.lib.actors import SYSTEM
from levqor.mail.models import OutgoingMail
from testing.fake_server import HangUpError
from testing.fake_stripe import FakeStripe
from testing.stripe_facts import API_VERSIONS, ENDIVE, EventFacts
from testing.stripe_payloads import event as event_body

START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
DAYS = 19
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
# What there is to hear. Of the other types, none of which could change a case, Stripe generates no event here: each costs
# time and proves nothing.
HEARD = frozenset(
    [
        "credit_note.created", "customer.subscription.deleted", "customer.subscription.updated",
        "invoice.marked_uncollectible", "invoice.paid", "invoice.payment_failed", "invoice.updated", "invoice.voided",
        "invoice_payment.paid",
    ]
)  # fmt: skip
# How often what happens to an invoice that has failed, in proportion.
DEEDS = {
    "retry": 6,
    "pay": 3,
    "pay elsewhere": 1,
    "pay a part": 4,
    "credit a part": 3,
    "credit the rest": 1,
    "void": 1,
    "forgive": 1,
    "give up": 1,
    "cancel": 1,
    "pause": 3,
    "resume": 2,
    "stop": 1,
}


class InProcess(stripe.HTTPClient):
    """The way of the SDK to the fake, without a socket between them."""

    name = "in-process"

    def __init__(self, fake: FakeStripe) -> None:
        super().__init__()
        self.fake = fake

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        request = self.fake.receive(method.upper(), f"{parts.path}?{parts.query}", lowered, (post_data or "").encode())
        try:
            answer = self.fake.serve(request)
        except HangUpError:
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # as the SDK wrote it
                "the fake is down"
            ) from None
        return json.dumps(answer.body), answer.status, answer.headers


@dataclass(frozen=True)
class Conditions:
    """Under what a world is played. Without a key nothing is lost and nobody is asked."""

    has_key: bool
    version: str
    loss: float = 0.0
    stripe_is_down: frozenset[int] = frozenset()
    worker_is_down: frozenset[int] = frozenset()
    reconciles: frozenset[int] = frozenset()


def draw_conditions(chance: random.Random, *, has_key: bool, ticks: int) -> Conditions:
    worker = _outage(chance, ticks, longest=9) if chance.random() < 0.6 else frozenset()
    if not has_key:
        return Conditions(False, chance.choice(API_VERSIONS), worker_is_down=worker)
    return Conditions(
        True,
        chance.choice(API_VERSIONS),
        loss=chance.choice([0.0, 0.1, 0.3, 1.0]),
        stripe_is_down=_outage(chance, ticks, longest=4) | _outage(chance, ticks, longest=2),
        worker_is_down=worker,
        reconciles=frozenset({chance.randrange(ticks), ticks - 1}),
    )


def _outage(chance: random.Random, ticks: int, *, longest: int) -> frozenset[int]:
    begins = chance.randrange(ticks - longest - 2)
    return frozenset(range(begins, begins + chance.randint(1, longest)))


def ticks_of(chance: random.Random) -> list[datetime]:
    """The moments at which the worker runs: mornings, afternoons and some nights, then two days more."""
    hours = [[10, 16, *([3] if chance.random() < 0.3 else [])] for _ in range(DAYS)]
    return [START.replace(hour=hour) + timedelta(days=day) for day, those in enumerate(hours) for hour in sorted(those)]


@dataclass
class Person:
    """A customer at the fake, what the oracle thinks, and what happened, for whoever reads a failed test."""

    id: str
    expected: Customer = field(default_factory=Customer)
    starts: dict[int, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)


class World:
    def __init__(self, seed: int, *, has_key: bool, people: int) -> None:
        self.chance = random.Random(seed)
        self.ticks = ticks_of(self.chance)
        self.conditions = draw_conditions(self.chance, has_key=has_key, ticks=len(self.ticks))
        self.fake = FakeStripe(now=int(START.timestamp()), api_version=self.conditions.version)
        self.people = [self._new_person(number) for number in range(people)]
        self.owner_of: dict[str, Person] = {}
        self.invoice_of: dict[str, str] = {}
        self.told: set[str] = set()
        self.lost: list[EventFacts] = []

    def _new_person(self, number: int) -> Person:
        person = Person(self.fake.add_customer(email=f"p{number}@example.com", name=f"Person {number}"))
        for _ in range(self.chance.choice([1, 2])):
            person.starts[self.chance.randrange(8)] = self.chance.randint(2, 9999)
        return person

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.fake.now, UTC)

    def play(self) -> None:
        for number, moment in enumerate(self.ticks):
            self._happen(number, moment)
            self._deliver(moment)
            is_reachable = number not in self.conditions.stripe_is_down
            self.fake.down = not is_reachable
            if number not in self.conditions.worker_is_down:
                self._work(number, moment, is_reachable=is_reachable)
            self.fake.down = False

    # What happens to people

    def _happen(self, number: int, moment: datetime) -> None:
        """In the hour before the moment, one thing after the other."""
        self.fake.now = int((moment - timedelta(hours=1)).timestamp())
        for person in self.people:
            if number in person.starts:
                self._begin(person, person.starts[number])
            for invoice, debt in person.expected.debts.items():
                if debt.paid_at_failure and self.chance.random() < 0.07:
                    self._do(person, invoice, debt)

    def _begin(self, person: Person, total: int) -> None:
        subscription = self.fake.add_subscription(person.id)
        invoice = self.fake.add_invoice(subscription=subscription, amount=total)
        self.owner_of |= {invoice: person, subscription: person}
        self.invoice_of |= {invoice: invoice, subscription: invoice}
        debt = person.expected.debts[invoice] = Debt(total)
        if self.chance.random() < 0.2 and debt.left > 1:
            self._pay_a_part(invoice, debt)
        self._retry(invoice, debt)
        person.log.append(f"{self.now:%d %H:%M:%S} {invoice} of {total} fails, next attempt {debt.next_attempt}")

    def _do(self, person: Person, invoice: str, debt: Debt) -> None:
        self.fake.advance(1)
        possible = list(self._possible(person, invoice, debt))
        if not possible:
            return
        deed = self.chance.choices(possible, [DEEDS[name] for name in possible])[0]
        if deed in {"pause", "resume", "stop"}:
            self._steer(person, invoice, deed)
        else:
            getattr(self, f"_{deed.replace(' ', '_')}")(invoice, debt)
        person.log.append(f"{self.now:%d %H:%M:%S} {deed} {invoice}, left {debt.left}, next {debt.next_attempt}")

    def _possible(self, person: Person, invoice: str, debt: Debt) -> Iterator[str]:
        case = person.expected.cases.get(invoice)
        if case and case.is_unsettled:
            yield from ("stop", "resume" if case.paused_until and case.paused_until > self.now else "pause")
        if debt.status not in {"open", "given up", "forgiven"}:
            return
        yield from ("pay", "pay elsewhere")
        if debt.status == "open":
            yield from ("retry", "void", "forgive", "credit the rest")
            if debt.left > 1:
                yield from ("pay a part", "credit a part")
            if self.conditions.has_key or self.conditions.version == ENDIVE:
                yield "give up"
            if not debt.is_service_over:
                yield "cancel"

    def _retry(self, invoice: str, debt: Debt) -> None:
        again = self.chance.choice([None, None, self.now + timedelta(days=self.chance.randint(1, 18))])
        self.fake.fail_invoice(invoice, next_attempt=int(again.timestamp()) if again else None)
        debt.fail(self.now, again)

    def _pay(self, invoice: str, debt: Debt) -> None:
        self.fake.pay_invoice(invoice, automatic=self.chance.random() < 0.5)
        debt.pay(debt.left)

    def _pay_elsewhere(self, invoice: str, debt: Debt) -> None:
        self.fake.pay_invoice(invoice, out_of_band=True)
        debt.pay(debt.left)

    def _pay_a_part(self, invoice: str, debt: Debt) -> None:
        amount = self.chance.randrange(1, debt.left)
        self.fake.pay_invoice(invoice, amount=amount)
        debt.pay(amount)

    def _credit_a_part(self, invoice: str, debt: Debt) -> None:
        amount = self.chance.randrange(1, debt.left)
        self.fake.credit_invoice(invoice, amount)
        debt.credit(amount)

    def _credit_the_rest(self, invoice: str, debt: Debt) -> None:
        self.fake.credit_invoice(invoice, debt.left)
        debt.credit(debt.left)

    def _void(self, invoice: str, debt: Debt) -> None:
        self.fake.void_invoice(invoice)
        debt.end("void")

    def _forgive(self, invoice: str, debt: Debt) -> None:
        self.fake.mark_uncollectible(invoice)
        debt.end("forgiven")

    def _give_up(self, invoice: str, debt: Debt) -> None:
        self.fake.mark_uncollectible(invoice, reason="max_payment_attempts")
        debt.end("given up")

    def _cancel(self, invoice: str, debt: Debt) -> None:
        self.fake.cancel_subscription(str(self.fake.invoice(invoice).subscription))
        debt.is_service_over = True

    def _steer(self, person: Person, invoice: str, deed: str) -> None:
        """A person of ours acts on the case, which has to be there and to be as the oracle thinks."""
        case, expected = PaymentFailure.objects.get(invoice_id=invoice), person.expected.cases[invoice]
        if deed == "pause":
            until = self.chance.choice([None, self.now + timedelta(days=self.chance.randint(1, 9))])
            staff_actions.pause(case, until=until, by=SYSTEM, at=self.now, reason="drawn")
            expected.paused_until = until or NEVER
        elif deed == "resume":
            staff_actions.resume(case, by=SYSTEM, at=self.now, reason="drawn")
            expected.paused_until = None
        else:
            staff_actions.stop(case, by=SYSTEM, at=self.now, reason="drawn")
            person.expected.stop(invoice)

    # What reaches us

    def _deliver(self, moment: datetime) -> None:
        delivered: list[EventFacts] = []
        for event in self.fake.events:
            if event.type not in HEARD or event.body.get("status") == "past_due":
                del self.fake.objects[event.id]
            elif event.id not in self.told:
                (self.lost if self.chance.random() < self.conditions.loss else delivered).append(event)
                self.told.add(event.id)
        again = [event for event in delivered if self.chance.random() < 0.2]
        for event in self.chance.sample(delivered + again, len(delivered) + len(again)):
            body = event_body(event)
            store_event(body, json.dumps(body).encode(), at=moment)
        for event in delivered:
            self._tell_oracle(event)

    def _tell_oracle(self, event: EventFacts) -> None:
        key = event.body["id"] if event.body["object"] in {"invoice", "subscription"} else event.body.get("invoice")
        if key not in self.owner_of:
            return
        failed_at = datetime.fromtimestamp(event.created, UTC) if event.type == "invoice.payment_failed" else None
        is_end = event.type == "customer.subscription.deleted"
        self.owner_of[key].expected.hear(self.invoice_of[key], failed_at=failed_at, is_end_of_service=is_end)

    # Our side

    def _work(self, number: int, moment: datetime, *, is_reachable: bool) -> None:
        process_due_events(at=moment)
        if is_reachable:
            for person in self.people:
                person.expected.work_off(moment)
        if number in self.conditions.reconciles:
            self._reconcile(moment, is_reachable=is_reachable)
        foreseen = run_dunning_job(at=moment, dry_run=True) if self.chance.random() < 0.05 else None
        report = run_dunning_job(at=moment)
        assert foreseen is None or foreseen.as_dict() | {"dry_run": False} == report.as_dict()
        for person in self.people:
            person.expected.remind(moment, may_ask=is_reachable, sees_end_of_service=self.conditions.has_key)

    def _reconcile(self, moment: datetime, *, is_reachable: bool) -> None:
        report = reconcile_stripe(at=moment, look_back=timedelta(days=30))
        assert report.stripe == ("ok" if is_reachable else "unreachable")
        if not is_reachable:
            return
        for event in self.lost:
            self._tell_oracle(event)
        self.lost = []
        for person in self.people:
            person.expected.work_off(moment)
            person.expected.look_at_everything(moment)

    # The comparison

    def differences(self) -> list[str]:
        """One paragraph for each person of whom the product and the oracle do not think alike."""
        return [
            f"{person.id}, {self.conditions}\n  oracle:  {wanted}\n  product: {found}\n  " + "\n  ".join(person.log)
            for person in self.people
            if (wanted := _as_expected(person.expected)) != (found := _as_found(person))
        ]


def _as_expected(customer: Customer) -> dict[str, Any]:
    cases = {
        invoice: {
            "status": case.status,
            "reason": case.reason,
            "owed": customer.debts[invoice].left if case.is_unsettled else None,
            "recovered": case.recovered,
            "after": case.after_step,
            "steps": [(step.status, step.sent_at) for step in case.steps],
        }
        for invoice, case in customer.cases.items()
    }
    return {"suspended": customer.is_suspended, "mails": sorted(customer.mails), "cases": cases}


def _as_found(person: Person) -> dict[str, Any]:
    account = Account.objects.filter(stripe_customer_id=person.id).first()
    if account is None:
        return {"suspended": False, "mails": [], "cases": {}}
    names = OutgoingMail.objects.filter(account_id=account.pk).exclude(status="cancelled")
    mails = [(at, _kind(name)) for at, name in names.values_list("created_at", "name")]
    suspended = account.live_suspensions().filter(reason=Suspension.Reason.BILLING).exists()
    cases = {case.invoice_id: _case_as_found(case) for case in account.payment_failures.prefetch_related("steps")}
    return {"suspended": suspended, "mails": sorted(mails), "cases": cases}


def _kind(name: str) -> str:
    return "reminder" if name.endswith("_notice") else name.removeprefix("billing/")


def _case_as_found(case: PaymentFailure) -> dict[str, Any]:
    steps: list[DunningStep] = sorted(case.steps.all(), key=lambda step: step.attempt_number)
    return {
        "status": case.status,
        "reason": case.close_reason,
        "owed": case.amount_cents if case.is_unsettled else None,
        "recovered": case.recovered_cents,
        "after": case.recovered_after_step,
        "steps": [(step.status, step.sent_at) for step in steps],
    }
