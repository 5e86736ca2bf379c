"""How fast a claim is taken in by `POST /api/sla/claim`, against a bare django-ninja operation, in one run.

Each claim is another person's, from another network, as the limits would have it: none is a repeat and none is refused.
"""

import itertools
import json
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.sides import MIGRATE, Side, run_rounds, served
from bench.tables import spread, table, verdict

ROUNDS = 30
PATH = "/api/sla/claim"
LEVQOR, BARE = "Levqor", "bare operation"
DESCRIPTION = "No job ran between two and four o'clock, and our customers' orders waited. " * 4
_numbers = itertools.count(1)


def measure(kind: str, folder: Path, *, rounds: int = ROUNDS) -> None:
    """Runs both on one kind of database and prints the table, and the goal."""
    ours = Side(LEVQOR, "levqor.wsgi:application", MIGRATE, PATH)
    bare = Side(BARE, "bench.bare_claim:application", ["-m", "bench.bare_claim"], PATH)
    with served(kind, folder, [ours, bare]) as clients:
        run_rounds(
            clients, [ours, bare], lambda side, count: [_request(side.path) for _ in range(count)], rounds=rounds
        )
    rows = [[side.name, spread(side.rate_against(bare)), f"{side.p99 / bare.p99:.2f}"] for side in (ours, bare)]
    print(table([["", "rate ÷ bare", "p99 ÷ bare"], *rows]))
    print(verdict("rate against the bare operation", statistics.median(ours.rate_against(bare)), at_least=0.5))


def _request(path: str) -> bytes:
    """One claim as a raw HTTP request, of somebody who never claimed before."""
    number = next(_numbers)
    said = {
        "fullName": "Ada Lovelace",
        "email": f"ada{number}@example.com",
        "plan": "growth",
        "incidentDate": (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="seconds"),
        "description": DESCRIPTION,
        "account": "Example Ltd",
    }
    body = json.dumps(said).encode()
    headers = {
        "Host": "app.levqor.example",
        "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "X-Forwarded-Proto": "https",
        "User-Agent": "python-httpx/0.28.1",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
