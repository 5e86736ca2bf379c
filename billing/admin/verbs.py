"""What staff may do on a case: one table of verbs, each with its words, its form, its call, and when it makes sense."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from billing import staff_actions
from billing.admin.forms import AddressForm, NoteForm, PauseForm, ResendForm, SkipForm, SteeringForm
from billing.models import FailureStatus, PaymentFailure, StepStatus
from billing.suspension import is_suspended_for_debt
from levqor.lib.actors import Actor

type Deed = Callable[[PaymentFailure, SteeringForm, Actor, datetime], object]


@dataclass(frozen=True)
class Verb:
    """One thing staff may do. `asks_stripe`: its call reads from Stripe, so it checks by itself what the person saw."""

    slug: str
    label: str
    explanation: str
    done: str
    deed: Deed
    is_possible: Callable[[PaymentFailure, datetime], bool]
    form: type[SteeringForm] = SteeringForm
    is_grave: bool = False
    asks_stripe: bool = False

    def carry_out(self, case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
        """Does it, while the case is as the person saw it. Raises ChangedError, RefusedError or what `move` raises."""
        if self.asks_stripe:
            self.deed(case, form, by, at)
            return
        with staff_actions.unchanged(case, seen=form.seen):
            self.deed(case, form, by, at)


def _why(form: SteeringForm) -> str:
    return str(form.cleaned_data["reason"])


def _pause(case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
    assert isinstance(form, PauseForm)  # noqa: S101  # the table below pairs the two
    staff_actions.pause(case, until=form.until(), by=by, at=at, reason=_why(form))


def _resend(case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
    token = str(form.cleaned_data["token"])
    staff_actions.resend(form.cleaned_data["step"], token=token, by=by, at=at, reason=_why(form), seen=form.seen)


def _add_address(case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
    staff_actions.add_address(case.account, form.cleaned_data["email"], by=by, at=at, reason=_why(form))


def _has_steps(case: PaymentFailure, statuses: set[StepStatus]) -> bool:
    return any(step.status in statuses for step in case.steps.all())


VERBS = [
    Verb(
        "clear-flag",
        "Dealt with",
        "Takes the flag off. The case goes on by itself, a suspension that waited for a person included.",
        "The flag is off.",
        lambda case, form, by, at: staff_actions.clear_flag(case, by=by, at=at, reason=_why(form)),
        lambda case, at: bool(case.flag),
    ),
    Verb(
        "add-address",
        "Add an address",
        "Mail for this customer goes to the first of their addresses that works. Afterwards you may resend what bounced.",
        "The address is added.",
        _add_address,
        lambda case, at: case.is_unsettled,
        AddressForm,
    ),
    Verb(
        "resend",
        "Resend a mail",
        "The mail is written anew with today’s amounts and dates, and goes to the first address that works.",
        "The mail is on its way.",
        _resend,
        lambda case, at: case.is_unsettled and _has_steps(case, ResendForm.statuses),
        ResendForm,
        asks_stripe=True,
    ),
    Verb(
        "pause",
        "Pause",
        "No mail and no suspension for this invoice, also when Stripe tries the card again.",
        "The case is paused.",
        _pause,
        lambda case, at: case.is_unsettled and not case.is_paused(at=at),
        PauseForm,
    ),
    Verb(
        "resume",
        "Resume",
        "The steps go on. One that fell due in the meantime goes out with the next pass.",
        "The case goes on.",
        lambda case, form, by, at: staff_actions.resume(case, by=by, at=at, reason=_why(form)),
        lambda case, at: case.is_unsettled and case.is_paused(at=at),
    ),
    Verb(
        "skip",
        "Skip a step",
        "The step is left out and the next one stays on its date. Leaving out the last one means no suspension.",
        "The step is skipped.",
        lambda case, form, by, at: staff_actions.skip_step(form.cleaned_data["step"], by=by, at=at, reason=_why(form)),
        lambda case, at: case.status == FailureStatus.OPEN and _has_steps(case, SkipForm.statuses),
        SkipForm,
    ),
    Verb(
        "restore",
        "Restore the account",
        "Switches the service on again although nothing was paid. This invoice does not suspend it a second time.",
        "The account is restored.",
        lambda case, form, by, at: staff_actions.restore_account(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: is_suspended_for_debt(case.account),
    ),
    Verb(
        "exempt",
        "Exempt the account",
        "No reminder and no suspension for any invoice of this account, until the exemption is ended.",
        "The account is exempt.",
        lambda case, form, by, at: staff_actions.exempt(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: not case.account.is_exempt_from_dunning,
    ),
    Verb(
        "end-exemption",
        "End the exemption",
        "Reminders and suspensions work for this account again, from the next pass on.",
        "The exemption is ended.",
        lambda case, form, by, at: staff_actions.end_exemption(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: case.account.is_exempt_from_dunning,
    ),
    Verb(
        "suspend",
        "Suspend now",
        "Switches the customer’s service off, although the case is flagged. Stripe is asked once more before that.",
        "The account is suspended.",
        lambda case, form, by, at: staff_actions.suspend_now(case, by=by, at=at, reason=_why(form), seen=form.seen),
        lambda case, at: case.status == FailureStatus.EXHAUSTED and bool(case.flag) and not case.suspended_at,
        is_grave=True,
        asks_stripe=True,
    ),
    Verb(
        "note",
        "Add a note",
        "For colleagues alone: it stands in the history of the case, and reaches no customer.",
        "The note is added.",
        lambda case, form, by, at: staff_actions.note(case, by=by, at=at, text=_why(form)),
        lambda case, at: True,
        NoteForm,
    ),
    Verb(
        "stop",
        "Stop the case",
        "Ends the case for good: planned steps are cancelled, and a suspension for this invoice is lifted. The invoice "
        "at Stripe stays as it is.",
        "The case is stopped.",
        lambda case, form, by, at: staff_actions.stop(case, by=by, at=at, reason=_why(form)),
        lambda case, at: case.is_unsettled,
        is_grave=True,
    ),
]
VERB_OF_SLUG = {verb.slug: verb for verb in VERBS}
