"""Which state, and which cause, follows from which signs of life."""

import pytest

from status.component_states import ComponentState
from status.evidence import NOTHING, Evidence
from status.judgement import NO_EVIDENCE, judge_database, judge_frontend, judge_jobs
from status.tests.make import make_evidence

NOW = 100.0


@pytest.mark.parametrize(
    ("ages", "broker_answers", "state", "cause"),
    [
        ({}, True, ComponentState.OPERATIONAL, ""),
        ({"canary": 25}, True, ComponentState.OPERATIONAL, ""),
        ({"canary": 26, "worker": 26}, True, ComponentState.MAJOR, "worker"),
        ({"canary": 26, "beat": 26, "published": 26}, True, ComponentState.PARTIAL, "beat"),
        ({"canary": 26, "published": 26}, True, ComponentState.MAJOR, "broker"),
        ({"canary": 26}, True, ComponentState.DEGRADED, "queue"),
        ({"canary": 121}, True, ComponentState.MAJOR, "queue"),
        ({}, False, ComponentState.MAJOR, "broker"),
    ],
)
def test_it_names_what_stands_still(ages, broker_answers, state, cause) -> None:  # type: ignore[no-untyped-def]
    judged = judge_jobs(make_evidence(**ages), broker_answers=broker_answers, now=NOW)

    assert (judged.state, judged.cause) == (state, cause)


def test_it_sees_a_dead_worker_although_nothing_new_was_read() -> None:
    evidence = make_evidence(read_at=NOW)

    judged = judge_jobs(evidence, broker_answers=True, now=NOW + 30)

    assert judged.state == ComponentState.MAJOR


def test_a_new_installation_is_no_outage() -> None:
    assert judge_jobs(Evidence(NOW), broker_answers=True, now=NOW) == NO_EVIDENCE


def test_a_clock_that_jumped_back_does_not_make_evidence_younger_than_now() -> None:
    evidence = make_evidence(canary=-3600)

    assert evidence.age_of("canary:celery", now=NOW + 26) == 26


@pytest.mark.parametrize(("silent_for", "state"), [(4, ComponentState.OPERATIONAL), (6, ComponentState.MAJOR)])
def test_a_silent_database_is_an_outage(silent_for: float, state: ComponentState) -> None:
    assert judge_database(make_evidence(read_at=NOW), now=NOW + silent_for).state == state


def test_a_database_that_never_answered_is_an_outage() -> None:
    assert judge_database(NOTHING, now=NOW).cause == "database"


def test_a_slow_database_is_degraded() -> None:
    assert judge_database(make_evidence(latency_ms=1500), now=NOW).state == ComponentState.DEGRADED


def test_no_web_process_is_an_outage_of_the_pages() -> None:
    assert judge_frontend(make_evidence(web=26), now=NOW).state == ComponentState.MAJOR
