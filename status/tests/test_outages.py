"""Real outages: web, worker and beat on a PostgreSQL and a Redis of their own, which are stopped, frozen and taken away.

One set of processes serves the whole file, in the order of the tests: what one of them stops or freezes it mends again, and
those at the end leave nothing to mend.
"""

import http.client
import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import feedparser
import pytest
from django.db import connection

from levqor.lib.testing.black_hole import BlackHole
from levqor.lib.testing.brokers import OwnRedis, free_port, wait_until
from levqor.lib.testing.databases import OwnPostgres, children_of, server_programs
from levqor.lib.testing.processes import Processes, Running
from status.labels import CAUSES

pytestmark = [pytest.mark.proof, pytest.mark.alone]

GREEN = "All Systems Operational"
# The notes' bar: a dead part of the background work is seen so soon.
SEEN_WITHIN = 30
# The contract's bar is 1.2 seconds. A machine that is busy with other tests gets more; what hangs takes five and longer.
PATIENCE = 4
# The Procfile gives the web process sixteen threads. What is asked for is in no snapshot, and must be looked up.
CROWD = 20
LOOKED_UP = "/status/incidents/of-long-ago"


@dataclass
class Web:
    """The web process under test, as a stranger asks it."""

    port: int
    running: Running

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()

    def page(self) -> str:
        status, body = self.ask("/status")
        assert status == 200
        return body

    def json(self, path: str) -> dict[str, Any]:
        status, body = self.ask(path)
        assert status == 200
        found: dict[str, Any] = json.loads(body)
        return found

    def health(self) -> tuple[int, dict[str, Any]]:
        status, body = self.ask("/api/status/health")
        return status, json.loads(body)

    def crowd(self, path: str) -> list[threading.Thread]:
        """More people than the process has threads, who all ask for a page that needs the database."""
        everybody = [threading.Thread(target=self._insist, args=[path], daemon=True) for _ in range(CROWD)]
        for one in everybody:
            one.start()
        return everybody

    def _insist(self, path: str) -> None:
        # What becomes of them is not the question here; the last are cut off with the process.
        with suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120).read()

    def shows(self, text: str) -> bool:
        try:
            return text in self.page()
        except OSError:
            return False


@dataclass
class World:
    """Everything that runs, on one database and one broker."""

    processes: Processes
    database: OwnPostgres
    redis: OwnRedis
    web: Web
    worker: Running
    beat: Running

    def serve(self, **environment: str) -> Web:
        """Another web process on the same folder, as after a restart."""
        self.processes.environment |= environment
        port = free_port()
        web = Web(port, self.processes.serve(port))
        wait_until(lambda: web.shows("Levqor status"), what="the page is served")
        return web


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # Where the run is on PostgreSQL, as in CI, their absence is an error and not a reason to pass by.
    if server_programs() is None and connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed on this machine.")
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        database, redis = stack.enter_context(OwnPostgres()), stack.enter_context(OwnRedis())
        environment = {"DATABASE_URL": database.url, "STATUS_DIR": str(folder / "status")}
        processes = stack.enter_context(Processes(folder, redis, **environment))
        migration = processes.run("manage.py", "migrate", "--verbosity", "0")
        port = free_port()
        web = Web(port, processes.serve(port))
        assert migration.wait(100) == 0
        worker, beat = processes.start("worker"), processes.start("beat")
        wait_until(lambda: web.shows(GREEN) and web.health()[1]["status"] == "operational", what="all is well")
        yield World(processes, database, redis, web, worker, beat)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stopped where they stand, without a word to anybody."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def sees(world: World, cause: str) -> None:
    """The page names the cause in time, is not green, and the health report names it too."""
    wait_until(lambda: world.web.shows(CAUSES[cause]), seconds=SEEN_WITHIN, what=f"the page names {cause}")
    assert GREEN not in world.web.page()
    wait_until(lambda: world.web.health()[1]["status"] == "degraded", what="the report is degraded")
    status, report = world.web.health()
    assert (status, report["components"]["scheduler"]["service"]) == (200, f"Celery beat ({cause})")


def recovers(world: World) -> None:
    wait_until(lambda: world.web.shows(GREEN), what="all is well again")


# What another process does, with the door that the back office uses.
SHELL = ("manage.py", "shell", "--no-imports", "--command")
BREAK = """
from django.utils import timezone
from levqor.lib.actors import SYSTEM
from status.incidents import ComponentState, Impact, IncidentStatus, Update, open_incident
from status.models import Component
slow = {Component.objects.get(slug="api"): ComponentState.DEGRADED}
update = Update(IncidentStatus.INVESTIGATING, "We are looking.", slow)
open_incident("Slow answers", Impact.MINOR, update, by=SYSTEM, at=timezone.now())
"""
MEND = """
from django.utils import timezone
from levqor.lib.actors import SYSTEM
from status.incidents import IncidentStatus, Update, post_update
from status.models import Incident
post_update(Incident.objects.get(), Update(IncidentStatus.RESOLVED, "It is over."), by=SYSTEM, at=timezone.now())
"""


def test_what_is_published_is_everywhere_at_once(world: World) -> None:
    """From the commit to the page, the JSON, the feeds and the badge: all from one version."""
    paths = ("/status", "/api/v2/summary.json", "/status/history.atom", "/status/history.rss")

    assert world.processes.run(*SHELL, BREAK).wait(60) == 0

    wait_until(lambda: all("Slow answers" in world.web.ask(path)[1] for path in paths), seconds=PATIENCE)
    assert "Partially Degraded Service" in world.web.ask("/status/badge.svg")[1]
    assert world.processes.run(*SHELL, MEND).wait(60) == 0
    recovers(world)


@pytest.mark.soak
def test_a_frozen_beat_is_seen_and_named(world: World) -> None:
    with frozen(world.beat.pid):
        sees(world, "beat")
    recovers(world)


@pytest.mark.soak
def test_a_frozen_worker_is_seen_and_named(world: World) -> None:
    with frozen(world.worker.pid):
        sees(world, "worker")
    recovers(world)


@pytest.mark.soak
def test_a_worker_that_lives_and_takes_no_work_is_seen_and_named(world: World) -> None:
    with frozen(*children_of(world.worker.pid)):
        sees(world, "queue")
    recovers(world)


def test_a_frozen_database_is_told_within_the_limit(world: World) -> None:
    world.database.freeze()
    wait_until(lambda: world.web.health()[0] == 503, seconds=SEEN_WITHIN, what="the report is 503")
    wait_until(lambda: world.web.shows(CAUSES["database"]), seconds=SEEN_WITHIN, what="the page names the database")

    status, report = world.web.health()
    drafted = world.web.ask("/api/status/health", Accept="application/health+json")
    world.database.thaw()

    assert (status, report["status"], report["components"]["database"]["ok"]) == (503, "outage", False)
    assert (drafted[0], json.loads(drafted[1])["status"]) == (503, "fail")
    recovers(world)


def test_a_crowd_that_waits_for_a_frozen_database_holds_up_nobody(world: World) -> None:
    world.database.freeze()
    try:
        world.web.crowd(LOOKED_UP)
        wait_until(lambda: world.web.shows(CAUSES["database"]), seconds=SEEN_WITHIN, what="the page names the database")
        answers = {path: world.web.ask(path)[0] for path in ("/health", "/api/status/health", "/status")}
    finally:
        world.database.thaw()

    assert answers == {"/health": 200, "/api/status/health": 503, "/status": 200}
    recovers(world)


def test_a_stopped_broker_is_seen_and_named(world: World) -> None:
    world.redis.stop()

    sees(world, "broker")


def test_without_database_and_broker_everything_is_served_and_nothing_is_green(world: World) -> None:
    world.database.stop()
    wait_until(lambda: world.web.shows("Major Service Outage"), seconds=SEEN_WITHIN, what="the banner leaves green")

    everything_is_served(world.web)


def test_a_crowd_that_asks_for_what_is_gone_holds_up_nobody(world: World) -> None:
    world.web.crowd(LOOKED_UP)

    everything_is_served(world.web)


def test_a_database_that_comes_back_is_found_at_once(world: World) -> None:
    world.database.start()
    try:
        wait_until(lambda: CAUSES["database"] not in world.web.page(), seconds=SEEN_WITHIN, what="the database is back")
    finally:
        world.database.stop()


def test_a_cold_start_without_both_serves_the_last_page(world: World) -> None:
    world.web.running.kill()
    world.web = world.serve()
    wait_until(lambda: world.web.shows("Major Service Outage"), seconds=SEEN_WITHIN, what="the banner is not green")

    everything_is_served(world.web)


def test_a_cold_start_where_packets_are_dropped_serves_the_last_page(world: World) -> None:
    world.web.running.kill()
    with BlackHole() as hole:
        address = f"127.0.0.1:{hole.port}"
        world.web = world.serve(DATABASE_URL=f"postgres://levqor@{address}/postgres", REDIS_URL=f"redis://{address}/0")
        wait_until(lambda: world.web.shows("Major Service Outage"), seconds=SEEN_WITHIN, what="the banner is not green")

        everything_is_served(world.web)


def everything_is_served(web: Web) -> None:
    wait_until(lambda: web.health()[0] == 503, what="the report, which is kept for five seconds, is 503")
    summary = web.json("/api/v2/summary.json")
    status, report = web.health()
    assert summary["status"] == {"indicator": "critical", "description": "Major Service Outage"}
    assert (status, report["ok"], report["status"]) == (503, False, "outage")
    assert web.ask("/health")[0] == 200
    assert web.ask("/api/status/ready")[0] == 503
    for path in ("/status/history.atom", "/status/history.rss"):
        assert not feedparser.parse(web.ask(path)[1]).bozo
    for path in ("/status/history", "/status/maintenance.ics", "/status/badge.svg", "/api/status/uptime"):
        assert web.ask(path)[0] == 200
    assert GREEN not in web.page()
