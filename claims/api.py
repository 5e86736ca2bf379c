"""`POST /api/sla/claim`: a claim from a program, by the same form as the page."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from ninja.decorators import decorate_view
from pydantic import ConfigDict, Field

from claims.filing import Statement, file_claim
from claims.forms import ClaimForm
from claims.models import Claim
from levqor.cases.api import answer_intake
from levqor.cases.tracking import tracking_url
from levqor.guard.idempotency import idempotent
from levqor.lib.api import CamelSchema, utc_text
from levqor.lib.openapi import documented
from levqor.lib.problems import Code

router = Router(tags=["SLA claims"])


class ClaimIn(CamelSchema):
    """What a claim must say. Lengths count after blanks at both ends are taken off."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)

    full_name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 200}, examples=["Ada Lovelace"])
    email: str = Field(json_schema_extra={"format": "email", "maxLength": 254}, examples=["ada@example.com"])
    plan: str = Field(json_schema_extra={"enum": ["starter", "growth", "pro", "business"]}, examples=["growth"])
    incident_date: str = Field(
        description="An ISO 8601 date or date-time that is not in the future; without a zone it is London time.",
        examples=["2026-11-20T14:30:00Z"],
    )
    description: str = Field(
        json_schema_extra={"minLength": 10, "maxLength": 5000}, examples=["No job ran for two hours."]
    )
    account: str | None = Field(None, json_schema_extra={"maxLength": 200}, examples=["Example Ltd"])


class ReviewBy(CamelSchema):
    """5 and 7 business days after the claim came in."""

    earliest: date
    latest: date


class EligibilityOut(CamelSchema):
    """What can be said at once. An unlikely claim is accepted all the same, and a person decides."""

    likely: bool
    reasons: list[str]


class ClaimOut(CamelSchema):
    ok: bool = Field(examples=[True])
    reference: str = Field(examples=["SLA-2026-000123-K"])
    status: str = Field(examples=["received"])
    submitted_at: str = Field(json_schema_extra={"format": "date-time"})
    review_by: ReviewBy
    tracking_url: str = Field(
        json_schema_extra={"format": "uri"}, examples=["https://levqor.example/sla-credits/track/…"]
    )
    eligibility: EligibilityOut


@router.post(
    "/claim",
    response={201: ClaimOut, 200: ClaimOut},
    by_alias=True,
    summary="Claim an SLA credit",
    operation_id="submit_claim",
    openapi_extra=documented(Code.RATE_LIMITED, takes_body=True),
)
@decorate_view(idempotent)
def submit_claim(request: HttpRequest, body: ClaimIn) -> HttpResponse | Status[dict[str, object]]:
    """Takes a claim in. The same content from the same address within a day gives 200 and the first reference."""
    return answer_intake(
        request, body, ClaimForm, lambda said, sender, at: file_claim(Statement.of(said), sender, at=at), answer
    )


def answer(claim: Claim) -> dict[str, object]:
    """The claim as the contract shows it."""
    case = claim.case
    promised = case.deadlines.earliest("counted_from")
    return {
        "ok": True,
        "reference": case.reference,
        "status": claim.status,
        "submitted_at": utc_text(case.submitted_at),
        "review_by": {"earliest": promised.earliest_date, "latest": promised.latest_date},
        "tracking_url": tracking_url(case),
        "eligibility": claim.eligibility,
    }
