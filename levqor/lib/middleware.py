"""What every request passes: liveness, request ids, the policy for scripts, and errors in the right shape."""

import json
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.urls import Resolver404, get_resolver, resolve
from django.utils.encoding import escape_uri_path
from django.utils.module_loading import import_string

from levqor.lib.problems import CONTENT_TYPE, is_api_path, no_content, problem_for_status, unreadable_body

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Errors that bring a body of their own shape.
OWN_BODIES = (CONTENT_TYPE, "application/health+json")
HEALTH_PATHS = ("/api/status/health", "/api/status/ready")
EXPOSED_HEADERS = ", ".join(
    ["X-Request-Id", "Location", "Retry-After", "Idempotent-Replayed", "RateLimit", "RateLimit-Policy"]
    + [f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")]
)
ALLOWED_HEADERS = "X-Api-Key, Authorization, Content-Type, Idempotency-Key, X-Request-Id"
# What callers and proxies use: `req-1`, a UUID, base64, `Root=1-5759e988-bd862e3fe1be46a994272793`.
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=@\-]{1,128}")


class HealthMiddleware:
    """Answers `/health` before anything else: no I/O, any Host header, no cookie, no redirect."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != "/health":
            return self.get_response(request)
        if request.method == "OPTIONS":
            return no_content({"Allow": "GET, HEAD, OPTIONS"})
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD, OPTIONS"})
        body = json.dumps({"ok": True, "ts": int(time.time())})
        headers = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
        return HttpResponse(body, content_type="application/json", headers=headers)


class ContentSecurityPolicyByPathMiddleware(ContentSecurityPolicyMiddleware):
    """Django's policy middleware, with the admin's wider policy under `/admin/` alone."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = settings.ADMIN_CSP  # type: ignore[attr-defined]  # as csp_override sets it
        return super().process_response(request, response)


def request_id_of(request: HttpRequest) -> str:
    """The id that came with the request where it is a sane one, else a new one."""
    incoming = request.META.get("HTTP_X_REQUEST_ID", "")
    return incoming if SANE_REQUEST_ID.fullmatch(incoming) else str(uuid.uuid4())


class RequestIdMiddleware:
    """Gives each request an id, kept from a sane incoming header, that answers, logs and tasks carry."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request_id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]  # read by problems and error pages
        # django-structlog reads the header itself: give it the id that was decided on here.
        request.META["HTTP_X_REQUEST_ID"] = request_id
        # The fast lane has no access log that would bind it for the logs and for the tasks that the request asks for.
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        return response


class RefuseNulMiddleware:
    """Refuses addresses with a NUL in them: none of our pages has one, and PostgreSQL takes none in a text.

    The API's operations judge their own parameters, and say which of them is at fault.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info:
            return _error_page(request, 404)
        if "%00" in request.META.get("QUERY_STRING", "") and not request.path_info.startswith("/api/"):
            return _error_page(request, 400)
        return self.get_response(request)


def _error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The site's own page, by the name that the list of addresses gives it, with DEBUG on too."""
    handler: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(status)
    return handler(request, None)


class FastLaneMiddleware:
    """Answers the paths of `settings.FAST_LANE`, and reads below `settings.FAST_READS`, by their views: past sessions, logs
    and all that pages need."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.views: dict[str, GetResponse] = {path: import_string(view) for path, view in settings.FAST_LANE.items()}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.get(request.path_info)
        if view is None and not (request.method == "GET" and request.path_info.startswith(settings.FAST_READS)):
            return self.get_response(request)
        # Raises for a foreign Host header, which Django then answers with 400.
        request.get_host()
        if view is not None:
            return view(request)
        request.resolver_match = match = resolve(request.path_info)
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response


class OptionsMiddleware:
    """OPTIONS is 204 wherever a view names its methods, and what names them names HEAD and OPTIONS too."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        allow = _allow(response.headers.get("Allow", ""))
        if not allow or response.status_code not in {200, 405}:
            return response
        if request.method == "OPTIONS":
            return no_content({"Allow": allow})
        response.headers["Allow"] = allow
        return response


class CorsMiddleware:
    """Lets scripts of any origin read what stands under `settings.OPEN_TO_SCRIPTS`; never with cookies.

    Outside of everything that makes errors: a script must be able to read those too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith(settings.OPEN_TO_SCRIPTS):
            response.headers["Access-Control-Allow-Origin"] = "*"
            if request.method == "OPTIONS" and response.status_code < 300:
                self._answer_preflight(response)
            else:
                response.headers.setdefault("Access-Control-Expose-Headers", EXPOSED_HEADERS)
        return response

    @staticmethod
    def _answer_preflight(response: HttpResponseBase) -> None:
        response.headers.setdefault("Access-Control-Allow-Methods", response.headers.get("Allow", "GET"))
        response.headers.setdefault("Access-Control-Allow-Headers", ALLOWED_HEADERS)
        response.headers.setdefault("Access-Control-Max-Age", "86400")


class NeverCachedMiddleware:
    """Forbids every cache to keep what stands under `settings.NEVER_CACHED`, errors included.

    The key travels in a header of its own, of which caches know nothing: they would give one customer's answer to another.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith(settings.NEVER_CACHED):
            response.headers["Cache-Control"] = "no-store"
        return response


class ProblemMiddleware:
    """Holds the paths under `/api/` and `/public/` to the contract: HEAD, and a problem for every error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api_path(request.path_info):
            return self.get_response(request)
        method = request.method
        if method == "HEAD":
            # An operation knows GET alone; the server leaves the body away.
            request.method = "GET"
        response = self.get_response(request)
        request.method = method
        if response.status_code < 400 or _has_own_body(request, response):
            return response
        allow = response.headers.get("Allow", "")
        return problem_for_status(request, response.status_code, {"Allow": allow} if allow else None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Bodies that cannot be read are the caller's fault."""
        return unreadable_body(request, exception) if is_api_path(request.path_info) else None


def _has_own_body(request: HttpRequest, response: HttpResponseBase) -> bool:
    """True for a problem already made, and for the health endpoints, whose errors keep their shape."""
    kinds = (*OWN_BODIES, "application/json") if request.path_info in HEALTH_PATHS else OWN_BODIES
    return response.headers.get("Content-Type", "").startswith(kinds)


def _allow(methods: str) -> str:
    """The Allow header with what is always possible beside the view's own methods."""
    named = {method.strip() for method in methods.split(",") if method.strip()}
    if not named:
        return ""
    possible = named | {"OPTIONS"} | ({"HEAD"} if "GET" in named else set())
    return methods if possible == named else ", ".join(sorted(possible))


class OtherEndingMiddleware:
    """A page asked for with the other ending moves there for good, once: ours have no slash, `/admin/` has one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        path = request.path_info
        if response.status_code != 404 or request.method not in {"GET", "HEAD"} or path == "/" or is_api_path(path):
            return response
        other = "/" + path.strip("/") + ("" if path.endswith("/") else "/")
        if not _is_page(other, request):
            return response
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(escape_uri_path(other) + (f"?{query}" if query else ""))


def _is_page(path: str, request: HttpRequest) -> bool:
    """True where the path has a view of its own, and the request's path has none.

    A page that answers and says "not found" means it. The last pattern of the admin, which has no name, takes whatever is
    left, with either ending, to answer 404.
    """
    if is_api_path(path) or (request.resolver_match is not None and request.resolver_match.url_name is not None):
        return False
    try:
        return resolve(path).url_name is not None
    except Resolver404:
        return False
