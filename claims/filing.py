"""A claim comes in: from the page or the API, through one form, as one row with a promise and a mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from claims import eligibility, emails
from claims.forms import IncidentTime
from claims.models import Claim, ClaimStatus
from levqor.accounts.models import Plan
from levqor.cases.conversation import keep_files
from levqor.cases.files import JudgedFile
from levqor.cases.intake import Sender, take_in
from levqor.cases.models import Case, Side
from levqor.cases.models.deadline import close_case, promise
from levqor.guard.references import Series
from levqor.lib.actors import SYSTEM

# CONTRACT section 6: `reviewBy`, in business days.
EARLIEST_DAYS: Final = 5
LATEST_DAYS: Final = 7
PURPOSE: Final = "decision"
# Drafts of ours: the customer knows nothing of them.
UNCLAIMED: Final = (ClaimStatus.DRAFTED, ClaimStatus.DISMISSED)


@dataclass(frozen=True)
class Statement:
    """What the claim says, checked."""

    plan: Plan
    incident: IncidentTime
    description: str
    files: tuple[JudgedFile, ...] = ()

    @classmethod
    def of(cls, cleaned: dict[str, Any]) -> "Statement":
        """From the cleaned data of a ClaimForm."""
        files = tuple(cleaned.get("attachments") or ())
        return cls(cleaned["plan"], cleaned["incident"], cleaned["description"], files)

    def fingerprint(self) -> dict[str, Any]:
        """By which the same claim is known again."""
        return {
            "plan": self.plan.slug,
            "incident": self.incident.at,
            "description": self.description,
            "files": sorted(file.sha256 for file in self.files),
        }


def file_claim(statement: Statement, sender: Sender, *, at: datetime) -> tuple[Claim, bool]:
    """The claim, and whether it is new; the same one again within a day gives the first. Raises LimitReachedError."""

    def finish(case: Case) -> None:
        promise(case, PURPOSE, earliest_days=EARLIEST_DAYS, latest_days=LATEST_DAYS, at=at)
        keep_files(case, statement.files, message=None, side=Side.CUSTOMER, at=at)
        claim = _create(case, statement, sender, at=at)
        emails.received(claim, at=at)
        emails.announced(claim, at=at)

    case, is_new = take_in(Series.SLA_CLAIM, sender, statement.fingerprint(), finish, at=at)
    return Claim.objects.select_related("case", "plan").get(case=case), is_new


def _create(case: Case, statement: Statement, sender: Sender, *, at: datetime) -> Claim:
    month = statement.incident.month
    found = eligibility.judge(month, statement.plan, sender.account, at=at)
    earlier = None
    if case.account_id:
        same_month = Claim.objects.for_month(case.account_id, month).filter(joined_to=None)
        earlier = same_month.exclude(status__in=UNCLAIMED).order_by("pk").first()
        for draft in same_month.filter(status=ClaimStatus.DRAFTED):
            draft.dismiss(by=SYSTEM, at=at, reason=f"The customer claimed: {case}.")
            close_case(draft.case, at=at)
    return Claim.objects.create(
        case=case,
        plan=statement.plan,
        incident_at=statement.incident.at,
        is_whole_day=statement.incident.is_whole_day,
        month=month,
        description=statement.description,
        eligibility={"likely": found.likely, "reasons": found.reasons},
        joined_to=earlier,
    )
