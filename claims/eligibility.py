"""What can be said about a claim at once. It never refuses one: it says what speaks against it, and a person decides."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from claims.measuring import Measurement, lost_in, measure, terms_of
from levqor.accounts.models import Account, Plan, SlaTerms, Standing
from levqor.lib.business_time import LONDON
from status.uptime import month_span

# Said to whoever did not sign in, whatever address they typed: who is a customer is nobody's business.
UNPROVEN: Final = "A person checks which account the claim belongs to."


@dataclass(frozen=True)
class Eligibility:
    """Whether a credit is likely, and the reasons, in sentences for customers."""

    likely: bool
    reasons: list[str]


def judge(month: date, plan: Plan, account: Account | None, *, at: datetime) -> Eligibility:
    """What speaks for and against a credit for the UTC month, as far as anybody knows by `at`. `account` is the one that
    the sender proved to be of, by signing in.
    """
    name = f"{month:%B %Y}"
    terms = terms_of(month)
    if terms is None:
        return Eligibility(False, [f"There was no uptime promise in {name} yet."])
    found = measure(lost_in(month, at=at), plan, terms)
    against = [*_too_late(name, month, terms, at=at), *_account_faults(account)]
    reasons = [_about(name, found), *against, *([] if account else [UNPROVEN])]
    return Eligibility(found.is_below_target and not against, reasons)


def last_day_to_claim(month: date, terms: SlaTerms) -> date:
    """The month ends at midnight in UTC; the claim window is counted in days from there."""
    return month_span(month)[1].date() + timedelta(days=terms.claim_days - 1)


def _too_late(name: str, month: date, terms: SlaTerms, *, at: datetime) -> list[str]:
    last = last_day_to_claim(month, terms)
    if at.astimezone(LONDON).date() <= last:
        return []
    return [f"Credits for {name} had to be claimed by {last:%-d %B %Y}. We read your claim all the same."]


def _account_faults(account: Account | None) -> list[str]:
    if account is None:
        return []
    faults = []
    if account.plan is None:
        faults.append("The account is not on a paid plan.")
    if account.standing == Standing.SUSPENDED:
        faults.append("The account is suspended; time in which it was suspended does not count.")
    return faults


def _about(name: str, found: Measurement) -> str:
    if found.uptime is None:
        return f"We have no measurement for {name}; a person looks at your description."
    so_far = "" if found.is_final else " so far"
    measured = f"We measured {found.uptime_in_words} uptime in {name}{so_far}"
    target = f"{found.target_percent.normalize():f}%"
    if found.is_below_target:
        return f"{measured}, below the {target} that we promise: a credit of {found.credit_percent}% is likely."
    return f"{measured}, which keeps the {target} that we promise. If your records differ, a person compares them."
