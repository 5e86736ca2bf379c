"""The access log, and a limit that is full said in the right shape: a page for people, a problem for programs."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import get_resolver
from django_structlog.middlewares import RequestMiddleware

from levqor.guard.limits import LimitReachedError
from levqor.guard.networks import client_address
from levqor.lib.problems import Code, is_api_path, problem


class AccessLogMiddleware(RequestMiddleware):
    """django-structlog's, with the address that limits count too, and without queries: people type into them."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_address(request))

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


class LimitMiddleware:
    """Answers 429 where a view lets LimitReachedError pass, so that no view has to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, LimitReachedError):
            return None
        if is_api_path(request.path_info):
            detail = f"Too many requests within the hour; the next is possible in {exception.retry_after} seconds."
            return problem(request, Code.RATE_LIMITED, detail, headers={"Retry-After": str(exception.retry_after)})
        # The site's own page, by the name that the list of addresses gives it: it lies above this room.
        too_many_requests: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(429)
        return too_many_requests(request, exception, retry_after_seconds=exception.retry_after)
