"""What each verb would do to this very case, in sentences: shown before a person says yes."""

from datetime import datetime

from billing.case_page import in_words
from billing.emails import working_address
from billing.holds import WINDOW_CLOSES, WINDOW_OPENS
from billing.models import DunningStep, FailureStatus, PaymentFailure, StepStatus
from billing.models.failure import total_of
from billing.steering import suspension_after_decision


def consequences(slug: str, case: PaymentFailure, *, at: datetime) -> list[str]:
    """One sentence for each effect; empty for a verb whose explanation says it all."""
    tell = TELLERS.get(slug)
    return tell(case, at) if tell else []


def _planned(case: PaymentFailure) -> list[DunningStep]:
    return [step for step in case.steps.all() if step.status in {StepStatus.PENDING, StepStatus.SENDING}]


def _named(step: DunningStep) -> str:
    return f"{step.get_template_display()} (day {step.offset_days}), planned for {in_words(step.scheduled_for)}"


def _pause(case: PaymentFailure, at: datetime) -> list[str]:
    return [f"Waits: {_named(step)}." for step in _planned(case)]


def _resume(case: PaymentFailure, at: datetime) -> list[str]:
    hours = f"between {WINDOW_OPENS:02d}:00 and {WINDOW_CLOSES}:00 in {case.account.zone.key.replace('_', ' ')}"
    late = next((step for step in _planned(case) if step.scheduled_for <= at), None)
    if late:
        return [f"Goes out with the next pass, {hours}: {late.get_template_display()} (day {late.offset_days})."]
    return [f"Next: {_named(step)}." for step in _planned(case)[:1]]


def _stop(case: PaymentFailure, at: datetime) -> list[str]:
    found = [f"Is cancelled: {_named(step)}." for step in _planned(case)]
    if case.suspended_at:
        found.append("The suspension for this invoice is lifted, unless another unpaid invoice led to one as well.")
    return [*found, f"{case.amount} counts as lost in the report, unless it is paid one day."]


def _clear_flag(case: PaymentFailure, at: datetime) -> list[str]:
    moment = case.suspend_at or suspension_after_decision(case, at=at)
    if case.status == FailureStatus.EXHAUSTED and moment and not case.suspended_at:
        when = "with the next pass" if moment <= at else f"after {in_words(moment)}"
        return [f"The account is suspended {when}: all steps are done and only the flag held it."]
    return [f"Next: {_named(step)}." for step in _planned(case)[:1]]


def _exempt(case: PaymentFailure, at: datetime) -> list[str]:
    owed = case.account.payment_failures.unsettled().count()
    return [f"{case.account} has {owed} failed payment{'' if owed == 1 else 's'} at this moment; none of them goes on."]


def _resend(case: PaymentFailure, at: datetime) -> list[str]:
    address = working_address(case.account)
    if not address:
        return ["There is no address that works: add one first."]
    owed = total_of(case.account.payment_failures.unsettled())
    return [f"Goes to {address}.", f"Asks for {owed}, all that this customer owes."]


TELLERS = {
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "clear-flag": _clear_flag,
    "exempt": _exempt,
    "resend": _resend,
}
