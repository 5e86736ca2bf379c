"""The billing dunning processor: what is due goes out, in the customer's day, once, and only while it is still owed.

One pass is harmless when run twice, at once or late: each step is claimed by a conditional UPDATE with a lease, its mail
is a row with a key of its own, and what a crash left half-way is taken up by a later pass with the same row.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from billing import emails
from billing.failures import flag_case
from billing.holds import (
    Hold,
    Wish,
    last_mail_at,
    reason_to_wait,
)
from billing.live_check import RETRY_PATIENCE, Checkpoint, Verdict
from billing.models import DunningEmail, DunningStep, FailureStatus, Flag, PaymentFailure, StepStatus
from billing.notices import send_wanted_mail, wanted_mails
from billing.steps import (
    PLANNED,
    SEND_TASK,
    Plan,
    cancel_pending_dunning_events,
    cancel_step_in_hand,
    create_dunning_events,
    has_left,
    move_step,
    plan_steps,
)
from billing.suspension import is_suspended_for_debt, may_suspend, suspend_if_due, suspension_moment
from levqor.accounts.models import Account
from levqor.lib.actors import SYSTEM
from levqor.lib.nudge import nudge
from levqor.lib.passes import PassClock, is_database_away
from levqor.lib.states import StaleStateError, move
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.outbox import deliver

__all__ = ["cancel_pending_dunning_events", "create_dunning_events", "run_dunning_job", "send_dunning_email"]
logger = structlog.get_logger(__name__)
LEASE = timedelta(seconds=120)
# A periodic pass leaves the worker to others after so long; another one goes on with the rest.
PASS_SECONDS = 45
HOLD_OF_VERDICT = {
    Verdict.RETRYING: Hold.STRIPE_RETRIES,
    Verdict.UNREACHABLE: Hold.STRIPE_UNREACHABLE,
    Verdict.UNKNOWN: Hold.UNKNOWN_INVOICE,
    Verdict.ODD: Hold.ODD_STATE,
    Verdict.UNDER_WAY: Hold.PAYMENT_UNDER_WAY,
    Verdict.FORBIDDEN: Hold.STRIPE_RIGHTS,
}
OUTCOME_OF_MAIL = {
    MailStatus.SENT: StepStatus.SENT,
    MailStatus.FAILED: StepStatus.FAILED,
    MailStatus.UNKNOWN: StepStatus.UNKNOWN,
    MailStatus.CANCELLED: StepStatus.CANCELLED,
}


@dataclass
class PassReport:
    """The counts of one pass; `due` is the sum of what became of each due step, `suspended` counts accounts. `crashed`
    counts customers and cases about which something happened that nobody foresaw: the log says what."""

    now: datetime
    dry_run: bool = False
    due: int = 0
    sent: int = 0
    held: int = 0
    skipped: int = 0
    cancelled: int = 0
    failed: int = 0
    suspended: int = 0
    crashed: int = 0
    held_because: Counter[Hold] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clock = PassClock(self.now)

    def hold(self, number: int, because: Hold) -> None:
        self.held += number
        self.held_because[because] += number

    def as_dict(self) -> dict[str, object]:
        """As `run_dunning_job` prints it."""
        counts = {name: getattr(self, name) for name in ("due", "sent", "held", "skipped", "cancelled", "failed")}
        return {"now": self.now.isoformat(), **counts, "suspended": self.suspended, "dry_run": self.dry_run}

    def held_in_words(self) -> list[str]:
        """Why due steps were held, the commonest first: `5 held: 48 h after the last mail`."""
        return [f"{number} held: {hold}" for hold, number in self.held_because.most_common()]


def run_dunning_job(*, at: datetime, dry_run: bool = False, seconds: float = math.inf) -> PassReport:
    """One pass over everything that is due at `at`, as if the clock read that. A dry run asks, and writes nothing.

    What the `seconds` are too few for is left to the next pass; the parts share them.
    """
    report = PassReport(at, dry_run)
    checkpoint = Checkpoint(at, dry_run, patience=RETRY_PATIENCE)
    parts: list[tuple[Iterable[Any], Callable[[Any], None]]] = [
        (_accounts_with_due_steps(at), lambda account_id: _process_account(account_id, report, checkpoint)),
        (_cases_to_suspend(at), lambda pk: _suspend_if_owed(pk, report, checkpoint)),
        (wanted_mails(checkpoint), lambda row: send_wanted_mail(row, checkpoint)),
    ]
    if not dry_run:
        left_over = DunningStep.objects.left_over(at=at).select_related("failure", "mail")
        parts.insert(0, (list(left_over), lambda step: _end_left_over(step, at=at)))
    for part, (rows, deed) in enumerate(parts, start=1):
        _each(rows, deed, report, until=seconds * part / len(parts))
    return report


def _each(rows: Iterable[Any], deed: Callable[[Any], None], report: PassReport, *, until: float) -> None:
    """Each by itself: what nobody foresaw about one holds up no other. It is counted, so that whoever runs the pass
    can say so in the end."""
    for row in rows:
        try:
            deed(row)
        except Exception as error:
            if is_database_away(error):
                raise
            logger.exception("dunning_crashed", row=str(row))
            report.crashed += 1
        if report.clock.seconds >= until:
            nudge(SEND_TASK)
            return


def _accounts_with_due_steps(at: datetime) -> list[int]:
    """In an order of this pass's own: passes at once would else go from account to account together, each waiting for
    the one that came there first."""
    due = DunningStep.objects.due(at=at).order_by("failure__account_id")
    accounts = list(due.values_list("failure__account_id", flat=True).distinct())
    random.shuffle(accounts)
    return accounts


def _process_account(account_id: int, report: PassReport, checkpoint: Checkpoint) -> None:
    at = report.now
    due_now = DunningStep.objects.due(at=at).filter(failure__account_id=account_id)
    due = list(due_now.select_related("failure__account", "mail"))
    if not due:
        return
    report.due += len(due)
    account = due[0].failure.account
    plan = plan_steps(account, due, last_mail_at(account), at=at)
    ready = list(_pass_checkpoint(plan, due, report, checkpoint))
    for step, hold in plan.held:
        report.hold(1, hold)
        _note_hold(step, hold, report)
    for _, group in groupby(sorted(ready, key=lambda step: str(step.mail_id or "")), key=lambda step: step.mail_id):
        steps = list(group)
        if report.dry_run:
            _foresee(steps, report)
        else:
            send_dunning_email(steps, report=report)


def _pass_checkpoint(
    plan: Plan, due: list[DunningStep], report: PassReport, checkpoint: Checkpoint
) -> Iterator[DunningStep]:
    """Yields the steps whose invoice is still owed; a case that is over takes all of its due steps with it."""
    for step in list(plan.ready):
        if has_left(step):
            yield step
            continue
        verdict = checkpoint.look_at(step.failure, is_final=step.suspends)
        if verdict is Verdict.OVER:
            report.cancelled += sum(other.failure_id == step.failure_id for other in due)
            plan.held = [(other, hold) for other, hold in plan.held if other.failure_id != step.failure_id]
        elif verdict is not Verdict.OWED:
            plan.held.append((step, HOLD_OF_VERDICT[verdict]))
        elif not step.mail_id and not emails.working_address(step.failure.account, is_final=step.is_final):
            plan.held.append((step, Hold.NO_ADDRESS))
        else:
            yield step


def _note_hold(step: DunningStep, hold: Hold, report: PassReport) -> None:
    if report.dry_run or hold is Hold.EARLIER_STEP:
        return
    if hold is Hold.NO_ADDRESS:
        flag_case(step.failure, Flag.NO_ADDRESS, at=report.now)
    if step.failure.hold_reason != hold:
        # What ended since waits for nothing.
        PaymentFailure.objects.unsettled().filter(pk=step.failure_id).update(hold_reason=hold)


def _foresee(steps: list[DunningStep], report: PassReport) -> None:
    """What `send_dunning_email` would count, where the provider takes the mail."""
    report.sent += len(steps)
    suspends = any(may_suspend(step, step.failure) for step in steps)
    if suspends and suspension_moment(report.now) <= report.now and not is_suspended_for_debt(steps[0].failure.account):
        report.suspended += 1


def send_dunning_email(steps: list[DunningStep], *, report: PassReport) -> None:
    """Sends one mail for these steps of one customer: claim, write the mail, deliver, record.

    Each of the four is a transaction of its own (delivering is none), so that a crash leaves a state from which the next
    pass goes on with the same mail and the same key.
    """
    at = report.now
    is_over = all(has_left(step) for step in steps)
    claimed = [step for step in steps if _claim(step, report)]
    if not claimed:
        return
    mail = claimed[0].mail if is_over else _ready_mail(claimed, report)
    if mail is None:
        return
    outcome = deliver(mail, at=at, taken_at=report.clock.now())
    mine = list(DunningStep.objects.filter(mail=mail, status=StepStatus.SENDING).select_related("failure__account"))
    if outcome not in OUTCOME_OF_MAIL:
        mail.refresh_from_db()
        again = mail.lease_until or mail.next_attempt_at
        DunningStep.objects.filter(mail=mail, status=StepStatus.SENDING).update(lease_until=again)
        for step in mine:
            hold = Hold.PROVIDER if mail.first_attempt_at else Hold.MAIL_REFUSED
            report.hold(1, hold)
            _note_hold(step, hold, report)
        return
    ended = OUTCOME_OF_MAIL[outcome]
    name = {StepStatus.SENT: "sent", StepStatus.CANCELLED: "cancelled"}.get(ended, "failed")
    recorded = sum(_record(step, mail, ended, at=at) for step in mine)
    setattr(report, name, getattr(report, name) + recorded)


def _claim(step: DunningStep, report: PassReport) -> bool:
    """Takes the step for this pass: from the plan, or from a pass that died with it. The lease runs from this moment,
    which in a long pass is not that of its beginning."""
    at, lease = report.now, report.clock.now() + LEASE
    if step.status == StepStatus.SENDING:
        held = DunningStep.objects.filter(pk=step.pk, status=StepStatus.SENDING, lease_until=step.lease_until)
        return held.update(lease_until=lease) == 1
    try:
        move(step, StepStatus.SENDING, by=SYSTEM, at=at, lease_until=lease)
    except StaleStateError:
        return False
    return True


def _ready_mail(steps: list[DunningStep], report: PassReport) -> OutgoingMail | None:
    """The mail of these steps as it may leave now; None where nothing is left that may.

    The gate is asked on the rows as they are under the lock: the customer may have paid, or support paused or exempted, a
    moment ago. A mail that never left is written anew each time, so that it lists what is owed now.
    """
    at = report.now
    with transaction.atomic():
        account = Account.objects.locked(steps[0].failure.account_id)
        live = [step for step in steps if _may_still_leave(step, account, report)]
        if not live:
            return None
        known = next((step.mail for step in live if step.mail_id), None)
        if known and known.first_attempt_at and not emails.lists_settled(known, account):
            return known
        mail = emails.reminder(live, at=at, known=known)
        _let_go(known, live, at=at)
        DunningStep.objects.filter(pk__in=[step.pk for step in live]).update(mail=mail, email=mail.to_email)
        for step in live:
            _note_mail(step, mail)
    return mail


def _note_mail(step: DunningStep, mail: OutgoingMail) -> None:
    case = step.failure
    noted = DunningEmail.objects.filter(failure=case, step=step, instead_of=None, email_type=_type(step))
    if not noted.update(mail=mail, user=case.user):
        DunningEmail.objects.create(failure=case, step=step, email_type=_type(step), mail=mail, user=case.user)


def _may_still_leave(step: DunningStep, account: Account, report: PassReport) -> bool:
    """Asks the gate on the stored rows. What may not leave goes back to where a later pass, or nobody, takes it up."""
    at, sending = report.now, DunningStep.objects.filter(pk=step.pk, status=StepStatus.SENDING)
    stored = sending.select_related("mail", "failure__user").first()
    if stored is None:
        return False
    step.mail, step.failure = stored.mail, stored.failure
    step.failure.account = account
    if step.failure.status != FailureStatus.OPEN:
        report.cancelled += cancel_step_in_hand(step, at=at)
        return False
    hold = reason_to_wait(account, step.failure, Wish.STEP, at=at)
    if hold is None:
        return True
    if step.mail is None:
        move_step(step, StepStatus.PENDING, by=SYSTEM, at=at, lease_until=None)
    else:
        sending.update(lease_until=at)
    report.hold(1, hold)
    _note_hold(step, hold, report)
    return False


def _let_go(known: OutgoingMail | None, live: list[DunningStep], *, at: datetime) -> None:
    """Steps that shared the mail and may not leave with it as it is written now."""
    if known is None:
        return
    others = DunningStep.objects.filter(mail=known, status=StepStatus.SENDING)
    for step in others.exclude(pk__in=[step.pk for step in live]).select_related("failure"):
        is_open = step.failure.status == FailureStatus.OPEN
        DunningEmail.objects.filter(step=step, mail=known).delete()
        to = StepStatus.PENDING if is_open else StepStatus.CANCELLED
        move_step(step, to, by=SYSTEM, at=at, lease_until=None, mail=None)


def _type(step: DunningStep) -> str:
    return f"day_{step.offset_days}"


def _record(step: DunningStep, mail: OutgoingMail | None, outcome: StepStatus, *, at: datetime) -> bool:
    """Writes how the send ended; False where another pass did so first."""
    sent_at = mail.sent_at if mail and outcome == StepStatus.SENT else None
    try:
        with transaction.atomic():
            Account.objects.locked(step.failure.account_id)
            case = PaymentFailure.objects.get(pk=step.failure_id)
            move_step(step, outcome, by=SYSTEM, at=at, sent_at=sent_at, lease_until=None)
            DunningEmail.objects.filter(step=step, mail=mail).update(sent_at=sent_at)
            if case.is_unsettled and outcome in {StepStatus.FAILED, StepStatus.UNKNOWN}:
                flag_case(case, Flag.NOT_SENT if outcome == StepStatus.FAILED else Flag.UNKNOWN_SEND, at=at)
                case.refresh_from_db()
            _finish_ladder(step, case, sent_at, at=at)
    except StaleStateError:
        return False
    return True


def _end_left_over(step: DunningStep, *, at: datetime) -> None:
    """A send that a crash or a fault left half-way, and whose case has ended since: it is not tried again."""
    outcome = step.mail.call_off(at=at) if step.mail else MailStatus.CANCELLED
    if outcome in OUTCOME_OF_MAIL:
        _record(step, step.mail, OUTCOME_OF_MAIL[outcome], at=at)


def _finish_ladder(step: DunningStep, case: PaymentFailure, sent_at: datetime | None, *, at: datetime) -> None:
    """After the last step the case is exhausted, and its suspension falls due unless a person has to decide."""
    if case.hold_reason:
        PaymentFailure.objects.filter(pk=case.pk).update(hold_reason="")
    waiting = case.steps.filter(status__in=PLANNED)
    if case.status != FailureStatus.OPEN or waiting.exists():
        return
    moment = suspension_moment(sent_at) if sent_at and step.suspends else None
    case.exhaust(by=SYSTEM, at=at, suspend_at=moment)


def _cases_to_suspend(at: datetime) -> Iterator[int]:
    """Those whose final notice went out and whose hour has come, the one looked at longest ago first."""
    due = PaymentFailure.objects.suspension_due(at=at).order_by(F("checked_at").asc(nulls_first=True), "pk")
    # Ids and not rows, since SQLite refuses to write while a query of the same connection is still being read.
    yield from list(due.values_list("pk", flat=True))


def _suspend_if_owed(pk: int, report: PassReport, checkpoint: Checkpoint) -> None:
    case = PaymentFailure.objects.suspension_due(at=report.now).select_related("account").filter(pk=pk).first()
    if case is None or reason_to_wait(case.account, case, Wish.SUSPENSION, at=report.now):
        return
    if checkpoint.look_at(case, is_final=True) is not Verdict.OWED:
        return
    if report.dry_run:
        report.suspended += not is_suspended_for_debt(case.account)
    else:
        report.suspended += suspend_if_due(case, at=report.now)
