"""Errors of the API as RFC 9457 `application/problem+json`, and the closed list of their codes."""

import json
from enum import Enum
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.encoding import escape_uri_path

CONTENT_TYPE = "application/problem+json"
API_PREFIXES = ("/api/", "/public/")


class Code(Enum):
    """Every code that an error may carry: (code, status, title)."""

    BAD_REQUEST = ("bad_request", 400, "Bad request")
    MALFORMED_JSON = ("malformed_json", 400, "Malformed JSON")
    INVALID_SIGNATURE = ("invalid_signature", 400, "Invalid signature")
    UNAUTHORIZED = ("unauthorized", 401, "Unauthorised")
    ACCOUNT_SUSPENDED = ("account_suspended", 403, "Account suspended")
    FORBIDDEN = ("forbidden", 403, "Forbidden")
    NOT_FOUND = ("not_found", 404, "Not found")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "Method not allowed")
    CONFLICT = ("conflict", 409, "Conflict")
    PAYLOAD_TOO_LARGE = ("payload_too_large", 413, "Payload too large")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "Unsupported media type")
    VALIDATION_ERROR = ("validation_error", 422, "Validation error")
    IDEMPOTENCY_MISMATCH = ("idempotency_mismatch", 422, "Idempotency key used for another request")
    QUOTA_EXCEEDED = ("quota_exceeded", 429, "Quota exceeded")
    RATE_LIMITED = ("rate_limited", 429, "Too many requests")
    INTERNAL_ERROR = ("internal_error", 500, "Internal error")
    UNAVAILABLE = ("unavailable", 503, "Unavailable")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title

    @classmethod
    def of_status(cls, status: int) -> "Code":
        """The general code of an HTTP status; an unlisted 4xx is a bad request, an unlisted 5xx an internal error."""
        general = {403: cls.FORBIDDEN, 422: cls.VALIDATION_ERROR, 429: cls.RATE_LIMITED, 400: cls.BAD_REQUEST}
        listed = {code.status: code for code in cls} | general
        return listed.get(status, cls.INTERNAL_ERROR if status >= 500 else cls.BAD_REQUEST)


def is_api_path(path: str) -> bool:
    """True for the paths whose errors are problems and not pages."""
    return path.startswith(API_PREFIXES)


def problem(
    request: HttpRequest,
    code: Code,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    **extra: Any,
) -> HttpResponse:
    """The error answer; `errors` lists the fields at fault (`pointer`, `code`, `detail`), `extra` adds members."""
    body: dict[str, Any] = {
        "type": f"{settings.SITE_URL}/developer/docs/errors/{code.code}",
        "title": code.title,
        "status": code.status,
        "code": code.code,
        "detail": detail,
        "instance": escape_uri_path(request.path),
        "request_id": getattr(request, "request_id", ""),
        **extra,
    }
    if errors:
        body["errors"] = errors
    return HttpResponse(json.dumps(body), status=code.status, content_type=CONTENT_TYPE, headers=headers)


def no_content(headers: dict[str, str], *, status: int = 204) -> HttpResponse:
    """204, the answer to OPTIONS, or 304: without content and so without a type of it, which a cache would take over."""
    response = HttpResponse(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def unreadable_body(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The problem where the error says that the body cannot be read, for which Django has no status of its own."""
    if isinstance(error, RequestDataTooBig):
        return problem(request, Code.PAYLOAD_TOO_LARGE, "The body is larger than this address takes.")
    if isinstance(error, UnreadablePostError):
        return problem(request, Code.BAD_REQUEST, "The body ended before its announced length.")
    return None


def problem_for_status(request: HttpRequest, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """The problem for an answer that came without one: an unknown path, a wrong method, a crash."""
    code = Code.of_status(status)
    details = {
        400: "The request cannot be read as it was sent: look at its Host header, its address and its body.",
        404: f"There is nothing at {request.path}.",
        405: f"{request.method} is not possible here; the Allow header names the methods that are.",
        503: "Our database does not answer right now. Nothing was done; try again after a minute.",
        500: "Something went wrong on our side; the error is logged under this request id.",
    }
    phrase = HTTPStatus(code.status).description or code.title
    return problem(request, code, details.get(code.status, f"{phrase}."), headers=headers)
