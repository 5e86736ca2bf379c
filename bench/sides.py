"""Servers that are compared: one Granian process and one empty database for each, in alternating rounds of one run."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.databases import ROOT, django_settings, environment, fresh_database, run
from bench.load import Client, Round, clients
from bench.servers import serving

CONNECTIONS = 8
ROUND_SECONDS = 0.4
MIGRATE = ["manage.py", "migrate", "--verbosity", "0"]


@dataclass
class Side:
    """One of the servers that are compared."""

    name: str
    application: str
    prepare: list[str]
    path: str
    python: Path = ROOT / ".venv/bin/python"
    variables: dict[str, str] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)

    @property
    def p99(self) -> float:
        latencies = [seconds for one in self.rounds for seconds in one.latencies]
        return statistics.quantiles(latencies, n=100)[98]

    def rate_against(self, other: "Side") -> list[float]:
        """Of each pair of rounds, how many times the other's rate this one had."""
        return [mine.rate / theirs.rate for mine, theirs in zip(self.rounds, other.rounds, strict=True)]


type Requests = Callable[[Side, int], list[bytes]]


@contextmanager
def served(kind: str, folder: Path, sides: Sequence[Side]) -> Iterator[dict[str, Client]]:
    """A client for each side, all of them running at once."""
    with ExitStack() as stack:
        ports = {}
        for side in sides:
            url = stack.enter_context(fresh_database(kind, folder))
            variables = environment(url) | side.variables
            variables["BENCH_DATABASE"] = django_settings(variables)
            run([str(side.python), *side.prepare], variables)
            server = serving(side.application, variables=variables, log=folder / "server.log", python=side.python)
            ports[side.name] = stack.enter_context(server)
        yield stack.enter_context(clients(ports, connections=CONNECTIONS))


def run_rounds(clients: dict[str, Client], sides: Sequence[Side], requests: Requests, *, rounds: int) -> None:
    """Alternating rounds of about the same length, in turning order; a first one warms up and finds the size of each."""
    sizes = {side.name: _warm_up(clients[side.name], side, requests) for side in sides}
    for number in range(rounds):
        for side in sides if number % 2 else reversed(sides):
            side.rounds.append(clients[side.name].run(requests(side, sizes[side.name])))


def _warm_up(client: Client, side: Side, requests: Requests) -> int:
    """How many requests fill a round. The first ones fetch and make what later ones find."""
    client.run(requests(side, 1))
    for count in (20, 50):
        warm = client.run(requests(side, count))
    return max(CONNECTIONS * 3, round(warm.rate * ROUND_SECONDS))
