"""The quota over real web processes, one of which is killed in the middle: to the unit what it was promised to be."""

import http.client
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from django.db import connection

from developer.models import MonthlyUsage
from developer.tests.make import make_account, make_key
from testing.brokers import free_port
from testing.processes import Processes
from testing.together import together

CLIENTS = 50
CALLS = 2000
QUOTA = 1000


@dataclass
class Crowd:
    """Fifty clients that make 2,000 calls in all, by two keys; whoever is cut off goes on at another server."""

    ports: list[int]
    secrets: list[str]
    statuses: Counter[int] = field(default_factory=Counter)
    cut_off: int = 0
    in_the_middle: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def be_client(self, number: int) -> None:
        secret = self.secrets[number % len(self.secrets)]
        turn, left = number // len(self.secrets), CALLS // CLIENTS
        while left:
            port = self.ports[turn % len(self.ports)]
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
                while left and (status := self._status(line, secret)):
                    self._count(status)
                    left -= 1
            turn += 1

    def _count(self, status: int) -> None:
        with self._lock:
            self.statuses[status] += 1
            if self.statuses.total() >= CALLS // 4:
                self.in_the_middle.set()

    def _status(self, line: http.client.HTTPConnection, secret: str) -> int | None:
        """None where the server went away: whether that call was counted nobody can know."""
        try:
            line.request("GET", "/api/sandbox/metrics", headers={"x-api-key": secret})
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.cut_off += 1
            return None
        return answer.status


@pytest.mark.proof
def test_of_two_thousand_calls_by_fifty_clients_a_thousand_pass(processes: Processes) -> None:
    account = make_account()
    secrets = [make_key(account)[0] for _ in range(2)]
    # SQLite is the laptop's database, with one process.
    count = 2 if connection.vendor == "postgresql" else 1
    ports = [free_port() for _ in range(count)]
    servers = [processes.serve(port) for port in ports]
    crowd = Crowd(ports, secrets)

    def be(number: int) -> None:
        if number < CLIENTS:
            crowd.be_client(number)
        elif count > 1:
            crowd.in_the_middle.wait(120)
            servers[0].kill()

    together(CLIENTS + 1, be)

    assert MonthlyUsage.objects.get().used == QUOTA
    assert set(crowd.statuses) == {200, 429}
    # A call that was cut off may have taken its unit before.
    assert QUOTA - crowd.cut_off <= crowd.statuses[200] <= QUOTA
    assert crowd.statuses.total() == CALLS
    assert bool(crowd.cut_off) == (count > 1)
