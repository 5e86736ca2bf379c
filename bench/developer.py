"""What a metered `GET /api/sandbox/metrics` costs: Levqor beside the usual stack, a counter in Redis, and a bare view.

All in one run on PostgreSQL, each one Granian process started by the Procfile's own line, in alternating rounds. A round
calls with one key, a new one each time; in the first series each key has 5,000 calls in its window, in the second none.
The third compares one key with 200 keys in turn, at Levqor alone.
"""

import itertools
import json
import os
import secrets
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import redis

from bench.load import Client
from bench.metered_keys import EMPTY, FULL, MANY, secret_of
from bench.side_install import NotInstalledError, install
from bench.sides import Side, run_rounds, served
from bench.tables import spread, table, verdict

ROUNDS = 30
PATH = "/api/sandbox/metrics"
REQUIREMENTS = Path(__file__).with_name("requirements-drf.txt")
LEVQOR, REDIS, BARE, DRF = "Levqor", "Levqor on a Redis script", "bare view", "DRF, api-key, throttle"
ROWS = ["-m", "bench.metered_rows"]
BODY = {
    "sandbox_mode": True, "date": "2026-11-24", "runs_total": 1644, "runs_succeeded": 1630, "runs_failed": 14,
    "success_rate": 0.9915, "active_workflows": 4, "latency_ms": {"p50": 300, "p95": 950, "p99": 1700},
    "runs_by_workflow": [
        {"workflow": name, "runs": 411} for name in ("invoice-sync", "lead-enrichment", "order-export", "ticket-triage")
    ],
}  # fmt: skip


def measure(kind: str, folder: Path, *, rounds: int = ROUNDS) -> None:
    """Runs the three series and prints their tables, and the goals."""
    if kind != "PostgreSQL" or not os.environ.get("REDIS_URL"):
        print("  not run: it compares on PostgreSQL and Redis, which DATABASE_URL and REDIS_URL name")
        return
    space = f"levqor-bench-{secrets.token_hex(6)}:"
    sides = [*_own_sides(space), *_drf_sides(folder, space)]
    try:
        with served(kind, folder, sides) as clients:
            for words, numbers, goal in (("with 5,000 calls in the window", FULL, 3.5), ("empty window", EMPTY, 2.5)):
                _series(words, clients, sides, numbers, goal, rounds=rounds)
            _one_and_many(clients[LEVQOR], sides[0], rounds=rounds)
    finally:
        _forget(space)


def _own_sides(space: str) -> list[Side]:
    in_redis = {"BENCH_REDIS_SPACE": space}
    return [
        Side(LEVQOR, "levqor.wsgi:application", ROWS, PATH),
        Side(REDIS, "bench.metered_by_redis:application", ROWS, PATH, variables=in_redis),
        Side(BARE, "bench.bare_metered:application", ROWS, PATH),
    ]


def _drf_sides(folder: Path, space: str) -> list[Side]:
    try:
        python = install(folder / "drf", REQUIREMENTS)
    except NotInstalledError as error:
        print(f"  not run beside DRF, which could not be installed: {error}")
        return []
    variables = {"BENCH_REDIS_SPACE": space, "BENCH_BODY": json.dumps(BODY)}
    prepare = ["-m", "bench.with_drf"]
    return [Side(DRF, "bench.with_drf:application", prepare, PATH, python=python, variables=variables)]


def _series(
    words: str, clients: dict[str, Client], sides: Sequence[Side], numbers: range, goal: float, *, rounds: int
) -> None:
    sides = [replace(side, rounds=[]) for side in sides]
    run_rounds(clients, sides, _by_one_key_a_round(numbers), rounds=rounds)
    levqor, by_redis = sides[:2]
    rows = [
        [side.name, f"{statistics.median(one.rate for one in side.rounds):.0f}", spread(side.rate_against(sides[-1]))]
        for side in sides
    ]
    print(table([[words, "calls a second", f"rate ÷ {sides[-1].name}"], *rows]))
    if sides[-1].name == DRF:
        value = statistics.median(levqor.rate_against(sides[-1]))
        print(verdict(f"rate against DRF, {words}", value, at_least=goal))
    value = statistics.median(levqor.rate_against(by_redis))
    print(verdict(f"rate against a script in Redis, {words}", value, at_least=0.7))


def _one_and_many(client: Client, levqor: Side, *, rounds: int) -> None:
    one, many = (replace(levqor, name=name, rounds=[]) for name in ("one key", "200 keys"))
    by_one = _by_one_key_a_round(EMPTY)
    in_turn = itertools.cycle(MANY)

    def requests(side: Side, count: int) -> list[bytes]:
        return by_one(side, count) if side is one else [_request(next(in_turn), side) for _ in range(count)]

    run_rounds({one.name: client, many.name: client}, [one, many], requests, rounds=rounds)
    print(table([["", "rate ÷ 200 keys"], [one.name, spread(one.rate_against(many))]]))
    print(verdict("one key against 200", statistics.median(one.rate_against(many)), at_least=0.95))


def _by_one_key_a_round(numbers: range) -> Callable[[Side, int], list[bytes]]:
    turns: dict[str, Iterator[int]] = {}

    def requests(side: Side, count: int) -> list[bytes]:
        number = next(turns.setdefault(side.name, itertools.cycle(numbers)))
        return [_request(number, side)] * count

    return requests


def _request(number: int, side: Side) -> bytes:
    secret = secret_of(number)
    key = f"Authorization: Api-Key k{number:07d}.{secret}" if side.name == DRF else f"x-api-key: {secret}"
    lines = [
        f"GET {side.path} HTTP/1.1",
        "Host: app.levqor.example",
        "X-Forwarded-For: 192.0.2.7",
        "X-Forwarded-Proto: https",
        "User-Agent: python-httpx/0.28.1",
        "Accept: */*",
        key,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _forget(space: str) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as server:
        for name in list(server.scan_iter(f"*{space}*", count=1000)):
            server.delete(name)
