"""A dispute comes in: from the page or the API, through one form, as one row with a promise and two mails."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from disputes import emails
from disputes.models import Dispute, Stage
from disputes.stages import promise_answer
from levqor.cases.conversation import keep_files
from levqor.cases.files import JudgedFile
from levqor.cases.intake import Sender, take_in
from levqor.cases.models import Case, Side
from levqor.guard.references import Series


@dataclass(frozen=True)
class Statement:
    """What the dispute says, checked."""

    category: str
    subject: str
    description: str
    desired_resolution: str
    ticket_numbers: tuple[str, ...]
    stage: Stage
    files: tuple[JudgedFile, ...] = ()

    @classmethod
    def of(cls, cleaned: dict[str, Any]) -> "Statement":
        """From the cleaned data of a DisputeForm."""
        return cls(
            category=cleaned["category"],
            subject=cleaned["subject"],
            description=cleaned["description"],
            desired_resolution=cleaned["desired_resolution"],
            ticket_numbers=tuple(cleaned["ticket_numbers"]),
            stage=Stage(cleaned["stage"]),
            files=tuple(cleaned.get("attachments") or ()),
        )

    def fields(self) -> dict[str, Any]:
        return {
            "category": self.category,
            "subject": self.subject,
            "description": self.description,
            "desired_resolution": self.desired_resolution,
            "ticket_numbers": list(self.ticket_numbers),
            "stage": self.stage.value,
        }

    def fingerprint(self) -> dict[str, Any]:
        """By which the same dispute is known again."""
        return self.fields() | {"files": sorted((file.name, file.sha256) for file in self.files)}


def file_dispute(statement: Statement, sender: Sender, *, at: datetime) -> tuple[Dispute, bool]:
    """The dispute, and whether it is new; the same one again within a day gives the first. Raises LimitReachedError."""

    def finish(case: Case) -> None:
        promise_answer(case, statement.stage, at=at)
        keep_files(case, statement.files, message=None, side=Side.CUSTOMER, at=at)
        dispute = Dispute.objects.create(case=case, filed_stage=statement.stage, **statement.fields())
        emails.received(dispute, at=at)
        emails.announced(dispute, at=at)

    case, is_new = take_in(Series.DISPUTE, sender, statement.fingerprint(), finish, at=at)
    return Dispute.objects.select_related("case__account__plan").get(case=case), is_new
