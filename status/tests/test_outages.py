"""Real outages: web, worker and beat on a PostgreSQL and a Redis of their own, which are stopped, frozen and taken away.

One set of processes serves the whole file, in the order of the tests: what one of them stops or freezes it mends again, and
those at the end leave nothing to mend.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import feedparser
import psycopg
import pytest
from django.db import connection

from status.judgement import LATE_SECONDS
from status.labels import CAUSES
from status.tests.world import PATIENCE, Web, World, frozen
from testing.black_hole import BlackHole
from testing.brokers import OwnRedis, free_port, wait_until
from testing.databases import OwnPostgres, children_of, server_programs
from testing.processes import Processes
from testing.soak import soak_all_but

pytestmark = [pytest.mark.proof, pytest.mark.alone]

GREEN = "All Systems Operational"
# The notes' bar: a dead part of the background work is seen so soon.
SEEN_WITHIN = 30
# So that what was mended is seen to be so in a moment; what is late is so by the same limit.
OFTEN = {"Status canary": 2.0}
LOOKED_UP = "/status/incidents/of-long-ago"


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
        worker, beat = processes.start("worker"), processes.start("beat", beats=OFTEN)
        wait_until(lambda: web.shows(GREEN) and web.health()[1]["status"] == "operational", what="all is well")
        yield World(processes, database, redis, web, worker, beat)


def sees(world: World, cause: str) -> None:
    """The page names the cause in time, is not green, and the health report names it too."""
    wait_until(lambda: world.web.shows(CAUSES[cause]), seconds=SEEN_WITHIN, what=f"the page names {cause}")
    assert GREEN not in world.web.page()
    named = (200, "degraded", f"Celery beat ({cause})")
    # A machine too busy to ask the database within the limit says so at first, and rightly.
    wait_until(lambda: told(world.web) == named, what=f"the report names {cause} and nothing worse")


def told(web: Web) -> tuple[int, str, str]:
    """Status code, state and the scheduler's words of the health report."""
    status, report = web.health()
    return status, report["status"], report["components"]["scheduler"]["service"]


def recovers(world: World) -> None:
    wait_until(lambda: world.web.shows(GREEN), what="all is well again")
    wait_until(lambda: world.web.health()[1]["status"] == "operational", what="the report says so too")


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


# In full time, and as if most of it had gone by already: what stands still then leaves no new sign, as before.
IN_TIME = pytest.mark.parametrize("gone_by", soak_all_but([0], [LATE_SECONDS, 0]))


@IN_TIME
def test_a_frozen_beat_is_seen_and_named(world: World, gone_by: int) -> None:
    with frozen(world.beat.pid):
        world.age_signs(gone_by)
        sees(world, "beat")
    recovers(world)


@IN_TIME
def test_a_frozen_worker_is_seen_and_named(world: World, gone_by: int) -> None:
    with frozen(world.worker.pid):
        world.age_signs(gone_by)
        sees(world, "worker")
    recovers(world)


@IN_TIME
def test_a_worker_that_lives_and_takes_no_work_is_seen_and_named(world: World, gone_by: int) -> None:
    with frozen(*children_of(world.worker.pid)):
        world.age_signs(gone_by)
        sees(world, "queue")
    recovers(world)


def test_who_waits_for_a_lock_is_no_outage(world: World) -> None:
    """Somebody's transaction holds up every sign of life; the database answers whoever asks."""
    log, refused = world.web.running.log, "status_not_written_down"
    had = log.read_text().count(refused)
    with psycopg.connect(world.database.url) as somebody:
        somebody.execute("LOCK TABLE status_stamp IN EXCLUSIVE MODE")
        wait_until(lambda: log.read_text().count(refused) > had, what="the web process has given up waiting")

        assert (world.web.shows(GREEN), world.web.health()[0]) == (True, 200)

    recovers(world)
    assert world.sql("SELECT 1 FROM status_stateinterval WHERE cause = 'database'") == []


# Seconds for which it stands still; none: for one round of questions.
FOR_HOW_LONG = pytest.mark.parametrize("seconds", soak_all_but([0], [0, 120]))
# Each asks in a thread of its own, and one that hangs is given up for another: the database's and the broker's.
PROBES = 2


@dataclass
class Monitor:
    """Asks for the report and for readiness, as monitors do, and notes the most that the process holds meanwhile."""

    web: Web
    port: int
    statuses: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Each of its threads has been at work once, or it would hold more later anyhow.
        for one in self.web.crowd(LOOKED_UP):
            one.join()
        self.before = self.web.holds(self.port)
        self.most = 0

    def insist(self, *, until: Callable[[], bool]) -> None:
        while True:
            self.statuses |= {self.web.ask(path)[0] for path in ("/api/status/health", "/api/status/ready")}
            self.most = max(self.most, self.web.holds(self.port).threads)
            if until():
                return

    def is_as_before(self) -> bool:
        now = self.web.holds(self.port)
        return now.threads <= self.before.threads + PROBES and now.lines <= self.before.lines + PROBES


def passed(seconds: int) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


@FOR_HOW_LONG
def test_a_frozen_database_is_told_within_the_limit_and_leaves_nothing_behind(world: World, seconds: int) -> None:
    monitor = Monitor(world.web, world.database.port)
    world.database.freeze()
    wait_until(lambda: world.web.health()[0] == 503, seconds=SEEN_WITHIN, what="the report is 503")
    wait_until(lambda: world.web.shows(CAUSES["database"]), seconds=SEEN_WITHIN, what="the page names the database")

    monitor.insist(until=passed(seconds))
    status, report = world.web.health()
    drafted = world.web.ask("/api/status/health", Accept="application/health+json")
    world.database.thaw()

    assert (status, report["status"], report["components"]["database"]["ok"]) == (503, "outage", False)
    assert (drafted[0], json.loads(drafted[1])["status"]) == (503, "fail")
    assert monitor.statuses == {503}
    assert monitor.most <= monitor.before.threads + PROBES
    wait_until(lambda: world.web.health()[0] == 200, what="the report is 200")
    wait_until(monitor.is_as_before, what=f"no more is held than {monitor.before}")
    recovers(world)


@FOR_HOW_LONG
def test_a_frozen_broker_is_told_within_the_limit_and_leaves_nothing_behind(world: World, seconds: int) -> None:
    monitor = Monitor(world.web, world.redis.port)

    with frozen(world.redis.pid):
        sees(world, "broker")
        monitor.insist(until=passed(seconds))

    assert monitor.most <= monitor.before.threads + PROBES
    wait_until(monitor.is_as_before, what=f"no more is held than {monitor.before}")
    assert monitor.statuses == {200}
    recovers(world)


@pytest.mark.parametrize("times", soak_all_but([0], [2, 30]))
def test_a_database_that_ends_idle_sessions_is_no_outage(world: World, times: int) -> None:
    monitor, ended = Monitor(world.web, world.database.port), "terminating connection due to idle-session timeout"
    world.sql("ALTER SYSTEM SET idle_session_timeout = '2s'")
    world.sql("SELECT pg_reload_conf()")
    try:
        monitor.insist(until=lambda: world.database.log.read_text().count(ended) >= times)
        looked_up, page = world.web.ask(LOOKED_UP)[0], world.web.page()
    finally:
        world.sql("ALTER SYSTEM RESET idle_session_timeout")
        world.sql("SELECT pg_reload_conf()")

    assert monitor.statuses == {200}
    assert (looked_up, GREEN in page) == (404, True)


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
