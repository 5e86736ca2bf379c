"""Idempotency keys: the same request twice is done once and answered twice.

    @decorate_view(idempotent)       # django-ninja; a plain view takes @idempotent itself
    def submit_claim(request, body): ...

Only a 2xx answer is kept. Any other means that nothing was done, so the corrected request may use the key again.

Nothing is written down before the work: the work and its answer are committed together, and whoever works holds a lock
that ends with its process or connection. So after a crash either both are there or neither is, a repeat never finds a key
that a dead process holds, and no timer lets a second one start beside a slow first.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, Final

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from levqor.guard.models import IdempotentRequest
from levqor.lib.problems import Code, problem

SANE_KEY = re.compile(r"[\x20-\x7e]{1,255}")
# What belongs to the answer itself; cookies, limits and request ids belong to the moment.
KEPT_HEADERS = ("Content-Type", "Location", "Content-Language")


# What this process works on at the moment, by digest. Other processes are told by the database.
_running: Final[set[str]] = set()
_of_running: Final = threading.Lock()


def idempotent[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Honours `Idempotency-Key` on a view whose effects are all in the database."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return answer_once(request, lambda: view(request, *args, **kwargs), at=timezone.now())

    return answer


def answer_once(
    request: HttpRequest, work: Callable[[], HttpResponse], *, at: datetime, account_id: int | None = None
) -> HttpResponse:
    """The stored answer to this key and body, else that of `work`; 422 and 409 as the contract has them.

    The key counts for this path, and for this account where one is given.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    if not SANE_KEY.fullmatch(key):
        return problem(request, Code.BAD_REQUEST, "An Idempotency-Key has 1 to 255 printable ASCII characters.")
    digest, fingerprint = _digest(request.path, account_id, key), hashlib.sha256(request.body).hexdigest()
    with _alone_here(digest) as is_alone:
        if not is_alone:
            return _still_running(request)
        with transaction.atomic():
            if not _is_alone_anywhere(digest):
                return _still_running(request)
            row = IdempotentRequest.objects.answered(digest, at=at)
            if row is not None:
                return _replay(row) if row.fingerprint == fingerprint else _mismatch(request)
            response = work()
            if 200 <= response.status_code < 300:
                IdempotentRequest.objects.store(digest, fingerprint, response, _kept_headers(response), at=at)
            return response


def early_answer(request: HttpRequest, *, at: datetime, account_id: int | None = None) -> HttpResponse | None:
    """The replay, where this key and body have one, or 409 where this process works on it; claims and waits for nothing.

    For doors that let both pass free, and that would write first: on SQLite a writer waits for the one who works.
    """
    key = request.headers.get("Idempotency-Key") or ""
    digest = _digest(request.path, account_id, key)
    if digest in _running:
        return _still_running(request)
    row = IdempotentRequest.objects.answered(digest, at=at)
    if row is None or row.fingerprint != hashlib.sha256(request.body).hexdigest():
        return None
    return _replay(row)


def _digest(path: str, account_id: int | None, key: str) -> str:
    return hashlib.sha256(f"{path}\0{account_id or ''}\0{key}".encode()).hexdigest()


@contextmanager
def _alone_here(digest: str) -> Iterator[bool]:
    """False while another thread of this process works on the same."""
    with _of_running:
        is_alone = digest not in _running
        _running.add(digest)
    try:
        yield is_alone
    finally:
        if is_alone:
            with _of_running:
                _running.discard(digest)


def _is_alone_anywhere(digest: str) -> bool:
    """False while another process works on the same; the lock goes with the transaction, however that ends.

    On SQLite the transaction itself is the lock, since ours begin IMMEDIATE.
    """
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        number = int.from_bytes(bytes.fromhex(digest[:16]), signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _kept_headers(response: HttpResponse) -> dict[str, Any]:
    return {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}


def _replay(row: IdempotentRequest) -> HttpResponse:
    headers = row.headers | {"Idempotent-Replayed": "true"}
    return HttpResponse(bytes(row.body), status=row.status_code, headers=headers)


def _mismatch(request: HttpRequest) -> HttpResponse:
    return problem(request, Code.IDEMPOTENCY_MISMATCH, "This Idempotency-Key came with another body before.")


def _still_running(request: HttpRequest) -> HttpResponse:
    detail = "The first request with this Idempotency-Key is still running; ask again in a moment."
    return problem(request, Code.CONFLICT, detail, headers={"Retry-After": "1"})
