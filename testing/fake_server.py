"""A fake HTTP service on a loopback port, with the ways a real one fails. It knows neither Stripe nor Resend."""

import json
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

type Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One received request. Header names are lower case; `params` holds the query and form fields, or the JSON."""

    number: int
    method: str
    path: str
    params: Json
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


class HangUpError(Exception):
    """Close the socket without answering."""


@dataclass
class Fault:
    """What shall go wrong, how often, and for which paths."""

    kind: str
    left: int
    path_prefix: str
    answer: Answer | None = None
    seconds: float = 0.0

    def matches(self, kind: str, path: str) -> bool:
        return self.kind == kind and self.left > 0 and path.startswith(self.path_prefix)


class FakeServer(ABC):
    """Use as a context manager. Subclasses answer in `handle` and shape errors in `error`."""

    def __init__(self, *, port: int = 0) -> None:
        self._gate = threading.Condition()
        self.requests: list[Request] = []
        self.down = False
        self.failures: list[BaseException] = []
        self._port = port
        self._numbers = 0
        self._faults: list[Fault] = []
        self._released = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("start the fake first: with FakeStripe() as fake")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Wake whoever hangs, then close the port."""
        self._released.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        if kind is None and self.failures:
            raise AssertionError("the fake itself failed") from self.failures[0]

    # Faults

    def fail_next(
        self,
        *,
        status: int = 500,
        count: int = 1,
        path_prefix: str = "/",
        retry_after: int | None = None,
        **error: Any,
    ) -> None:
        """Answer the next `count` requests with `status` and have no effect. `error` changes the error object."""
        answer = self.error(status, **error)
        if retry_after is not None:
            answer = replace(answer, headers={"Retry-After": str(retry_after)})
        self._add(Fault("fail", count, path_prefix, answer=answer))

    def hang(self, seconds: float, *, count: int = 1, path_prefix: str = "/", after_effect: bool = False) -> None:
        """Keep the next `count` callers waiting, before the effect (the usual timeout) or after it."""
        self._add(Fault("hang_after" if after_effect else "hang", count, path_prefix, seconds=seconds))

    def cut_after_effect(self, count: int = 1, *, path_prefix: str = "/") -> None:
        """Do the work, then close the socket: the caller cannot know."""
        self._add(Fault("cut", count, path_prefix))

    def heal(self) -> None:
        """Forget all faults and release everybody who hangs."""
        with self._gate:
            self._faults.clear()
            self.down = False
            self._released.set()

    def _add(self, fault: Fault) -> None:
        with self._gate:
            self._released.clear()
            self._faults.append(fault)

    def _take(self, kind: str, path: str) -> Fault | None:
        with self._gate:
            for fault in self._faults:
                if fault.matches(kind, path):
                    fault.left -= 1
                    return fault
        return None

    # Requests

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until `count` requests were received in all. False where they did not come in time."""
        with self._gate:
            return self._gate.wait_for(lambda: len(self.requests) >= count, timeout)

    @abstractmethod
    def handle(self, request: Request) -> Answer: ...

    def error(self, status: int, **error: Any) -> Answer:
        return Answer(status, {"error": error})

    def finished(self, request: Request) -> None:  # noqa: B027  # a hook, which most fakes need not
        """Called when the answer is ready or was cut off."""

    def receive(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
        split = urlsplit(target)
        with self._gate:
            self._numbers += 1
            params = read_params(split.query, headers.get("content-type", ""), body)
            request = Request(self._numbers, method, split.path, params, headers, body)
            self.requests.append(request)
            self._gate.notify_all()
            return request

    def serve(self, request: Request) -> Answer:
        """The whole way of a request, faults included. Raises HangUpError when no answer shall go out."""
        if self.down:
            raise HangUpError
        self._wait("hang", request.path)
        fault = self._take("fail", request.path)
        if fault is not None and fault.answer is not None:
            return fault.answer
        try:
            answer = self.handle(request)
            self._wait("hang_after", request.path)
        finally:
            self.finished(request)
        if self._take("cut", request.path) is not None:
            raise HangUpError
        return answer

    def _wait(self, kind: str, path: str) -> None:
        fault = self._take(kind, path)
        if fault is not None:
            self._released.wait(fault.seconds)


def read_params(query: str, content_type: str, body: bytes) -> Json:
    if "json" in content_type:
        try:
            parsed = json.loads(body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}
    form = body.decode() if "form-urlencoded" in content_type else ""
    return nested(parse_qsl(query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True))


def nested(pairs: list[tuple[str, str]]) -> Json:
    """`a[b]=1` becomes {"a": {"b": "1"}}; lists (`a[]=x`, `a[0]=x`) become dicts by position, see `listed`."""
    tree: Json = {}
    for name, value in pairs:
        *path, last = name.replace("]", "").split("[")
        node = tree
        for part in path:
            node = node.setdefault(part or str(len(node)), {})
        node[last or str(len(node))] = value
    return tree


def listed(value: Any) -> list[Any]:
    """The values of a list parameter that `nested` read."""
    if value is None:
        return []
    return list(value.values()) if isinstance(value, dict) else [value]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeServer

    def verify_request(self, request: Any, client_address: Any) -> bool:
        # Refusing here closes the accepted socket at once, before a byte is read.
        return not self.fake.down

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that gave up waiting is no news; `_Handler` keeps the fake's own errors."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        fake = self.server.fake
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = fake.receive(self.command, self.path, headers, body)
        try:
            answer = fake.serve(request)
        except HangUpError:
            return
        except Exception as error:
            fake.failures.append(error)
            answer = fake.error(500, message=repr(error))
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        payload = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (http.server finds its methods by these names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the overridden parameter)
        """Tests read `requests` instead."""
