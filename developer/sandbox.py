"""What the sandbox answers with: figures that stay the same all day, and jobs that live by their own clock."""

import json
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.signing import BadSignature, Signer

from developer.models import SandboxJob, random_digits
from levqor.lib.api import utc_text

WORKFLOWS: Final = ("invoice-sync", "lead-enrichment", "order-export", "ticket-triage")
# A place in somebody's list, and the signature of it.
CURSOR: Final = r"^[0-9]{1,19}\.[0-9]{1,19}:[A-Za-z0-9_-]{43}$"
_cursors: Final = Signer(salt="developer.jobs")


@dataclass(frozen=True)
class Course:
    """How long a job of a workflow waits and runs, in seconds, and whether it succeeds."""

    starts_after: int
    runs_for: int
    succeeds: bool = True


USUAL: Final = Course(1, 4)
MAGIC: Final = {
    "always-succeed": Course(1, 2),
    "always-fail": Course(1, 2, succeeds=False),
    "slow-30s": Course(2, 28),
}
FAILS_AT: Final = 60


def metrics_of(account_id: int, day: date) -> dict[str, Any]:
    """Mock figures of the platform: the same for the same account and day."""
    dice = random.Random(f"{account_id}:{day.isoformat()}")
    runs = {workflow: dice.randint(40, 900) for workflow in WORKFLOWS}
    total = sum(runs.values())
    failed = dice.randint(0, total // 50)
    p50 = dice.randint(120, 480)
    return {
        "sandbox_mode": True,
        "date": day.isoformat(),
        "runs_total": total,
        "runs_succeeded": total - failed,
        "runs_failed": failed,
        "success_rate": round((total - failed) / total, 4),
        "active_workflows": len(runs),
        "latency_ms": {"p50": p50, "p95": p50 * 3 + dice.randint(0, 90), "p99": p50 * 5 + dice.randint(0, 300)},
        "runs_by_workflow": [{"workflow": workflow, "runs": count} for workflow, count in runs.items()],
    }


def make_job(account_id: int, *, workflow: str | None, said: dict[str, Any] | None, at: datetime) -> SandboxJob:
    return SandboxJob.objects.create(
        job_id=f"job_{random_digits(24)}",
        account_id=account_id,
        workflow=workflow,
        input_json=None if said is None else json.dumps(said),
        created_at=at,
    )


def job_now(job: SandboxJob, *, at: datetime) -> dict[str, Any]:
    """The job as it stands at this moment of its own clock."""
    course = MAGIC.get(job.workflow or "", USUAL)
    started_at = job.created_at + timedelta(seconds=course.starts_after)
    finished_at = started_at + timedelta(seconds=course.runs_for)
    is_started, is_finished = at >= started_at, at >= finished_at
    ending = "succeeded" if course.succeeds else "failed"
    said = None if job.input_json is None else json.loads(job.input_json)
    return {
        "sandbox_mode": True,
        "job_id": job.job_id,
        "status": ending if is_finished else "running" if is_started else "queued",
        "workflow": job.workflow,
        "input": said,
        "progress": _progress(course, at - started_at),
        "result": {"message": "Nothing was processed.", "input": said} if is_finished and course.succeeds else None,
        "error": (
            {"code": "simulated_failure", "message": "This workflow always fails, so that you can handle it."}
            if is_finished and not course.succeeds
            else None
        ),
        "created_at": utc_text(job.created_at),
        "started_at": utc_text(started_at) if is_started else None,
        "finished_at": utc_text(finished_at) if is_finished else None,
    }


def _progress(course: Course, running_for: timedelta) -> int:
    """0 to 100; a job that fails never gets past the place where it does."""
    done = min(100, max(0, int(running_for.total_seconds() / course.runs_for * 100)))
    return done if course.succeeds else min(done, FAILS_AT)


def jobs_of(account_id: int, *, limit: int, cursor: str | None) -> tuple[list[SandboxJob], str | None]:
    """So many jobs, newest first, and where the next page begins; raises BadSignature for a cursor that is none."""
    jobs = SandboxJob.objects.filter(account_id=account_id).order_by("-id")
    if cursor is not None:
        jobs = jobs.filter(id__lt=_place(cursor, account_id))
    found = list(jobs[: limit + 1])
    has_more = len(found) > limit
    found = found[:limit]
    return found, _cursors.sign(f"{account_id}.{found[-1].pk}") if has_more else None


def _place(cursor: str, account_id: int) -> int:
    owner, _, place = _cursors.unsign(cursor).partition(".")
    if owner != str(account_id):
        raise BadSignature("a cursor of another account")
    return int(place)
