import time

from celery import shared_task
from django.utils import timezone

from levqor.lib.nudge import nudge
from status.evidence import database_now, read_evidence
from status.heartbeats import CANARY_TASK
from status.incidents import move_maintenances
from status.judgement import API, CANARY, FRONTEND, judge_database, judge_frontend
from status.models.evidence import stamp
from status.observing import observe_all
from status.publishing import REFRESH_TASK, publish
from status.subscriptions import NOTICES_TASK, write_notices


@shared_task(name=CANARY_TASK)
def canary() -> None:
    """Proves that work is really done: posted by beat, carried by the broker, done here."""
    stamp(CANARY)


@shared_task(name=REFRESH_TASK)
def refresh() -> None:
    at = timezone.now()
    evidence, now = read_evidence(), time.monotonic()
    seen = {FRONTEND: judge_frontend(evidence, now=now), API: judge_database(evidence, now=now)}
    observe_all(seen, at=database_now())
    move_maintenances(at=at)
    publish(at=at)


@shared_task(name=NOTICES_TASK)
def write_due_notices() -> None:
    if write_notices(at=timezone.now()):
        nudge(NOTICES_TASK)
