"""The API: one table of routers, and the one place where errors become problems."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from levqor.lib.api import MalformedJsonError, StrictJsonParser, UnsupportedMediaTypeError, malformed, schema_problem
from levqor.lib.problems import Code, problem

ROUTERS: Final = {
    "/sla": "claims.api.router",
    "/disputes": "disputes.api.router",
    "/sandbox": "developer.api.router",
}

api = NinjaAPI(title="Levqor API", version="1", docs_url=None, openapi_url=None, parser=StrictJsonParser())
for prefix, router in ROUTERS.items():
    api.add_router(prefix, router)


@api.exception_handler(ValidationError)
def _does_not_fit(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # A body is wanted wherever one may be at fault, and nothing at all is no JSON.
    is_empty = not request.body and any(found["loc"][:1] == ("body",) for found in error.errors)
    return malformed(request) if is_empty else schema_problem(request, error.errors)


@api.exception_handler(HttpError)
def _is_refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, UnsupportedMediaTypeError):
        return problem(request, Code.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.")
    if isinstance(error.__cause__, MalformedJsonError):
        return malformed(request, str(error.__cause__))
    return problem(request, Code.of_status(error.status_code), str(error))


@api.exception_handler(Exception)
def _is_for_the_middleware(request: HttpRequest, error: Exception) -> HttpResponse:
    """A limit that is full, a body too large, a crash: with DEBUG on ninja would answer each with a traceback."""
    raise error
