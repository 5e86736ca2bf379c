"""The health report: what this process finds out about itself and its neighbours within a second, whatever is broken."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connection

from status.broker import BrokerSight, look_at_broker
from status.evidence import NEVER, NOTHING, Evidence, read_evidence
from status.judgement import CANARY, NO_EVIDENCE, Judgement
from status.memory import memory

logger = structlog.get_logger(__name__)

# The bar is a second; what is left of it is for the answer itself on a busy machine.
LIMIT_SECONDS: Final = 0.9
CACHE_SECONDS: Final = 5.0
# A probe that hangs this long is given up, so that a database that came back is asked anew.
ABANDON_SECONDS: Final = 15.0
PASS, WARN, FAIL = "pass", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One component's answer; `latency_ms` is what finding out took."""

    ok: bool
    service: str
    latency_ms: int


@dataclass(frozen=True)
class Report:
    """All checks of one look. `status` is `operational`, `degraded` or `outage`; `ok` is false for an outage alone."""

    at: datetime
    checks: dict[str, Check]

    @property
    def status(self) -> str:
        if all(check.ok for check in self.checks.values()):
            return "operational"
        # Requests are answered while background work stands still; without the database nothing true can be answered.
        serving = all(check.ok for name, check in self.checks.items() if name != "scheduler")
        return "degraded" if serving else "outage"

    @property
    def ok(self) -> bool:
        return self.status != "outage"

    def as_json(self) -> dict[str, Any]:
        """The contract's shape."""
        return {
            "ok": self.ok,
            "timestamp": f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03d}Z",
            "status": self.status,
            "components": {
                name: {"ok": check.ok, "service": check.service, "latencyMs": check.latency_ms}
                for name, check in self.checks.items()
            },
        }

    def as_health_json(self) -> dict[str, Any]:
        """The same facts as `application/health+json` (draft-inadarei-api-health-check-06)."""
        overall = {"operational": PASS, "degraded": WARN, "outage": FAIL}[self.status]
        return {
            "status": overall,
            "serviceId": "levqor",
            "description": "Levqor",
            "checks": {f"{name}:responseTime": [self._measured(name, check)] for name, check in self.checks.items()},
        }

    def _measured(self, name: str, check: Check) -> dict[str, Any]:
        fault = WARN if name == "scheduler" else FAIL
        measured = {
            "componentId": name,
            "componentType": "datastore" if name == "database" else "component",
            "observedValue": check.latency_ms,
            "observedUnit": "ms",
            "status": PASS if check.ok else fault,
            "time": self.at.isoformat().replace("+00:00", "Z"),
        }
        return measured if check.ok else measured | {"output": check.service}


@dataclass
class Probe[T]:
    """A question that may hang, asked in a thread of its own by one asker at a time."""

    ask: Callable[[], T]
    _gate: threading.Condition = field(default_factory=threading.Condition)
    _asked_at: float | None = None
    _round: int = 0
    _answer: tuple[float, T] | None = None

    def start(self) -> None:
        """Asks, unless the question is under way already."""
        with self._gate:
            now = time.monotonic()
            if self._asked_at is not None and now - self._asked_at < ABANDON_SECONDS:
                return
            self._asked_at, self._round = now, self._round + 1
            number = self._round
        threading.Thread(target=self._run, args=[number], name="status-probe", daemon=True).start()

    def _run(self, number: int) -> None:
        answer = self.ask()
        with self._gate:
            if number == self._round:
                self._answer, self._asked_at = (time.monotonic(), answer), None
                self._gate.notify_all()

    def wait(self, *, since: float, until: float) -> T | None:
        """The answer that came after `since`; None where none came until `until` (both of the monotonic clock)."""
        with self._gate:
            self._gate.wait_for(
                lambda: self._answer is not None and self._answer[0] >= since,
                timeout=max(0.0, until - time.monotonic()),
            )
            return self._answer[1] if self._answer and self._answer[0] >= since else None


def ask_database() -> Evidence:
    """All signs of life, or NOTHING where the database does not answer."""
    try:
        return read_evidence()
    except (DatabaseError, InterfaceError, OSError) as error:
        logger.warning("health_database_silent", error=type(error).__name__)
        return NOTHING
    finally:
        connection.close()


class HealthDesk:
    """Answers from a report of the last five seconds; whoever comes while one is being made waits for that one."""

    def __init__(self, ask: Callable[[], Evidence] = ask_database) -> None:
        self._database = Probe(ask)
        self._broker: Probe[BrokerSight] = Probe(look_at_broker)
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._made_at = float("-inf")
        self._known, self._jobs = NOTHING, NO_EVIDENCE
        self._page_said: tuple[Judgement, ...] = ()

    def report(self) -> Report:
        """The report of now, at most five seconds old, within about a second."""
        with self._lock:
            if self._report is None or self._has_aged():
                self._report = self._look()
                self._made_at = time.monotonic()
            return self._report

    def _has_aged(self) -> bool:
        """True too where the signs of life of that look have become too old since, and where the page has changed its mind:
        what died is not held back here, nor what lives again."""
        now = time.monotonic()
        if now - self._made_at >= CACHE_SECONDS or memory.judge_jobs(self._known, now=now) != self._jobs:
            return True
        return memory.judgements(now) != self._page_said

    def _look(self) -> Report:
        began = time.monotonic()
        self._database.start()
        self._broker.start()
        until = began + LIMIT_SECONDS
        evidence = self._database.wait(since=began, until=until)
        broker = self._broker.wait(since=began, until=until)
        now = time.monotonic()
        self._known = memory.evidence if evidence is None or evidence is NOTHING else evidence
        memory.note_broker(broker or BrokerSight(answers=False))
        self._jobs, self._page_said = memory.judge_jobs(self._known, now=now), memory.judgements(now)
        return make_report(evidence, self._jobs, began=began, now=now)


def make_report(evidence: Evidence | None, jobs: Judgement, *, began: float, now: float) -> Report:
    """The report of one look; `evidence` is None or NOTHING where the database gave no answer."""
    waited = round((now - began) * 1000)
    is_alive = evidence is not None and evidence is not NOTHING
    engine = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(connection.vendor, connection.vendor)
    scheduler = "Celery beat" if jobs.is_fine else f"Celery beat ({jobs.cause})"
    return Report(
        datetime.now(UTC),
        {
            "frontend": Check(True, "Levqor pages", 0),
            "backend": Check(True, "Levqor API", waited),
            "database": Check(is_alive, engine, evidence.latency_ms if is_alive and evidence else waited),
            "scheduler": Check(jobs.is_fine, scheduler, _milliseconds_since_canary(evidence, now=now)),
        },
    )


def _milliseconds_since_canary(evidence: Evidence | None, *, now: float) -> int:
    """How long ago the last canary was done; 0 where that is not known."""
    age = evidence.age_of(CANARY, now=now) if evidence and not evidence.is_ahead(CANARY) else NEVER
    return round(age * 1000) if age != NEVER else 0


desk = HealthDesk()
