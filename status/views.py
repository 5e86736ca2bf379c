"""The public answers. All but single old incidents come from the memory of this process: no SQL, no Redis."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from levqor.lib.problems import Code, no_content, problem
from status import badge, feeds, pages, statuspage, uptime_json
from status.document import IncidentDocument
from status.health import desk
from status.live import Live
from status.memory import Answer, Renderer, memory
from status.models import Incident
from status.publishing import incident_document
from status.watcher import look_where_nobody_watches

CACHE_CONTROL: Final = "public, max-age=2, stale-while-revalidate=60, stale-if-error=86400"
PAGE_CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
READ: Final = "GET, HEAD, OPTIONS"

type View = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True)
class Resource:
    """Something that is drawn from the memory of this process, and read by anybody."""

    name: str
    render: Renderer
    is_page: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What every answer carries beside its bytes."""
        own = {"Content-Security-Policy": PAGE_CSP} if self.is_page else {"Access-Control-Allow-Origin": "*"}
        return {"Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding", **own}

    def answer(self) -> Answer:
        look_where_nobody_watches()
        return memory.answer(self.name, self.render)


def view_of(resource: Resource) -> View:
    def view(request: HttpRequest) -> HttpResponse:
        return _refuse_method(request) or respond(request, resource.answer(), resource.headers)

    # It only reads. With the check of forms before it, another method would be called a forgery and not what it is.
    return csrf_exempt(view)


def _refuse_method(request: HttpRequest) -> HttpResponse | None:
    if request.method in {"GET", "HEAD"}:
        return None
    headers = {"Allow": READ}
    if request.method == "OPTIONS":
        cors = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": READ,
            "Access-Control-Max-Age": "600",
        }
        return no_content(headers | cors)
    if request.path_info.startswith("/api/"):
        return problem(request, Code.METHOD_NOT_ALLOWED, "This can only be read.", headers=headers)
    return HttpResponse("Method not allowed\n", status=405, content_type="text/plain; charset=utf-8", headers=headers)


def respond(request: HttpRequest, answer: Answer, headers: dict[str, str]) -> HttpResponse:
    """The stored bytes, compressed where the client takes that, or 304 where it holds those very bytes already."""
    # From META, not from request.headers, which would read all headers of the busiest paths that there are.
    is_zipped = takes_gzip(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    etag = answer.zipped_etag if is_zipped else answer.etag
    known = request.META.get("HTTP_IF_NONE_MATCH")
    if known and _holds(known, etag):
        return no_content({"ETag": etag, **headers}, status=304)
    body = answer.body
    headers = {"Content-Type": answer.content_type, "ETag": etag, **headers}
    if is_zipped:
        body, headers["Content-Encoding"] = answer.zipped, "gzip"
    headers["Content-Length"] = str(len(body))
    return HttpResponse(b"" if request.method == "HEAD" else body, headers=headers)


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """True where Accept-Encoding lets gzip through (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = _weight(parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _holds(known: str, etag: str) -> bool:
    return known.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in known.split(",")}


def health(request: HttpRequest) -> HttpResponse:
    """`/api/status/health`: 200, or 503 exactly when `ok` is false."""
    refusal = _refuse_method(request)
    if refusal is not None:
        return refusal
    report = desk.report()
    wants_draft = "application/health+json" in request.headers.get("Accept", "")
    body = report.as_health_json() if wants_draft else report.as_json()
    kind = "application/health+json" if wants_draft else "application/json"
    return _uncached(request, json.dumps(body).encode(), kind, 200 if report.ok else 503)


def ready(request: HttpRequest) -> HttpResponse:
    """`/api/status/ready`: whether this process can serve, for load balancers; the database alone decides."""
    refusal = _refuse_method(request)
    if refusal is not None:
        return refusal
    is_ready = desk.report().checks["database"].ok
    body = json.dumps({"ok": is_ready}).encode()
    return _uncached(request, body, "application/json", 200 if is_ready else 503)


def _uncached(request: HttpRequest, body: bytes, kind: str, status: int) -> HttpResponse:
    response = HttpResponse(
        b"" if request.method == "HEAD" else body,
        content_type=kind,
        status=status,
        headers={
            "Cache-Control": "no-store",
            "Access-Control-Allow-Origin": "*",
            "Content-Length": str(len(body)),
        },
    )
    patch_vary_headers(response, ["Accept"])
    return response


@csrf_exempt
def incident(request: HttpRequest, public_id: str) -> HttpResponse:
    """One incident: from the memory, or, where it is older than that holds, from the database."""
    refusal = _refuse_method(request)
    if refusal is not None:
        return refusal
    look_where_nobody_watches()
    known = _known(memory.live(), public_id) or _stored(public_id)

    def render(live: Live) -> tuple[str, str]:
        return pages.incident_page(known, live), pages.HTML

    shown = Resource(f"incident:{known.id}:{known.updated_at.isoformat()}", render, is_page=True)
    return respond(request, shown.answer(), shown.headers)


def _known(live: Live, public_id: str) -> IncidentDocument | None:
    rows = (*live.document.incidents, *live.document.maintenances)
    return next((row for row in rows if row.id == public_id), None)


def _stored(public_id: str) -> IncidentDocument:
    row = Incident.objects.published().filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return incident_document(row)


# By address: urls.py gives each its name, and lane.py answers them before all else.
RESOURCES: Final = {
    "/status": Resource("page", pages.page, is_page=True),
    "/status/history": Resource("history", pages.history, is_page=True),
    "/status/history.atom": Resource("atom", feeds.atom),
    "/status/history.rss": Resource("rss", feeds.rss),
    "/status/maintenance.ics": Resource("calendar", feeds.calendar),
    "/status/badge.svg": Resource("badge", badge.badge),
    "/api/status/uptime": Resource("uptime", uptime_json.uptime),
    "/api/v2/summary.json": Resource("summary", statuspage.summary),
    "/api/v2/status.json": Resource("status", statuspage.status),
    "/api/v2/components.json": Resource("components", statuspage.components),
    "/api/v2/incidents.json": Resource("incidents", statuspage.incidents),
    "/api/v2/incidents/unresolved.json": Resource("unresolved", statuspage.unresolved),
    "/api/v2/scheduled-maintenances.json": Resource("maintenances", statuspage.maintenances),
    "/api/v2/scheduled-maintenances/upcoming.json": Resource("upcoming", statuspage.upcoming),
    "/api/v2/scheduled-maintenances/active.json": Resource("active", statuspage.active),
}
