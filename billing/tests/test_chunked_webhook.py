"""Bodies in chunks, without a Content-Length, through the server that we run."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from billing.models import StripeEvent
from billing.sample_events import Sample, event
from billing.tests.make import SECRET
from billing.webhooks import sign
from testing.brokers import free_port, wait_until
from testing.processes import Processes

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n{more}\r\n"


@pytest.fixture
def line(processes: Processes) -> Iterator[socket.socket]:
    port = free_port()
    processes.serve(port)
    wait_until(lambda: is_open(port), what="the web process listens")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        yield line


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def begin(line: socket.socket, path: str, **headers: str) -> None:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    line.sendall(HEAD.format(path=path, more=more).encode())


def send_chunk(line: socket.socket, content: bytes) -> None:
    line.sendall(f"{len(content):x}\r\n".encode() + content + b"\r\n")


def answer(line: socket.socket) -> str:
    """Head and body, as far as they have come once the body is a whole object."""
    text = ""
    while not text.endswith("}") and (more := line.recv(65536)):
        text += more.decode()
    return text


def test_a_signed_event_in_chunks_is_stored_whole(line: socket.socket) -> None:
    at = datetime.now(UTC)
    body = json.dumps(event("invoice.payment_failed", Sample(created=at))).encode()
    begin(line, "/api/webhooks/stripe", Stripe_Signature=sign(body, SECRET, at=at))

    for start in range(0, len(body), 300):
        send_chunk(line, body[start : start + 300])
    send_chunk(line, b"")

    assert answer(line).startswith("HTTP/1.1 200")
    assert bytes(StripeEvent.objects.get().body) == body


def test_one_over_a_megabyte_is_refused_before_its_end(line: socket.socket) -> None:
    begin(line, "/api/webhooks/stripe", Stripe_Signature="t=1,v1=00")

    for _ in range(10):
        send_chunk(line, b" " * 100_000)
    send_chunk(line, b" ")

    refusal = answer(line)
    assert refusal.startswith("HTTP/1.1 413")
    assert '"payload_too_large"' in refusal
    assert not StripeEvent.objects.exists()
