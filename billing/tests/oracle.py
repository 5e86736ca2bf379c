"""What should become of failing invoices, said a second time and as simply as can be.

One customer after the other, one thing after the other: no database, no Stripe, nobody else at work at the same moment.
Nothing of the product is used in here. Whoever plays a history tells the oracle what happened at Stripe (`Debt`), what
news of it arrived, and when the worker ran; `Customer` says what the product should have made of it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEP_DAYS = (1, 7, 14)
BETWEEN_MAILS = timedelta(hours=48)
SETTLED = {"paid": "", "void": "voided", "forgiven": "forgiven"}


@dataclass
class Debt:
    """One invoice as it truly stands at Stripe. `given up` is uncollectible, and owed all the same."""

    total: int
    paid: int = 0
    credited: int = 0
    status: str = "open"
    is_service_over: bool = False
    next_attempt: datetime | None = None
    paid_at_failure: dict[datetime, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return self.total - self.credited - self.paid

    def fail(self, at: datetime, next_attempt: datetime | None) -> None:
        self.paid_at_failure[at] = self.paid
        self.next_attempt = next_attempt

    def pay(self, amount: int) -> None:
        self.paid += amount
        self._settle_if_nothing_is_left()

    def credit(self, amount: int) -> None:
        self.credited += amount
        self._settle_if_nothing_is_left()

    def _settle_if_nothing_is_left(self) -> None:
        if self.left == 0:
            self.end("paid")

    def end(self, status: str) -> None:
        self.status, self.next_attempt = status, None


@dataclass
class Step:
    number: int
    due: datetime
    status: str = "pending"
    sent_at: datetime | None = None


@dataclass
class Case:
    """What we should know and have done about one debt."""

    anchor: datetime
    steps: list[Step]
    seen_paid: int
    status: str = "open"
    reason: str = ""
    recovered: int = 0
    after_step: int | None = None
    paused_until: datetime | None = None
    has_suspended: bool = False

    @property
    def is_unsettled(self) -> bool:
        return self.status in {"open", "exhausted"}

    def next_step(self, at: datetime) -> Step | None:
        """The earliest unsent step, where its time has come."""
        waiting = [step for step in self.steps if step.status == "pending"]
        return waiting[0] if self.status == "open" and waiting and waiting[0].due <= at else None

    def last_sent(self) -> int | None:
        return max((step.number for step in self.steps if step.status == "sent"), default=None)

    def move_anchor(self, anchor: datetime) -> None:
        self.anchor = anchor
        for step, days in zip(self.steps, STEP_DAYS, strict=True):
            if step.status == "pending":
                step.due = anchor + timedelta(days=days)

    def stop_steps(self) -> None:
        for step in self.steps:
            if step.status == "pending":
                step.status = "cancelled"


@dataclass
class News:
    """What has arrived about one debt and was not worked on yet."""

    is_failure: bool = False
    is_end_of_service: bool = False


class Customer:
    """Several debts of one customer, and what we did about them."""

    def __init__(self) -> None:
        self.debts: dict[str, Debt] = {}
        self.cases: dict[str, Case] = {}
        self.news: dict[str, News] = {}
        self.failures_heard: dict[str, set[datetime]] = {}
        self.mails: list[tuple[datetime, str]] = []
        self.last_reminder: datetime | None = None
        self.is_suspended = False

    # What reaches us

    def hear(self, name: str, *, failed_at: datetime | None = None, is_end_of_service: bool = False) -> None:
        news = self.news.setdefault(name, News())
        news.is_end_of_service |= is_end_of_service
        if failed_at:
            news.is_failure = True
            self.failures_heard.setdefault(name, set()).add(failed_at)

    def work_off(self, at: datetime) -> None:
        """Whatever arrived is judged by how the debt stands now."""
        for name, news in self.news.items():
            self._judge(name, news, at)
        self.news = {}

    def look_at_everything(self, at: datetime) -> None:
        for name, case in self.cases.items():
            if case.is_unsettled:
                self._judge(name, News(), at)

    def _judge(self, name: str, news: News, at: datetime) -> None:
        debt, case = self.debts[name], self.cases.get(name)
        if debt.status in SETTLED:
            if case:
                self._end(name, at)
            return
        if news.is_failure:
            self._hear_of_failure(name)
            case = self.cases.get(name)
        if case and case.is_unsettled:
            case.seen_paid = debt.paid
            if news.is_end_of_service and debt.is_service_over:
                self._leave(name)

    def _hear_of_failure(self, name: str) -> None:
        debt, case, first = self.debts[name], self.cases.get(name), min(self.failures_heard[name])
        if case is None and not debt.is_service_over:
            steps = [Step(number, first + timedelta(days=days)) for number, days in enumerate(STEP_DAYS, start=1)]
            self.cases[name] = Case(first, steps, debt.paid)
        elif case and case.is_unsettled and first < case.anchor:
            case.move_anchor(first)

    # How a case ends

    def _end(self, name: str, at: datetime) -> None:
        debt, case = self.debts[name], self.cases[name]
        if case.status == "recovered" or (debt.status != "paid" and not case.is_unsettled):
            return
        had_steps, case.seen_paid = case.last_sent(), debt.paid
        self._close(name, "recovered" if debt.status == "paid" else "closed", SETTLED[debt.status])
        is_back = self._lift()
        if case.status == "recovered":
            case.after_step = had_steps
            if is_back or had_steps:
                self.mails.append((at, "restored" if is_back else "recovered"))

    def _leave(self, name: str) -> None:
        """Who has left is not reminded; who was suspended by then is not brought back."""
        if self.cases[name].status == "open":
            self.cases[name].seen_paid = self.debts[name].paid
            self._close(name, "closed", "subscription_ended")

    def stop(self, name: str) -> None:
        """A person ends the case."""
        if self.cases[name].is_unsettled:
            self._close(name, "closed", "stopped")
            self._lift()

    def _close(self, name: str, status: str, reason: str) -> None:
        case = self.cases[name]
        case.status, case.reason = status, reason
        case.recovered = case.seen_paid - self.debts[name].paid_at_failure[min(self.failures_heard[name])]
        case.stop_steps()

    def _lift(self) -> bool:
        """The service comes back unless another debt that led to its end is still owed."""
        was_suspended = self.is_suspended
        self.is_suspended &= any(case.is_unsettled and case.has_suspended for case in self.cases.values())
        return was_suspended and not self.is_suspended

    # A pass

    def remind(self, at: datetime, *, may_ask: bool, sees_end_of_service: bool) -> None:
        """One pass. `may_ask` is False while Stripe does not answer; who asks Stripe sees by itself who has left."""
        is_day = 8 <= at.hour < 18
        is_soon = self.last_reminder is not None and at - self.last_reminder < BETWEEN_MAILS
        ready = []
        for name, case in list(self.cases.items()):
            step = case.next_step(at)
            is_paused = case.paused_until is not None and case.paused_until > at
            if step and is_day and not is_soon and not is_paused and may_ask:
                self._judge(name, News(is_end_of_service=sees_end_of_service), at)
                if case.status == "open" and self._may_go(step, self.debts[name], at):
                    ready.append((case, step))
        for case, step in ready:
            self._send(case, step, at)
        if ready:
            self.mails.append((at, "reminder"))

    def _may_go(self, step: Step, debt: Debt, at: datetime) -> bool:
        """The last notice waits for Stripe's own next attempt."""
        return step.number < len(STEP_DAYS) or debt.next_attempt is None or debt.next_attempt <= at

    def _send(self, case: Case, step: Step, at: datetime) -> None:
        step.status, step.sent_at = "sent", at
        self.last_reminder = at
        if step.number == len(STEP_DAYS):
            case.status, case.has_suspended, self.is_suspended = "exhausted", True, True
