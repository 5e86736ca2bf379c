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

    def process_view(
        self, request: HttpRequest, view: object, args: list[object], kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """The admin's last pattern, which has no name, takes whatever is left. Strangers are asked to sign in first."""
        match = request.resolver_match
        is_left = match is not None and match.app_names == ["admin"] and match.url_name is None
        return not_found(request) if is_left and request.user.is_authenticated else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return not_found(request, exception) if settings.DEBUG and isinstance(exception, Http404) else None
