"""What staff do about a dispute: take it, answer, note, ask, move it a stage up, settle it, and take it up again."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from disputes import emails
from disputes.customer import begin_stage, locked
from disputes.models import Dispute, DisputeStatus, Outcome, Stage
from disputes.stages import promise_answer
from levqor.accounts.models import Account
from levqor.cases.conversation import staff_writes
from levqor.cases.files import JudgedFile
from levqor.cases.models import CaseMessage, Deadline
from levqor.cases.models.deadline import close_case, reopen_case
from levqor.lib.actors import Actor
from levqor.lib.states import IllegalMoveError

type Files = Sequence[JudgedFile]


def take_up(dispute: Dispute, *, by: Actor, at: datetime) -> None:
    """Whoever takes it up owns it."""
    _refuse_unless_open(dispute)
    dispute.case.assign(by.user_id, by=by, at=at)


def hand_over(dispute: Dispute, *, to_user_id: int | None, by: Actor, at: datetime, reason: str) -> None:
    """Gives it to somebody else of the staff, or back to the queue."""
    _refuse_unless_open(dispute)
    dispute.case.assign(to_user_id, by=by, at=at, reason=reason)


def tie(dispute: Dispute, account: Account, *, by: Actor, at: datetime, reason: str) -> None:
    """Says whose dispute it is, where the address did not."""
    _refuse_unless_open(dispute)
    dispute.case.tie_to(account, by=by, at=at, reason=reason)


def note(dispute: Dispute, body: str, *, by: Actor, at: datetime, files: Files = ()) -> None:
    """For staff alone, its files too."""
    staff_writes(dispute.case, body, is_public=False, by=by, at=at, files=files)


def reply(dispute: Dispute, body: str, *, by: Actor, at: datetime, files: Files = ()) -> None:
    """Something on the way: the promise to answer stays."""
    with transaction.atomic():
        message = staff_writes(dispute.case, body, is_public=True, by=by, at=at, files=files)
        emails.replied(dispute, message, at=at)


def ask(dispute: Dispute, body: str, *, by: Actor, at: datetime, files: Files = ()) -> None:
    """Asks for something that the answer needs; until the customer writes, our clock stands."""

    def pause(now: Dispute) -> None:
        if now.stage == Stage.EXTERNAL:
            raise IllegalMoveError(f"{now} is outside of Levqor, where no clock of ours could stand: reply instead.")
        now.wait(by=by, at=at)
        if deadline := Deadline.objects.current_of(now.case):
            deadline.pause(at=at)

    _say(dispute, body, pause, emails.asked, by=by, at=at, files=files)


def answer(dispute: Dispute, body: str, *, by: Actor, at: datetime, files: Files = ()) -> None:
    """Our answer at this stage: the promise is kept, and the customer says whether it settles the matter."""

    def end(now: Dispute) -> None:
        now.answer(by=by, at=at)
        if deadline := Deadline.objects.current_of(now.case):
            deadline.end(at=at)

    _say(dispute, body, end, emails.answered, by=by, at=at, files=files)


def resolve(dispute: Dispute, outcome: Outcome, body: str, *, by: Actor, at: datetime, files: Files = ()) -> None:
    """Settles it and says how, on the page and by mail; the customer may still go a stage up."""

    def close(now: Dispute) -> None:
        now.resolve(outcome, by=by, at=at, reason=body)
        close_case(now.case, at=at)

    _say(dispute, body, close, emails.resolved, by=by, at=at, files=files)


def move_up(dispute: Dispute, why: str, *, by: Actor, at: datetime) -> None:
    """One stage up by us, with the reason that the customer reads; a new promise begins."""
    before = dispute.get_stage_display()

    def begin(now: Dispute) -> None:
        now.move_up(by=by, at=at, reason=why)
        begin_stage(now, at=at)

    def tell(now: Dispute, message: CaseMessage, *, at: datetime) -> None:
        emails.moved_up(now, before, why=message.body, at=at)

    _say(dispute, why, begin, tell, by=by, at=at)


def reopen(dispute: Dispute, why: str, *, by: Actor, at: datetime) -> None:
    """Takes a settled dispute up again at its stage, with a new promise."""
    if dispute.status != DisputeStatus.RESOLVED:
        raise IllegalMoveError(f"{dispute} is {dispute.status}: only what is resolved can be taken up again.")

    def begin(now: Dispute) -> None:
        now.open_again(by=by, at=at, reason=why)
        reopen_case(now.case)
        if now.stage != Stage.EXTERNAL:
            promise_answer(now.case, Stage(now.stage), at=at)

    _say(dispute, why, begin, emails.reopened, by=by, at=at)


def _say(
    dispute: Dispute,
    body: str,
    move: Callable[[Dispute], None],
    tell: Callable[..., object],
    *,
    by: Actor,
    at: datetime,
    files: Files = (),
) -> None:
    """The move, the words on the page, and the mail: all or nothing."""
    with transaction.atomic():
        now = locked(dispute)
        move(now)
        message = staff_writes(now.case, body, is_public=True, by=by, at=at, files=files)
        tell(now, message, at=at)


def _refuse_unless_open(dispute: Dispute) -> None:
    if not dispute.is_open:
        raise IllegalMoveError(f"{dispute} is closed, so nobody has to have it.")
