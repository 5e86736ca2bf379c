"""The fake Stripe without a socket between: for tests that call it ten thousand times, and that die at an exact moment.

inner = InnerStripe(fake)
monkeypatch.setattr(stripe, "RequestsClient", inner.client)
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from testing.fake_server import HangUpError
from testing.fake_stripe import FakeStripe


class KilledError(BaseException):
    """The process ends here: no `except` of ours may see it."""


def die() -> None:
    raise KilledError


class InnerStripe:
    """Hands each request of Stripe's SDK to the fake.

    `before` and `after` are called once, around the effect of the next POST, and may kill us or do something else
    meanwhile.
    """

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self.before: Callable[[], object] | None = None
        self.after: Callable[[], object] | None = None

    def client(self, *, timeout: float) -> stripe.HTTPClient:
        return _Client(self)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, int, dict[str, str]]:
        before = after = None
        if method == "post":
            before, after, self.before, self.after = self.before, self.after, None, None
        if before:
            before()
        split = urlsplit(url)
        target = f"{split.path}?{split.query}" if split.query else split.path
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            if self.fake.down:
                raise HangUpError
            reply = self.fake.serve(self.fake.receive(method.upper(), target, lower, body))
        except HangUpError as error:
            raise stripe.APIConnectionError("The fake hung up.") from error  # type: ignore[no-untyped-call]  # the SDK types it not
        if after:
            after()
        return json.dumps(reply.body), reply.status, dict(reply.headers)


class _Client(stripe.HTTPClient):
    name = "inner"

    def __init__(self, inner: InnerStripe) -> None:
        super().__init__()
        self._inner = inner

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, dict[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else (post_data or b"")
        return self._inner.answer(method, url, headers or {}, body)

    def close(self) -> None:
        """There is nothing to close."""
