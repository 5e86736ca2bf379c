"""What of a body must be looked at before it is read: its length where nobody announced it, and how deep its JSON nests.

Bodies of unannounced length, as `Transfer-Encoding: chunked` and HTTP/2 bring them, would be empty to Django. And Python's
writer of JSON recurses on the stack of its thread, and no error is raised where that ends: the process dies. A body of
50 kB, from anybody, would stop a web server.
"""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

WITHOUT_A_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
# Stripe's events nest ten deep, our own bodies three.
DEEPEST: Final = 100
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^][{}]++")

type Environ = dict[str, Any]
type Application = Callable[[Environ, Any], Iterable[bytes]]


class WithLengths:
    """Reads such a body before Django looks at the request, and writes down its length. No further than the limit: what is
    longer is announced as such, so that its view refuses it as it refuses any other.

    The server has to mark where the body ends (`wsgi.input_terminated`); else a read would wait for ever.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        has_body = environ["REQUEST_METHOD"] not in WITHOUT_A_BODY
        if has_body and environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            _measure(environ, _limit(environ["PATH_INFO"]))
        return self.application(environ, start_response)


def _limit(path: str) -> int:
    # None would be Django's word for no limit; ours stands.
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    return settings.MAX_WEBHOOK_BYTES if path in settings.FAST_LANE else largest


def _measure(environ: Environ, limit: int) -> None:
    body = environ["wsgi.input"].read(limit + 1)
    environ["CONTENT_LENGTH"] = str(len(body)) if body else ""
    environ["wsgi.input"] = BytesIO(body) if len(body) <= limit else _TooLong()


class _TooLong:
    """In place of a body of which the rest was not read: whoever wants it, a parser of files for one, hears so."""

    def read(self, size: int = -1) -> bytes:
        raise RequestDataTooBig("The body is longer than this address takes.")

    readline = read


def nests_too_deep(text: str) -> bool:
    """True where the text nests deeper than any JSON of ours or Stripe's, or where its brackets do not fit together."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    brackets = _NO_BRACKETS.sub("", _STRINGS.sub("", text))
    for _ in range(DEEPEST):
        # The innermost pairs go, and what was around them is innermost next.
        left = brackets.replace("[]", "").replace("{}", "")
        if not left or left == brackets:
            return bool(left)
        brackets = left
    return True
