"""What one web process holds: the newest snapshot (in memory and on disk), its evidence, and the answers drawn from both.

Reading it takes neither SQL nor Redis. The watcher (watcher.py) renews it once a second; when that stops working, the
evidence grows old and the answers say so by themselves.
"""

import gzip
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from pydantic import ValidationError

from status.broker import BrokerSight
from status.component_states import ComponentState
from status.document import StatusDocument
from status.evidence import NOTHING, Evidence
from status.judgement import API, JOBS, LATE_SECONDS, NO_EVIDENCE, Judgement, judge_database, judge_jobs
from status.live import EMPTY_DOCUMENT, NO_SNAPSHOT_AGE, Live, Sight, lay_over

logger = structlog.get_logger(__name__)

# How long one look at the clock serves all requests: far below every limit that is judged by it.
GLANCE_SECONDS: Final = 0.2
# A process that has just begun has asked nobody yet: that is no outage.
STARTING_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Answer:
    """The bytes of one public resource, plain and compressed once, each with its strong ETag."""

    body: bytes
    zipped: bytes
    etag: str
    zipped_etag: str
    content_type: str


type Renderer = Callable[[Live], tuple[str, str]]


@dataclass
class _Drawn:
    """The answers drawn from one state, made when first asked for."""

    live: Live
    answers: dict[str, Answer] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class StatusMemory:
    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._born = time.monotonic()
        self._document = EMPTY_DOCUMENT
        self._evidence: Evidence = NOTHING
        self._seen_wall = datetime.fromtimestamp(0, UTC)
        self._broker = BrokerSight(answers=True)
        self._lock = threading.Lock()
        self._glanced_at = float("-inf")
        self._drawn = _Drawn(lay_over(EMPTY_DOCUMENT, self._sight(time.monotonic()), at=datetime.now(UTC)))

    # --- renewed by the watcher ---

    def note_evidence(self, evidence: Evidence, *, at: datetime) -> None:
        self._evidence, self._seen_wall = evidence, at

    def note_broker(self, sight: BrokerSight) -> None:
        self._broker = sight

    def take(self, body: str | bytes) -> bool:
        """Takes a published snapshot; False where it is broken, so that the last good one stays."""
        try:
            document = StatusDocument.model_validate_json(body)
        except ValidationError as error:
            logger.error("status_snapshot_broken", errors=error.error_count())
            return False
        self._document = document
        self._glanced_at = float("-inf")
        return True

    def take_from_disk(self) -> bool:
        """After a cold start: the last snapshot that this machine saw. Its age is told by its own time."""
        try:
            return self.take(self._file.read_bytes())
        except OSError:
            return False

    def keep_on_disk(self, body: str) -> None:
        """Keeps the snapshot for the next cold start; a half-written file can never be read (atomic rename)."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
            draft.write_text(body, encoding="utf-8")
            draft.replace(self._file)
        except OSError as error:
            logger.warning("status_snapshot_not_kept", error=type(error).__name__)

    @property
    def _file(self) -> Path:
        return (self._folder or settings.STATUS_DIR) / "snapshot.json"

    def judge_jobs(self, evidence: Evidence, *, now: float) -> Judgement:
        """The background work, by this process's eyes: what began together with it is given the time to begin."""
        judged = judge_jobs(evidence, broker_answers=self._broker.answers, now=now)
        is_beginning = now - self._born < LATE_SECONDS
        return NO_EVIDENCE if is_beginning and not judged.is_fine and self._broker.answers else judged

    def judgements(self, now: float) -> tuple[Judgement, ...]:
        """What this process finds of the database and of the background work."""
        is_starting = self._evidence is NOTHING and now - self._born < STARTING_SECONDS
        database = NO_EVIDENCE if is_starting else judge_database(self._evidence, now=now)
        return database, self.judge_jobs(self._evidence, now=now)

    # --- read by requests ---

    @property
    def version(self) -> int:
        return self._document.version

    @property
    def evidence(self) -> Evidence:
        return self._evidence

    def live(self) -> Live:
        """The state at this moment."""
        return self._current().live

    def answer(self, name: str, render: Renderer) -> Answer:
        """The resource `name` as of now; drawn once for each state, however many ask."""
        drawn = self._current()
        found = drawn.answers.get(name)
        if found is None:
            with drawn.lock:
                found = drawn.answers.get(name) or drawn.answers.setdefault(name, _answer(*render(drawn.live)))
        return found

    def _current(self) -> _Drawn:
        now = time.monotonic()
        if now - self._glanced_at >= GLANCE_SECONDS:
            with self._lock:
                live = lay_over(self._document, self._sight(now), at=datetime.now(UTC))
                if live != self._drawn.live:
                    self._drawn = _Drawn(live)
                self._glanced_at = now
        return self._drawn

    def _sight(self, now: float) -> Sight:
        database, jobs = self.judgements(now)
        if database.state == ComponentState.MAJOR:
            jobs = Judgement(ComponentState.DEGRADED, "database")
        return Sight(self._snapshot_age(now), {API: database, JOBS: jobs}, self._seen_wall)

    def _snapshot_age(self, now: float) -> float:
        if self._document is EMPTY_DOCUMENT:
            return NO_SNAPSHOT_AGE
        if self._evidence.number_of("snapshot"):
            return self._evidence.age_of("snapshot", now=now)
        # Only the file is known, after a cold start without a database: its own time tells, and a clock that
        # stands before it tells nothing.
        age = (datetime.now(UTC) - self._document.built_at).total_seconds()
        return age if age >= 0 else NO_SNAPSHOT_AGE


def _answer(body: str, content_type: str) -> Answer:
    raw = body.encode()
    zipped = gzip.compress(raw, compresslevel=9, mtime=0)
    digest = hashlib.sha256(raw).hexdigest()[:32]
    return Answer(raw, zipped, f'"{digest}"', f'"{digest}-gzip"', content_type)


memory = StatusMemory()
