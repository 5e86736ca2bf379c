"""What stands before every operation of the sandbox: the key, the quota, and the headers that tell of it.

    @router.get("/metrics", …)
    @decorate_view(metered(Scope.METRICS_READ))
    def metrics(request): ...          # request.admission says whose call it is

The decorator wraps the whole operation, so that a body which does not fit costs its unit like any other call. What fails
on our side is given back, and so is a repeat that only finds the first one still running.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone

from developer.admission import Admission, KeyHolder, admit, look_up
from developer.models import Scope, digest_of, may_be_key
from developer.usage import buffer
from levqor.guard.idempotency import early_answer
from levqor.lib.api import utc_text
from levqor.lib.problems import Code, problem, unreadable_body

type Run = Callable[..., HttpResponse]

REALM: Final = "Levqor API"
# What a body may have at most; no call of the sandbox needs more.
MAX_BODY_BYTES: Final = 64 * 1024


class SandboxRequest(HttpRequest):
    """A request that was let in."""

    admission: Admission


class _RefusedError(Exception):
    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def metered(scope: Scope) -> Callable[[Run], Run]:
    """Lets a request through for one unit of the account's quota."""

    def decorate(run: Run) -> Run:
        @wraps(run)
        def answer(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            at = timezone.now()
            try:
                digest = _digest(request)
                replay = _replay(request, digest, scope, at=at)
                if replay is not None:
                    return replay
                admission = admit(digest, scope, at=at)
                if admission is None:
                    holder = _holder(request, digest, scope, at=at)
                    return _spent(request, holder, at=at)
            except _RefusedError as refused:
                return refused.response
            request.admission = admission
            return _run(admission, request, at, lambda: _sized(request) or run(request, *args, **kwargs))

        return answer

    return decorate


def free(run: Run) -> Run:
    """Asks for a good key and counts nothing; `request.admission` is what is known of its holder."""

    @wraps(run)
    def answer(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        at = timezone.now()
        try:
            request.admission = holder = _holder(request, _digest(request), None, at=at)
        except _RefusedError as refused:
            return refused.response
        response = run(request, *args, **kwargs)
        buffer.note(holder.key_id, request, response.status_code, at=at, is_counted=False)
        return response

    return answer


def _run(admission: Admission, request: HttpRequest, at: datetime, work: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        response = work()
    except BaseException:
        admission.give_back()
        buffer.note(admission.key_id, request, 500, at=at)
        raise
    if _is_free(response):
        admission.give_back()
    _tell(response, admission, at=at)
    buffer.note(admission.key_id, request, response.status_code, at=at)
    return response


def _is_free(response: HttpResponse) -> bool:
    """A fault of ours; a repeat that finds the first one still running, or done since it was let in."""
    return response.status_code >= 500 or response.status_code == 409 or "Idempotent-Replayed" in response.headers


def _sized(request: HttpRequest) -> HttpResponse | None:
    try:
        if len(request.body) <= MAX_BODY_BYTES:
            return None
    except (RequestDataTooBig, UnreadablePostError) as error:
        # The caller's fault and not a crash of ours, so it counts.
        return unreadable_body(request, error)
    return problem(request, Code.PAYLOAD_TOO_LARGE, f"A body has at most {MAX_BODY_BYTES} bytes here.")


def _tell(response: HttpResponse, admission: Admission, *, at: datetime) -> None:
    for name, value in quota_headers(admission, at=at).items():
        response.headers[name] = value


def quota_headers(admission: Admission, *, at: datetime) -> dict[str, str]:
    """The IETF's fields and the older ones. The draft has no way to say "any number", so an unlimited tier gets the reset
    alone."""
    month = admission.month
    reset = {"X-RateLimit-Reset": str(int(month.end.timestamp()))}
    if admission.quota is None:
        return reset
    seconds = int((month.end - month.begin).total_seconds())
    return {
        "RateLimit-Policy": f'"month";q={admission.quota};w={seconds}',
        "RateLimit": f'"month";r={admission.remaining};t={month.seconds_left(at=at)}',
        "X-RateLimit-Limit": str(admission.quota),
        "X-RateLimit-Remaining": str(admission.remaining),
        **reset,
    }


def _digest(request: HttpRequest) -> str:
    """The digest of the key that came with the request; refuses a missing, doubtful or impossible one without asking the
    database."""
    plain = request.META.get("HTTP_X_API_KEY", "").strip()
    scheme, _, bearer = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    bearer = bearer.strip() if scheme.lower() == "bearer" else ""
    if plain and bearer and plain != bearer:
        detail = "x-api-key and Authorization hold different keys; send one of them."
        raise _RefusedError(problem(request, Code.BAD_REQUEST, detail))
    presented = plain or bearer
    if not presented and "HTTP_X_API_KEY" in request.META:
        # The server hands on nothing of a header with a sign outside of ASCII, such as a no-break space.
        detail = "The x-api-key header is empty or holds a sign that no key of ours has; copy the key anew."
        raise _RefusedError(unauthorized(request, detail))
    if not presented:
        raise _RefusedError(unauthorized(request, "Send your key in the x-api-key header.", is_missing=True))
    if not may_be_key(presented):
        raise _RefusedError(unauthorized(request, "This is no key of ours; was it cut off or mistyped?"))
    return digest_of(presented)


def _holder(request: HttpRequest, digest: str, scope: Scope | None, *, at: datetime) -> KeyHolder:
    """Who holds the key, or the reason why it opens nothing."""
    holder = look_up(digest, at=at)
    if holder is None or not holder.is_key_usable(at=at):
        raise _RefusedError(unauthorized(request, "This key is unknown, revoked or expired."))
    if holder.is_suspended:
        buffer.note(holder.key_id, request, 403, at=at, is_counted=False)
        detail = "The account is suspended. Settle the open invoice, or write to support."
        raise _RefusedError(problem(request, Code.ACCOUNT_SUSPENDED, detail))
    if scope is not None and not holder.may(scope):
        buffer.note(holder.key_id, request, 403, at=at, is_counted=False)
        detail = f"This key lacks the scope {scope.words}; make one that has it at /developer/keys."
        raise _RefusedError(problem(request, Code.FORBIDDEN, detail, missing_scope=scope.words))
    return holder


def _replay(request: HttpRequest, digest: str, scope: Scope, *, at: datetime) -> HttpResponse | None:
    """The stored answer of a request that was done before, or that it is being done: free, and served even when the quota
    is spent."""
    if request.method != "POST" or "HTTP_IDEMPOTENCY_KEY" not in request.META or _sized(request):
        return None
    holder = _holder(request, digest, scope, at=at)
    replay = early_answer(request, at=at, account_id=holder.account_id)
    if replay is not None:
        _tell(replay, holder, at=at)
        buffer.note(holder.key_id, request, replay.status_code, at=at, is_counted=False)
    return replay


def _spent(request: HttpRequest, holder: KeyHolder, *, at: datetime) -> HttpResponse:
    wait = holder.month.seconds_left(at=at)
    reset_at = utc_text(holder.month.end)
    buffer.note(holder.key_id, request, 429, at=at)
    headers = quota_headers(holder, at=at) | {"Retry-After": str(wait)}
    return problem(
        request,
        Code.QUOTA_EXCEEDED,
        f"All {holder.quota} requests of this month are used. The quota starts anew at {reset_at}: stop until then.",
        headers=headers,
        limit=holder.quota,
        used=holder.used,
        reset_at=reset_at,
    )


def unauthorized(request: HttpRequest, detail: str, *, is_missing: bool = False) -> HttpResponse:
    challenge = f'Bearer realm="{REALM}"' + ("" if is_missing else ', error="invalid_token"')
    return problem(request, Code.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})
