"""Idempotency keys: the same request twice is done once and answered twice.

    @decorate_view(idempotent)       # django-ninja; a plain view takes @idempotent itself
    def submit_claim(request, body): ...

Only a 2xx answer is kept. Any other means that nothing was done, so the key is given back and the corrected request may
use it again. The view runs in one transaction with the storing of its answer: after a crash either both are there or
neither is, and the repeat (after a lease of a minute) finds a key that nobody holds.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from levqor.guard.models import IdempotentRequest
from levqor.lib.problems import Code, problem

SANE_KEY = re.compile(r"[\x20-\x7e]{1,255}")
# What belongs to the answer itself; cookies, limits and request ids belong to the moment.
KEPT_HEADERS = ("Content-Type", "Location", "Content-Language")


class _OvertakenError(Exception):
    """The lease ran out during the work and a repeat took the key over: this work must not stand."""


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
    fingerprint = hashlib.sha256(request.body).hexdigest()
    row, is_ours = IdempotentRequest.objects.claim(_digest(request.path, account_id, key), fingerprint, at=at)
    if is_ours:
        return _work(request, row, work)
    if row.fingerprint != fingerprint:
        return problem(request, Code.IDEMPOTENCY_MISMATCH, "This Idempotency-Key came with another body before.")
    if row.status_code is None:
        return _still_running(request)
    return _replay(row)


def stored_answer(request: HttpRequest, *, at: datetime, account_id: int | None = None) -> HttpResponse | None:
    """The replay, where this key and body have one, without claiming anything: for doors that let replays pass free."""
    key = request.headers.get("Idempotency-Key") or ""
    row = IdempotentRequest.objects.filter(digest=_digest(request.path, account_id, key)).answered(at=at).first()
    if row is None or row.fingerprint != hashlib.sha256(request.body).hexdigest():
        return None
    return _replay(row)


def _digest(path: str, account_id: int | None, key: str) -> str:
    return hashlib.sha256(f"{path}\0{account_id or ''}\0{key}".encode()).hexdigest()


def _work(request: HttpRequest, row: IdempotentRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        with transaction.atomic():
            response = work()
            is_kept = 200 <= response.status_code < 300
            if is_kept and not row.store(response.status_code, _kept_headers(response), response.content):
                raise _OvertakenError
    except _OvertakenError:
        return _still_running(request)
    except BaseException:
        row.release()
        raise
    if not is_kept:
        row.release()
    return response


def _kept_headers(response: HttpResponse) -> dict[str, Any]:
    return {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}


def _replay(row: IdempotentRequest) -> HttpResponse:
    headers = row.headers | {"Idempotent-Replayed": "true"}
    return HttpResponse(bytes(row.body), status=row.status_code, headers=headers)


def _still_running(request: HttpRequest) -> HttpResponse:
    detail = "The first request with this Idempotency-Key is still running; ask again in a moment."
    return problem(request, Code.CONFLICT, detail, headers={"Retry-After": "1"})
