"""What every request passes: liveness, request ids, the policy for scripts, and errors in the right shape."""

import json
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

from levqor.lib.problems import CONTENT_TYPE, is_api_path, problem_for_status

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,128}")


class HealthMiddleware:
    """Answers `/health` before anything else: no I/O, any Host header, no cookie, no redirect."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != "/health":
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=204 if request.method == "OPTIONS" else 405, headers={"Allow": "GET, HEAD"})
        body = json.dumps({"ok": True, "ts": int(time.time())})
        return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


class ContentSecurityPolicyByPathMiddleware(ContentSecurityPolicyMiddleware):
    """Django's policy middleware, with the admin's wider policy under `/admin/` alone."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = settings.ADMIN_CSP  # type: ignore[attr-defined]  # as csp_override sets it
        return super().process_response(request, response)


class RequestIdMiddleware:
    """Gives each request an id, kept from a sane incoming header, that answers, logs and tasks carry."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        incoming = request.headers.get("X-Request-Id", "")
        request_id = incoming if SANE_REQUEST_ID.fullmatch(incoming) else str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]  # read by problems and error pages
        # django-structlog reads the header itself: give it the id that was decided on here.
        request.META["HTTP_X_REQUEST_ID"] = request_id
        response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        return response


class FastLaneMiddleware:
    """Answers the paths of `settings.FAST_LANE` by their views, past sessions, logs and all that pages need."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.views = {path: import_string(view) for path, view in settings.FAST_LANE.items()}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.get(request.path_info)
        if view is None:
            return self.get_response(request)
        # Raises for a foreign Host header, which Django then answers with 400.
        request.get_host()
        response: HttpResponseBase = view(request)
        return response


class ProblemMiddleware:
    """Holds the paths under `/api/` and `/public/` to the contract: OPTIONS, HEAD's body, problems for every error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not is_api_path(request.path_info):
            return self._other_slash(request, response)
        allow = response.headers.get("Allow", "")
        if request.method == "OPTIONS" and response.status_code in {200, 405} and allow:
            return HttpResponse(status=204, headers={"Allow": allow})
        if response.status_code < 400 or response.headers.get("Content-Type", "").startswith(
            (CONTENT_TYPE, "application/health+json")
        ):
            return response
        return problem_for_status(request, response.status_code, {"Allow": allow} if allow else None)

    @staticmethod
    def _other_slash(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """An unknown page that exists with the other ending moves there for good: ours have no slash, `/admin/` has."""
        path = request.path_info
        if response.status_code != 404 or path == "/":
            return response
        other = "/" + path.strip("/") + ("" if path.endswith("/") else "/")
        try:
            resolve(other)
        except Resolver404:
            return response
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"{other}?{query}" if query else other)
