"""Which state, and which cause, follows from which signs of life."""

import pytest

from status.component_states import ComponentState
from status.evidence import NOTHING, Evidence
from status.health import make_report
from status.judgement import NO_EVIDENCE, Judgement, judge_database, judge_frontend, judge_jobs
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


@pytest.mark.parametrize("name", ["canary", "beat", "worker", "published"])
def test_a_sign_of_life_from_the_future_counts_as_none(name: str) -> None:
    evidence = make_evidence(read_at=NOW, **{"canary": 26.0, name: -7200.0})  # type: ignore[arg-type]  # ages alone

    judged = judge_jobs(evidence, broker_answers=True, now=NOW)

    assert (judged.is_fine, judged.cause) == (False, "clock")


def test_clocks_that_differ_by_a_little_are_no_fault() -> None:
    assert judge_jobs(make_evidence(canary=-2), broker_answers=True, now=NOW).is_fine


def test_no_web_process_but_one_from_the_future_is_an_outage_of_the_pages() -> None:
    assert not judge_frontend(make_evidence(web=-7200), now=NOW).is_fine


@pytest.mark.parametrize(("silent_for", "state"), [(4, ComponentState.OPERATIONAL), (6, ComponentState.MAJOR)])
def test_a_silent_database_is_an_outage(silent_for: float, state: ComponentState) -> None:
    assert judge_database(make_evidence(read_at=NOW), now=NOW + silent_for).state == state


def test_a_database_that_never_answered_is_an_outage() -> None:
    assert judge_database(NOTHING, now=NOW).cause == "database"


def test_a_slow_database_is_degraded() -> None:
    assert judge_database(make_evidence(latency_ms=1500), now=NOW).state == ComponentState.DEGRADED


def test_no_web_process_is_an_outage_of_the_pages() -> None:
    assert judge_frontend(make_evidence(web=26), now=NOW).state == ComponentState.MAJOR


def test_clocks_that_disagree_are_named_to_monitors_without_a_senseless_figure() -> None:
    report = make_report(make_evidence(canary=-7200), Judgement(ComponentState.PARTIAL, "clock"), began=NOW, now=NOW)

    scheduler = report.as_json()["components"]["scheduler"]
    assert scheduler == {"ok": False, "service": "Celery beat (clock)", "latencyMs": 0}
