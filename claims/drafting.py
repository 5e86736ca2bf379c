"""Credits without a claim: after an incident the credits of every account on a paid plan are drafted, for people to check.

A draft is a claim that nobody sent. It holds no estimate: its month is measured anew wherever it is shown, and proposed only
once the month has ended. A draft that turns out to be worth nothing is dismissed then; one whose customer claims is too.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from claims import deciding
from claims.eligibility import last_day_to_claim
from claims.measuring import Measurement, lost_in, measure, terms_of
from claims.models import Claim, ClaimStatus, Proposal
from levqor.accounts.models import Account
from levqor.audit.models import record
from levqor.cases.models import Case, Source
from levqor.cases.models.deadline import close_case
from levqor.guard.references import Series, next_reference
from levqor.lib.actors import SYSTEM, Actor
from levqor.lib.business_time import LONDON
from levqor.lib.states import IllegalMoveError, StaleStateError
from status.models import Incident, IncidentStatus
from status.uptime import month_span

logger = structlog.get_logger(__name__)

BATCH: Final = 500
OVER: Final = (IncidentStatus.RESOLVED, IncidentStatus.POSTMORTEM)
ENDED: Final = (ClaimStatus.WITHDRAWN, ClaimStatus.DISMISSED)
WORDS: Final = "Drafted by Levqor for the incidents of {month}."


def draft_credits(*, at: datetime) -> int:
    """Drafts what is missing for the months that can still be credited, and dismisses what is worth nothing."""
    drafted = 0
    for month in _open_months(at=at):
        if _had_incidents(month):
            drafted += sum(_draft(account, month, at=at) for account in _accounts_without(month))
        _dismiss_worthless(month, at=at)
    return drafted


def _open_months(*, at: datetime) -> Iterator[date]:
    """This month, and earlier ones while their claim window is open."""
    month = at.date().replace(day=1)
    while (terms := terms_of(month)) and last_day_to_claim(month, terms) >= at.astimezone(LONDON).date():
        yield month
        month = (month - timedelta(days=1)).replace(day=1)


def _had_incidents(month: date) -> bool:
    start, end = month_span(month)
    touching = Incident.objects.incidents().filter(status__in=OVER, started_at__lt=end, resolved_at__gt=start)
    return touching.exists()


def _accounts_without(month: date) -> QuerySet[Account]:
    """Accounts on a paid plan that have no claim of any kind for the month.

    A claim ends the account's draft and may be withdrawn again, by whoever typed the customer's address: then the credit is
    drafted anew, once for each that was withdrawn.
    """
    _, end = month_span(month)
    of_month = Claim.objects.filter(case__account=OuterRef("pk"), month=month)
    paying = Account.objects.filter(plan__price_cents__gt=0, created_at__lt=end).select_related("plan")
    # Whoever gave notice or never paid has no plan any more; who is suspended for abuse gets none drafted.
    abusive = Q(suspensions__reason="abuse", suspensions__lifted_at__isnull=True)
    counted = paying.annotate(
        dismissed=_number(of_month.filter(status=ClaimStatus.DISMISSED)),
        withdrawn=_number(of_month.filter(status=ClaimStatus.WITHDRAWN)),
    )
    without = counted.filter(~Exists(of_month.exclude(status__in=ENDED)), dismissed__lte=F("withdrawn"))
    return without.exclude(abusive).order_by("pk")[:BATCH]


def _number(claims: QuerySet[Claim]) -> Coalesce:
    rows = claims.order_by().values("case__account").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(rows), 0)


def _draft(account: Account, month: date, *, at: datetime) -> bool:
    """One draft; False where it failed, or where the customer claimed in the same moment."""
    try:
        with transaction.atomic():
            locked = Account.objects.locked(account.pk)
            if locked.plan is None or Claim.objects.for_month(account.pk, month).exclude(status__in=ENDED).exists():
                return False
            case = Case.objects.create(
                series=Series.SLA_CLAIM,
                reference=next_reference(Series.SLA_CLAIM, at=at),
                source=Source.INCIDENT,
                full_name=account.name,
                email=account.billing_email,
                account_name=account.name,
                account=account,
                submitted_at=at,
            )
            claim = Claim.objects.create(
                case=case,
                status=ClaimStatus.DRAFTED,
                plan=locked.plan,
                incident_at=month_span(month)[0],
                is_whole_day=True,
                month=month,
                description=WORDS.format(month=f"{month:%B %Y}"),
                eligibility={"likely": True, "reasons": []},
            )
            record("drafted", claim, by=SYSTEM, at=at, changes={"account": account.pk})
    except Exception:  # one account that cannot be drafted must not cost the others their credit
        logger.exception("credit_not_drafted", account=account.pk, month=f"{month:%Y-%m}")
        return False
    return True


def _dismiss_worthless(month: date, *, at: datetime) -> None:
    """Once the month has ended, a draft without a credit in it needs nobody's time."""
    if month_span(month)[1] > at:
        return
    for claim, found in drafts(month, at=at):
        if found.is_final and not found.credit_cents:
            dismiss(claim, by=SYSTEM, at=at, reason=f"{found.uptime_in_words} uptime keeps the promise.")


def dismiss(claim: Claim, *, by: Actor, at: datetime, reason: str) -> None:
    with transaction.atomic():
        claim.dismiss(by=by, at=at, reason=reason)
        close_case(claim.case, at=at)


def drafts(month: date, *, at: datetime) -> list[tuple[Claim, Measurement]]:
    """The drafts of the month with their sums. The ledger is read once."""
    terms = terms_of(month)
    if terms is None:
        return []
    rows = Claim.objects.filter(month=month, status=ClaimStatus.DRAFTED).select_related("case__account__plan", "plan")
    lost = lost_in(month, at=at)
    return [(claim, measure(lost, claim.credited_plan, terms)) for claim in rows.order_by("case__account__name", "pk")]


@dataclass(frozen=True)
class Answer:
    """What became of one row of a batch."""

    claim: Claim
    is_done: bool
    words: str


def propose_drafts(claims: Iterable[Claim], *, reason: str, by: Actor, at: datetime) -> list[Answer]:
    """Proposes each of the drafts, and says of each what came of it."""

    def deed(claim: Claim) -> str:
        return f"{deciding.propose(claim, reason=reason, by=by, at=at).amount} proposed."

    return [_answer(claim, partial(deed, claim)) for claim in claims]


def approve_drafts(proposals: Iterable[Proposal], *, reason: str, by: Actor, at: datetime) -> list[Answer]:
    """Approves each of what was proposed, and says of each what came of it."""

    def deed(proposal: Proposal) -> str:
        entry = deciding.approve(proposal, reason=reason, by=by, at=at)
        return f"{proposal.amount} approved." if entry else f"{proposal.amount} has one more approval; it takes two."

    return [_answer(proposal.claim, partial(deed, proposal)) for proposal in proposals]


def _answer(claim: Claim, deed: Callable[[], str]) -> Answer:
    try:
        return Answer(claim, True, deed())
    except (deciding.DecisionError, IllegalMoveError, StaleStateError) as refusal:
        return Answer(claim, False, str(refusal))
