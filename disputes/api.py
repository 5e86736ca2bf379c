"""`POST /api/disputes`: a dispute from a program, by the same form as the page."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from ninja.decorators import decorate_view
from pydantic import ConfigDict, Field

from disputes.filing import Statement, file_dispute
from disputes.forms import DisputeForm
from disputes.models import Category, Dispute, Stage
from levqor.cases.api import answer_intake
from levqor.cases.tracking import tracking_url
from levqor.guard.idempotency import idempotent
from levqor.lib.api import CamelSchema, utc_text
from levqor.lib.openapi import documented
from levqor.lib.problems import Code

router = Router(tags=["Disputes"])

ONLY_CONTACT = (
    "No e-mail address was given, so this tracking link is the only way to follow the dispute and to hear from us. "
    "Keep it."
)


class DisputeIn(CamelSchema):
    """What a dispute must say. Lengths count after blanks at both ends are taken off."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)

    category: str = Field(json_schema_extra={"enum": [*Category.values]}, examples=["billing"])
    subject: str = Field(json_schema_extra={"minLength": 3, "maxLength": 200}, examples=["Charged twice in November"])
    description: str = Field(
        json_schema_extra={"minLength": 10, "maxLength": 10_000},
        examples=["Invoice LVQ-0042 was taken from our card twice on 3 November."],
    )
    full_name: str | None = Field(None, json_schema_extra={"maxLength": 200}, examples=["Ada Lovelace"])
    email: str | None = Field(
        None,
        description="An e-mail address; an empty text is none.",
        json_schema_extra={"maxLength": 254},
        examples=["ada@example.com"],
    )
    account: str | None = Field(None, json_schema_extra={"maxLength": 200}, examples=["Example Ltd"])
    ticket_numbers: list[str] | None = Field(None, json_schema_extra={"maxItems": 10}, examples=[["T-1042"]])
    desired_resolution: str | None = Field(
        None, json_schema_extra={"maxLength": 10_000}, examples=["Pay the second charge back."]
    )
    stage: str | None = Field(None, json_schema_extra={"enum": [*Stage.values[:3]], "default": "support"})


class RespondBy(CamelSchema):
    """The business days between which the customer hears from us."""

    earliest: date
    latest: date


class DisputeOut(CamelSchema):
    ok: bool = Field(True, examples=[True])
    reference: str = Field(examples=["DSP-2026-000045-T"])
    status: str = Field(examples=["open"])
    stage: str = Field(examples=["support"])
    submitted_at: str = Field(json_schema_extra={"format": "date-time"})
    respond_by: RespondBy
    tracking_url: str
    notice: str | None = Field(None, description="Only where no e-mail address was given.", examples=[ONLY_CONTACT])


@router.post(
    "",
    response={201: DisputeOut, 200: DisputeOut},
    by_alias=True,
    exclude_none=True,
    summary="Raise a dispute",
    operation_id="raise_dispute",
    openapi_extra=documented(Code.RATE_LIMITED, takes_body=True),
)
@decorate_view(idempotent)
def submit_dispute(request: HttpRequest, body: DisputeIn) -> HttpResponse | Status[dict[str, object]]:
    """Takes a dispute in. The same content from the same sender within a day gives 200 and the first reference."""
    return answer_intake(
        request, body, DisputeForm, lambda said, sender, at: file_dispute(Statement.of(said), sender, at=at), answer
    )


def answer(dispute: Dispute) -> dict[str, Any]:
    """The dispute as the contract shows it. A repeat says where it stands by now, with the newest promise."""
    case = dispute.case
    promised = case.deadlines.latest("counted_from", "pk")
    return {
        "ok": True,
        "reference": case.reference,
        "status": dispute.status,
        "stage": dispute.stage,
        "submitted_at": utc_text(case.submitted_at),
        "respond_by": {"earliest": promised.earliest_date, "latest": promised.latest_date},
        "tracking_url": tracking_url(case),
        "notice": None if case.email else ONLY_CONTACT,
    }
