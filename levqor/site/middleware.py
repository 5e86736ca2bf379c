"""The same 404 page for a developer as for a customer."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from levqor.site.errors import not_found


class NotFoundMiddleware:
    """With DEBUG on, puts our page in the place of Django's list of URL patterns; else Django calls ours itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_unknown_address = response.status_code == 404 and request.resolver_match is None
        return not_found(request) if settings.DEBUG and is_unknown_address else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return not_found(request, exception) if settings.DEBUG and isinstance(exception, Http404) else None
