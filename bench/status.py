"""How many answers of the status page and of health a process gives, against bare views, in alternating rounds.

Each server is one Granian process started by the Procfile's own line. `/status` is asked with 10 and with 10,000 incidents
behind it; the bare view returns the very bytes that Levqor returned, compressed as they were.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.databases import PYTHON, environment, fresh_database, run
from bench.load import Client, Round
from bench.servers import serving
from bench.tables import spread, table, verdict

CONNECTIONS = 20
ROUNDS = 20
REQUESTS = 400
FEW, MANY = 10, 10_000
# What Granian adds by itself.
OF_THE_SERVER = {"date", "server", "connection", "transfer-encoding"}


@dataclass
class Question:
    """One path asked of one server, with the rates of its rounds."""

    name: str
    port: int
    path: str
    requests: int = REQUESTS
    rounds: list[Round] = field(default_factory=list)

    def ask(self) -> None:
        head = f"GET {self.path} HTTP/1.1\r\nHost: app.levqor.example\r\nX-Forwarded-Proto: https\r\n"
        request = f"{head}Accept-Encoding: gzip\r\n\r\n".encode()
        with Client(self.port, connections=CONNECTIONS) as client:
            self.rounds.append(client.run([request] * self.requests))

    def against(self, other: "Question") -> list[float]:
        return [mine.rate / theirs.rate for mine, theirs in zip(self.rounds, other.rounds, strict=True)]


def measure(kind: str, folder: Path) -> None:
    """Starts all servers, asks them in turn, and prints the ratios and the goals."""
    with ExitStack() as stack:
        questions = list(_questions(kind, folder, stack))
        for _ in range(ROUNDS):
            for question in questions:
                question.ask()
    few, many, page, health, bare_health, report, checks = questions
    ratios = {
        "/status against the bare view": few.against(page),
        "/status, 10,000 incidents against 10": many.against(few),
        "/health against the bare view": health.against(bare_health),
        "/api/status/health against django-health-check": report.against(checks),
    }
    print(table([("", "times the rate"), *((name, spread(values)) for name, values in ratios.items())]))
    goals = dict(zip(ratios, (0.8, 0.8, 0.8, 7.0), strict=True))
    for name, values in ratios.items():
        print(verdict(name, sorted(values)[len(values) // 2], at_least=goals[name]))


def _questions(kind: str, folder: Path, stack: ExitStack) -> Iterator[Question]:
    ports = {}
    for count in (FEW, MANY):
        url = stack.enter_context(fresh_database(kind, folder))
        variables = environment(url)
        run([PYTHON, "manage.py", "migrate", "--verbosity", "0"], variables)
        run([PYTHON, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], variables)
        run([PYTHON, "-m", "bench.status_rows", str(count)], variables)
        log = folder / f"levqor-{count}.log"
        server = serving("levqor.wsgi:application", variables=variables, log=log, python=Path(PYTHON))
        ports[count] = stack.enter_context(server)
    bare = stack.enter_context(_bare(variables, folder, ports[FEW]))
    yield Question("/status", ports[FEW], "/status")
    yield Question("/status, many", ports[MANY], "/status")
    yield Question("bare page", bare, "/status")
    yield Question("/health", ports[FEW], "/health")
    yield Question("bare health", bare, "/health")
    yield Question("report", ports[FEW], "/api/status/health")
    yield Question("checks", bare, "/ht/?format=json", requests=REQUESTS // 4)


@contextmanager
def _bare(variables: dict[str, str], folder: Path, port: int) -> Iterator[int]:
    """The bare views, which have kept what Levqor answered: body and headers."""
    kept = folder / "status"
    sent = {"Host": "app.levqor.example", "X-Forwarded-Proto": "https", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/status", headers=sent)
    with urllib.request.urlopen(request, timeout=30) as answer:
        kept.with_suffix(".body").write_bytes(answer.read())
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in OF_THE_SERVER}
    kept.with_suffix(".json").write_text(json.dumps(headers))
    log = folder / "bare-status.log"
    known = variables | {"BENCH_STATUS_ANSWER": str(kept)}
    with serving("bench.bare_status:application", variables=known, log=log, python=Path(PYTHON)) as bare:
        yield bare
