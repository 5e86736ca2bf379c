"""The shortest way to what is drawn from the memory: past all other middleware, with the headers that it would set."""

from collections.abc import Callable
from io import BytesIO
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from levqor.lib.middleware import ContentSecurityPolicyByPathMiddleware, CorsMiddleware, request_id_of
from status.views import RESOURCES, Resource, respond

# Host headers that were judged once; whoever sends more of them at a new port each time is judged each time.
MOST_HOSTS: Final = 64

type GetResponse = Callable[[HttpRequest], HttpResponseBase]


class StatusLaneMiddleware:
    """Answers GET and HEAD of the status resources; whatever is out of the ordinary goes the usual way."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._hosts: set[str | None] = set()
        self._schemes = {"https"} if settings.SECURE_SSL_REDIRECT else {"http", "https"}
        self._headers = {
            (address, scheme): resource.headers | _protection(address, resource, scheme)
            for address, resource in RESOURCES.items()
            for scheme in self._schemes
        }

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        resource = RESOURCES.get(request.path_info)
        if resource is None or request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        headers = self._headers.get((request.path_info, request.scheme or ""))
        if headers is None or not self._is_ours(request):
            return self.get_response(request)
        return respond(request, resource.answer(), {"X-Request-Id": request_id_of(request), **headers})

    def _is_ours(self, request: HttpRequest) -> bool:
        """False for a foreign Host header, which the usual way answers with 400."""
        raw = request.META.get("HTTP_HOST")
        if raw in self._hosts:
            return True
        try:
            request.get_host()
        except DisallowedHost:
            return False
        if len(self._hosts) < MOST_HOSTS:
            self._hosts.add(raw)
        return True


def _protection(address: str, resource: Resource, scheme: str) -> dict[str, str]:
    """The headers that the passed middleware would set, learnt from that middleware itself."""
    named, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": address,
        "SERVER_NAME": settings.SITE_HOST,
        "SERVER_PORT": "443",
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": scheme,
        named: value if scheme == "https" else "",
    }
    request, response = WSGIRequest(environ), HttpResponse(headers=resource.headers)
    for middleware in (XFrameOptionsMiddleware, ContentSecurityPolicyByPathMiddleware, SecurityMiddleware):
        middleware(_nobody).process_response(request, response)
    CorsMiddleware(lambda _: response)(request)
    return {name: response.headers[name] for name in response.headers if name != "Content-Type"}


def _nobody(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("This chain ends here: only the headers are wanted.")
