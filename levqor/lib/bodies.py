"""Bodies of unannounced length, as `Transfer-Encoding: chunked` and HTTP/2 bring them: to Django they would be empty."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

WITHOUT_A_BODY = frozenset({"GET", "HEAD", "OPTIONS"})

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
