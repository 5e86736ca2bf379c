"""The sandbox API: five calls that cost a unit each, but for the one that says how many are left."""

from datetime import UTC
from typing import Annotated, Any, Literal

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Router, Schema
from ninja.decorators import decorate_view
from pydantic import ConfigDict, Field

from developer.metering import SandboxRequest, free, metered
from developer.models import SandboxJob, Scope
from developer.sandbox import CURSOR, job_now, jobs_of, make_job, metrics_of
from levqor.guard.idempotency import answer_once
from levqor.lib.api import schema_problem, utc_text
from levqor.lib.openapi import documented
from levqor.lib.problems import Code, problem

router = Router(tags=["Sandbox"])


def metered_docs(*codes: Code, **more: Any) -> dict[str, Any]:
    return documented(*codes, Code.QUOTA_EXCEEDED, needs_key=True, counts=True, **more)


# The names of the addresses, which django-ninja registers under its own namespace.
JOB_URL = "api-1:sandbox_job"


class SandboxOut(Schema):
    sandbox_mode: bool = Field(description="Always true: nothing here is real.", examples=[True])


class LatencyOut(Schema):
    p50: int
    p95: int
    p99: int


class WorkflowRunsOut(Schema):
    workflow: str = Field(examples=["invoice-sync"])
    runs: int = Field(ge=0, examples=[412])


class MetricsOut(SandboxOut):
    """Mock figures of the platform: the same for the same account and day (UTC)."""

    date: str = Field(json_schema_extra={"format": "date"}, examples=["2026-11-24"])
    runs_total: int = Field(ge=0, examples=[1644])
    runs_succeeded: int = Field(ge=0, examples=[1630])
    runs_failed: int = Field(ge=0, examples=[14])
    success_rate: float = Field(ge=0, le=1, examples=[0.9915])
    active_workflows: int = Field(ge=0, examples=[4])
    latency_ms: LatencyOut
    runs_by_workflow: list[WorkflowRunsOut]


class JobIn(Schema):
    """Both are optional. `always-succeed`, `always-fail` and `slow-30s` are workflows that do what they say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    workflow: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = Field(
        None, description="Any name; without control characters.", examples=["always-succeed"]
    )
    input: dict[str, Any] | None = Field(
        None, description="Any object; it comes back as it was sent.", examples=[{"invoice": 7}]
    )


class JobErrorOut(Schema):
    code: str = Field(examples=["simulated_failure"])
    message: str


class JobOut(SandboxOut):
    """A mock job. Its status follows its own clock; nothing is processed."""

    job_id: str = Field(examples=["job_0aB1cD2eF3gH4iJ5kL6mN7oP"])
    status: Literal["queued", "running", "succeeded", "failed"]
    workflow: str | None = Field(examples=["always-succeed"])
    input: dict[str, Any] | None = Field(examples=[{"invoice": 7}])
    progress: int = Field(ge=0, le=100)
    result: dict[str, Any] | None
    error: JobErrorOut | None
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    started_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None
    finished_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None


class JobsOut(SandboxOut):
    """A page of jobs, newest first; `next_cursor` is null on the last one."""

    jobs: list[JobOut]
    next_cursor: str | None


class UsageOut(SandboxOut):
    """Where the account stands this month; `limit` and `remaining` are null where the tier has no limit."""

    tier: Literal["sandbox", "pro", "enterprise"]
    limit: int | None = Field(examples=[1000])
    used: int = Field(ge=0, examples=[43])
    remaining: int | None = Field(examples=[957])
    reset_at: str = Field(json_schema_extra={"format": "date-time"}, examples=["2026-12-01T00:00:00.000Z"])


@router.get(
    "/metrics",
    response=MetricsOut,
    summary="Read the metrics",
    operation_id="get_metrics",
    openapi_extra=metered_docs(),
)
@decorate_view(metered(Scope.METRICS_READ))
def metrics(request: SandboxRequest) -> HttpResponse:
    """Mock figures of the platform, the same for the same account and day."""
    return JsonResponse(metrics_of(request.admission.account_id, timezone.now().astimezone(UTC).date()))


@router.post(
    "/jobs",
    response={201: JobOut},
    summary="Make a job",
    operation_id="create_job",
    openapi_extra=metered_docs(takes_body=True, sends=("Location", "Idempotent-Replayed")),
)
@decorate_view(metered(Scope.JOBS_WRITE))
def create_job(request: SandboxRequest, body: JobIn | None = None) -> HttpResponse:
    """Makes a mock job. With an `Idempotency-Key` the same request gives the same job, for 24 hours."""
    if body is None and request.body:
        return schema_problem(
            request, [{"type": "null", "loc": ("body", "body"), "msg": "Send an object, or nothing."}]
        )
    at, said = timezone.now(), body or JobIn(workflow=None, input=None)
    account_id = request.admission.account_id

    def work() -> HttpResponse:
        job = make_job(account_id, workflow=said.workflow, said=said.input, at=at)
        return _job(job, status=201, headers={"Location": reverse(JOB_URL, args=[job.job_id])})

    return answer_once(request, work, at=at, account_id=account_id)


@router.get(
    "/jobs",
    response=JobsOut,
    summary="List jobs",
    operation_id="list_jobs",
    openapi_extra=metered_docs(Code.VALIDATION_ERROR, Code.NOT_FOUND),
)
@decorate_view(metered(Scope.JOBS_READ))
def list_jobs(
    request: SandboxRequest,
    limit: Annotated[int, Field(ge=1, le=100, description="How many jobs a page has.")] = 20,
    cursor: Annotated[str, Field(pattern=CURSOR, description="`next_cursor` of the page before.")] | None = None,
) -> HttpResponse:
    """The account's jobs, newest first."""
    at = timezone.now()
    try:
        jobs, following = jobs_of(request.admission.account_id, limit=limit, cursor=cursor)
    except BadSignature:
        return problem(request, Code.NOT_FOUND, "There is no such page; send a cursor that this list gave to you.")
    shown = [job_now(job, at=at) for job in jobs]
    return JsonResponse({"sandbox_mode": True, "jobs": shown, "next_cursor": following})


@router.get(
    "/jobs/{job_id}",
    response=JobOut,
    summary="Read a job",
    operation_id="get_job",
    url_name="sandbox_job",
    openapi_extra=metered_docs(Code.NOT_FOUND),
)
@decorate_view(metered(Scope.JOBS_READ))
def get_job(request: SandboxRequest, job_id: str) -> HttpResponse:
    """The job as it stands now. Another account's job is not found."""
    job = SandboxJob.objects.filter(account_id=request.admission.account_id, job_id=job_id[:60]).first()
    if job is None:
        return problem(request, Code.NOT_FOUND, "There is no such job in your account.")
    return _job(job)


@router.get(
    "/usage",
    response=UsageOut,
    summary="Read your usage",
    operation_id="get_usage",
    openapi_extra=documented(needs_key=True),
)
@decorate_view(free)
def usage(request: HttpRequest) -> HttpResponse:
    """Where the account stands this month. Costs nothing."""
    holder = request.admission  # type: ignore[attr-defined]  # set by `free`
    return JsonResponse(
        {
            "sandbox_mode": True,
            "tier": holder.tier,
            "limit": holder.quota,
            "used": holder.used,
            "remaining": holder.remaining,
            "reset_at": utc_text(holder.month.end),
        }
    )


def _job(job: SandboxJob, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse(job_now(job, at=timezone.now()), status=status, headers=headers)
