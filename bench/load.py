"""An HTTP client that costs little: kept-alive connections, each with exactly one request under way."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Self

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Round:
    """One round against one server: how long it took, and the seconds that each answer took."""

    seconds: float
    latencies: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._sent_at = 0.0

    def send(self, request: bytes) -> None:
        self._received = b""
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> float | None:
        """Seconds since the request was sent once its answer is complete, None before; raises for all but a success."""
        part = self.socket.recv(65536)
        self._received += part
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not part:
            raise ConnectionError(f"The server hung up after {self._received[:200]!r}.")
        if not separator or not _is_complete(head.lower(), body):
            return None
        if not head.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(f"No success: {self._received[:400]!r}")
        return time.perf_counter() - self._sent_at


def _is_complete(head: bytes, body: bytes) -> bool:
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.removeprefix(b"content-length:"))
        if line.startswith(b"transfer-encoding: chunked"):
            return body.endswith(b"0\r\n\r\n")
    raise RuntimeError(f"An answer without its length: {head!r}")


class Client:
    """So many connections to one server; each sends its next request as soon as its last one is answered."""

    def __init__(self, port: int, *, connections: int) -> None:
        self._connections = [Connection(port) for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def run(self, requests: list[bytes]) -> Round:
        """Sends all of them and waits for all answers."""
        waiting = iter(requests)
        latencies: list[float] = []
        started = time.perf_counter()
        for connection, request in zip(self._connections, waiting, strict=False):
            connection.send(request)
        while len(latencies) < len(requests):
            for seconds, connection in self._answers():
                latencies.append(seconds)
                following = next(waiting, None)
                if following is not None:
                    connection.send(following)
        return Round(time.perf_counter() - started, latencies)

    def _answers(self) -> Iterator[tuple[float, Connection]]:
        ready = self._selector.select(TIMEOUT_SECONDS)
        if not ready:
            raise TimeoutError("No answer came within 30 seconds.")
        for key, _ in ready:
            connection: Connection = key.data
            seconds = connection.read()
            if seconds is not None:
                yield seconds, connection


@contextmanager
def clients(ports: dict[str, int], *, connections: int) -> Iterator[dict[str, Client]]:
    """One client for each named server."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Client(port, connections=connections)) for name, port in ports.items()}
