"""What people and programs see when something is wrong: a page, or a problem under the paths of the API."""

import sys
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from levqor.lib.problems import is_api_path, problem_for_status
from levqor.site import navigation
from levqor.site.context import frame

logger = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS: Final = 60


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(request, 403, template="csrf")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404, pages=navigation.links(navigation.STARTING_POINTS))


def too_many_requests(
    request: HttpRequest, exception: Exception | None = None, *, retry_after_seconds: int = 0
) -> HttpResponse:
    """Also what allauth answers with, which does not say how long to wait."""
    response = _error(request, 429, retry_after=_in_words(retry_after_seconds))
    if retry_after_seconds:
        response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500; 503 where the database does not answer, which passes by itself."""
    is_database_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    response = _last_page(request, 503 if is_database_away else 500)
    if is_database_away:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _last_page(request: HttpRequest, status: int) -> HttpResponse:
    if is_api_path(request.path_info):
        return problem_for_status(request, status)
    request_id = getattr(request, "request_id", "")
    context = {"support_email": settings.SUPPORT_EMAIL, "request_id": request_id}
    try:
        page = render_to_string(f"errors/{status}.html", context)
    except Exception:  # the last page there is: what keeps even it from being drawn is logged, and words are enough
        logger.exception("error_page_not_drawn")
        words = f"Something went wrong on our side. Write to {settings.SUPPORT_EMAIL} and name {request_id or 'the time'}.\n"
        return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    return HttpResponse(page, status=status)


def _error(request: HttpRequest, status: int, *, template: str = "", **more: Any) -> HttpResponse:
    """Rendered without a request context: neither the session nor the database is asked, since they may be what broke."""
    if is_api_path(request.path_info):
        return problem_for_status(request, status)
    context = frame(path=request.path, request_id=getattr(request, "request_id", ""))
    context |= {"status": status, "is_error_page": True, **more}
    return HttpResponse(render_to_string(f"errors/{template or status}.html", context), status=status)


def _in_words(seconds: int) -> str:
    """Rounded up, so that who waits this long is let in."""
    if seconds <= 0:
        return ""
    if seconds < 60:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    hours = -(-minutes // 60)
    return f"{hours} hour{'s' if hours > 1 else ''}"
