"""What people and programs see when something is wrong: a page, or a problem under the paths of the API."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from levqor.lib.problems import is_api_path, problem_for_status


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(request, 403, template="csrf")


def _error(request: HttpRequest, status: int, *, template: str = "") -> HttpResponse:
    """Rendered without a request context: neither the session nor the database is asked, since they may be what broke."""
    if is_api_path(request.path_info):
        return problem_for_status(request, status)
    context = {"support_email": settings.SUPPORT_EMAIL, "request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string(f"errors/{template or status}.html", context), status=status)
