"""From evidence to states, by pure functions: the same judgement for the page, the JSON and the ledger."""

from dataclasses import dataclass
from typing import Final

from status.component_states import ComponentState
from status.evidence import NEVER, Evidence

# A canary is due every 10 seconds and a sign of life every 5: two misses and some seconds for the way.
LATE_SECONDS: Final = 25
# A queue that still did nothing after this long is not busy but dead.
DEAD_SECONDS: Final = 120
SLOW_DATABASE_MS: Final = 1000
CANARY: Final = "canary:celery"
FRONTEND, API, JOBS = "frontend", "api", "jobs"


@dataclass(frozen=True)
class Judgement:
    """The state of one component, and in one word what is at fault (empty where nothing is)."""

    state: ComponentState
    cause: str = ""

    @property
    def is_fine(self) -> bool:
        return self.state == ComponentState.OPERATIONAL


FINE: Final = Judgement(ComponentState.OPERATIONAL)
NO_EVIDENCE: Final = Judgement(ComponentState.DEGRADED, "no evidence yet")


def judge_jobs(evidence: Evidence, *, broker_answers: bool, now: float) -> Judgement:
    """Whether background work is really done, and if not, which of beat, broker, worker and queue stands still.

    `broker_answers` is what this process saw when it asked the broker itself.
    """
    if not broker_answers:
        return Judgement(ComponentState.MAJOR, "broker")
    if evidence.age_of(CANARY, now=now) <= LATE_SECONDS:
        return FINE
    return _find_cause(evidence, now=now)


def _find_cause(evidence: Evidence, *, now: float) -> Judgement:
    """Why no canary came back lately, from the outermost link of the chain inwards."""
    canary, beat, worker, published = (
        evidence.age_of(name, now=now) for name in (CANARY, "beat", "worker", "published")
    )
    if min(canary, beat, worker) == NEVER:
        return NO_EVIDENCE
    if any(evidence.is_ahead(name) for name in (CANARY, "beat", "worker", "published")):
        # Whether work is done cannot be known from such stamps; it is not said to be.
        return Judgement(ComponentState.PARTIAL, "clock")
    if worker > LATE_SECONDS:
        return Judgement(ComponentState.MAJOR, "worker")
    if beat > LATE_SECONDS:
        # Work that is asked for goes on; what the clock starts does not.
        return Judgement(ComponentState.PARTIAL, "beat")
    if published > LATE_SECONDS:
        return Judgement(ComponentState.MAJOR, "broker")
    return Judgement(ComponentState.MAJOR if canary > DEAD_SECONDS else ComponentState.DEGRADED, "queue")


def judge_database(evidence: Evidence, *, now: float, limit: float = 5.0) -> Judgement:
    """The database as this process sees it: dead where it has not answered for `limit` seconds."""
    if evidence.age(now=now) > limit:
        return Judgement(ComponentState.MAJOR, "database")
    if evidence.latency_ms > SLOW_DATABASE_MS:
        return Judgement(ComponentState.DEGRADED, "slow database")
    return FINE


def judge_frontend(evidence: Evidence, *, now: float) -> Judgement:
    """Seen from a worker: whether any web process gave a sign of life."""
    age = evidence.age_of("web", now=now)
    if age == NEVER:
        return NO_EVIDENCE
    return FINE if age <= LATE_SECONDS else Judgement(ComponentState.MAJOR, "web")
