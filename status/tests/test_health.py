"""The health report: whatever hangs or fails, an answer within about a second, and a true one."""

import threading
import time
from dataclasses import replace

import pytest
from django.test import Client

from status import health
from status.broker import BrokerSight
from status.evidence import NOTHING, Evidence
from status.health import HealthDesk, make_report
from status.judgement import FINE, LATE_SECONDS, Judgement
from status.memory import memory
from status.tests.make import make_evidence

NOW = 100.0


@pytest.fixture(autouse=True)
def answering_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "look_at_broker", lambda: BrokerSight(answers=True))


def fresh() -> Evidence:
    return make_evidence(read_at=time.monotonic())


def test_all_is_well() -> None:
    body = HealthDesk(fresh).report().as_json()

    assert (body["ok"], body["status"]) == (True, "operational")
    assert set(body["components"]) == {"frontend", "backend", "database", "scheduler"}
    assert set(body["components"]["database"]) == {"ok", "service", "latencyMs"}


def test_a_dead_database_is_an_outage() -> None:
    body = HealthDesk(lambda: NOTHING).report().as_json()

    assert (body["ok"], body["status"], body["components"]["database"]["ok"]) == (False, "outage", False)


def test_work_that_stands_still_is_degraded_and_named() -> None:
    stopped = Judgement(FINE.state.MAJOR, "worker")

    report = make_report(fresh(), stopped, began=NOW, now=NOW)

    assert (report.ok, report.status) == (True, "degraded")
    assert report.checks["scheduler"].service == "Celery beat (worker)"


def test_work_that_has_died_since_is_told_though_the_report_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_born", float("-inf"))
    late = LATE_SECONDS + 1.0
    answers = [fresh(), make_evidence(read_at=time.monotonic(), canary=late, worker=late)]
    desk = HealthDesk(lambda: answers.pop(0))
    before = desk.report().status

    # As if that long had passed since; the report itself is as young as it was.
    desk._known = replace(desk._known, read_at=desk._known.read_at - late)
    after = [desk.report().checks["scheduler"].service for _ in range(3)]

    assert (before, after) == ("operational", ["Celery beat (worker)"] * 3)
    assert answers == []


def test_a_database_that_hangs_is_given_up_after_a_second() -> None:
    hang, answered = threading.Event(), threading.Event()

    def ask() -> Evidence:
        hang.wait(30)
        answered.set()
        return fresh()

    report = HealthDesk(ask).report()
    was_waited_for = answered.is_set()

    hang.set()
    assert (report.status, was_waited_for) == ("outage", False)


def test_a_hanging_question_is_not_asked_a_second_time() -> None:
    asked, hang = [], threading.Event()

    def ask() -> Evidence:
        asked.append(1)
        hang.wait(10)
        return NOTHING

    desk = HealthDesk(ask)
    desk.report()
    desk._made_at = float("-inf")
    desk.report()

    hang.set()
    assert len(asked) == 1


def test_many_askers_at_once_cause_one_look() -> None:
    asked = []

    def ask() -> Evidence:
        asked.append(1)
        time.sleep(0.1)
        return fresh()

    desk = HealthDesk(ask)
    askers = [threading.Thread(target=desk.report) for _ in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()

    assert len(asked) == 1


@pytest.mark.django_db
class TestOverHttp:
    @pytest.fixture(autouse=True)
    def desk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("status.views.desk", HealthDesk(lambda: NOTHING))

    def test_an_outage_is_503_and_keeps_its_own_body(self, client: Client) -> None:
        answer = client.get("/api/status/health")

        assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
        assert answer.json()["status"] == "outage"

    def test_the_draft_format_comes_by_accept(self, client: Client) -> None:
        answer = client.get("/api/status/health", headers={"Accept": "application/health+json"})

        assert (answer.status_code, answer["Content-Type"]) == (503, "application/health+json")
        assert answer.json()["status"] == "fail"
        database = answer.json()["checks"]["database:responseTime"][0]
        plain = client.get("/api/status/health").json()["components"]["database"]
        assert (database["status"], database["output"]) == ("fail", plain["service"])

    def test_it_is_not_ready_without_a_database(self, client: Client) -> None:
        answer = client.get("/api/status/ready")

        assert (answer.status_code, answer.json()) == (503, {"ok": False})

    def test_no_cache_may_keep_it(self, client: Client) -> None:
        assert client.get("/api/status/health")["Cache-Control"] == "no-store"

    def test_it_answers_head(self, client: Client) -> None:
        assert client.head("/api/status/health").status_code == 503
