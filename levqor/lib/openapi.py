"""The OpenAPI document of everything that is public: built once from the operations themselves, served with an ETag.

django-ninja writes what an operation takes and gives when all goes well. What it leaves out is added here: each error as a
problem with an example, the keys, the servers. An operation names its errors where it is defined:

    @router.get("/metrics", …, openapi_extra=documented(Code.QUOTA_EXCEEDED, needs_key=True))

`settings.OPENAPI_API` names the API and `settings.OPENAPI_PARTS` the functions that describe plain views.
"""

import hashlib
import json
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_safe

from levqor.lib.problems import CONTENT_TYPE, Code

type Json = dict[str, Any]

# What can happen to every operation.
ALWAYS: Final = (Code.BAD_REQUEST, Code.INTERNAL_ERROR, Code.UNAVAILABLE)
WITH_KEY: Final = (Code.UNAUTHORIZED, Code.ACCOUNT_SUSPENDED, Code.FORBIDDEN)
WITH_BODY: Final = (
    Code.MALFORMED_JSON, Code.PAYLOAD_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.VALIDATION_ERROR,
)  # fmt: skip
WITH_IDEMPOTENCY: Final = (Code.CONFLICT, Code.IDEMPOTENCY_MISMATCH)
DESCRIPTION: Final = (
    "Every error is `application/problem+json` (RFC 9457), and its `type` opens a page that explains it. "
    "The sandbox wants a key in `x-api-key`; status and claims are open to anybody."
)

INTEGER_HEADER: Final = {"schema": {"type": "integer"}}
TEXT_HEADER: Final = {"schema": {"type": "string"}}
QUOTA_HEADERS: Final = {
    "RateLimit-Policy": TEXT_HEADER | {"description": "The quota of the month; left out where there is none."},
    "RateLimit": TEXT_HEADER | {"description": "What is left (`r`), and the seconds until it starts anew (`t`)."},
    "X-RateLimit-Limit": INTEGER_HEADER,
    "X-RateLimit-Remaining": INTEGER_HEADER,
    "X-RateLimit-Reset": INTEGER_HEADER | {"description": "When the quota starts anew, in seconds since 1970."},
}
ERROR_HEADERS: Final[dict[int, Json]] = {
    401: {"WWW-Authenticate": TEXT_HEADER},
    429: {"Retry-After": INTEGER_HEADER | {"description": "Whole seconds; up to 31 days, more than some timers hold."}},
}
IDEMPOTENCY_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Any text of 1 to 255 printable ASCII characters; the same request under it is done once, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}

PROBLEM: Final[Json] = {
    "type": "object",
    "description": "What went wrong, and what to do about it.",
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page that explains this kind of error."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": [code.code for code in Code]},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {"type": "string", "description": "Name it when you write to us."},
        "errors": {
            "type": "array",
            "description": "The fields at fault, where there are any.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
        "limit": {"type": "integer", "description": "Of the month; with `quota_exceeded`."},
        "used": {"type": "integer", "description": "This month; with `quota_exceeded`."},
        "reset_at": {"type": "string", "format": "date-time", "description": "With `quota_exceeded`."},
        "missing_scope": {"type": "string", "description": "With `forbidden`, where the key lacks one."},
    },
}


def documented(
    *codes: Code, needs_key: bool = False, takes_body: bool = False, counts: bool = False, sends: tuple[str, ...] = ()
) -> Json:
    """`openapi_extra` of an operation: the errors it can give besides those of every operation, and its headers."""
    every = (*codes, *(WITH_KEY if needs_key else ()), *((*WITH_BODY, *WITH_IDEMPOTENCY) if takes_body else ()))
    return {
        "security": [{"ApiKey": []}, {"Bearer": []}] if needs_key else [],
        "x-codes": [code.code for code in every],
        "x-headers": dict.fromkeys(sends, TEXT_HEADER) | (QUOTA_HEADERS if counts else {}),
        "x-idempotent": takes_body,
    }


@cache
def document() -> Json:
    """The document as Python objects; not to be changed."""
    api = import_string(settings.OPENAPI_API)
    found: Json = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
    schemas: Json = found["components"]["schemas"]
    for part in settings.OPENAPI_PARTS:
        paths, more = import_string(part)()
        found["paths"] |= json.loads(json.dumps(paths))
        schemas |= more
    schemas["Problem"] = PROBLEM
    for path, item in found["paths"].items():
        for operation in item.values():
            _complete(operation, path, schemas)
    found["components"]["schemas"] = {name: _mended(schema) for name, schema in sorted(schemas.items())}
    return found | _frame(found)


def _frame(found: Json) -> Json:
    schemes = {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "Bearer": {"type": "http", "scheme": "bearer"},
    }
    names = {tag for item in found["paths"].values() for operation in item.values() for tag in operation["tags"]}
    return {
        "info": {
            "title": "Levqor API",
            "version": "1",
            "description": DESCRIPTION,
            "termsOfService": f"{settings.SITE_URL}/terms",
            "contact": {"email": settings.SUPPORT_EMAIL, "url": f"{settings.SITE_URL}/developer"},
            "license": {"name": "Free to use for calling the API", "url": f"{settings.SITE_URL}/terms"},
        },
        "servers": [{"url": settings.API_URL}],
        "tags": [{"name": name} for name in sorted(names)],
        "components": found["components"] | {"securitySchemes": schemes},
    }


@cache
def document_bytes() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def etag() -> str:
    return f'"{hashlib.sha256(document_bytes()).hexdigest()[:32]}"'


@csrf_exempt  # a POST is told that it is not possible, not that it lacks a token
@require_safe
@gzip_page
@condition(etag_func=lambda request: etag())
def serve(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        document_bytes(), content_type="application/json", headers={"Cache-Control": "public, max-age=300"}
    )


def _complete(operation: Json, path: str, schemas: Json) -> None:
    named = operation.pop("x-codes", [])
    codes = [code for code in Code if code.code in named]
    headers, is_idempotent = operation.pop("x-headers", {}), operation.pop("x-idempotent", False)
    responses: Json = operation["responses"]
    for status, response in responses.items():
        if headers and status != "304":
            response["headers"] = {
                name: value for name, value in headers.items() if name != "Location" or status == "201"
            }
        for content in response.get("content", {}).values():
            content["example"] = example_of(content["schema"], schemas)
    for code in sorted({*codes, *ALWAYS}, key=lambda code: (code.status, code.code)):
        _add_problem(responses, code, path)
    operation["responses"] = dict(sorted(responses.items()))
    operation.setdefault("parameters", [])
    if is_idempotent:
        operation["parameters"].append(IDEMPOTENCY_KEY)
    for parameter in operation["parameters"]:
        parameter["schema"] = _without_null(_mended(parameter["schema"]))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["schema"] = _without_null(content["schema"])
        content["example"] = example_of(content["schema"], schemas)


def _add_problem(responses: Json, code: Code, path: str) -> None:
    """Beside an answer of another kind that has this status already, such as health's 503."""
    response = responses.setdefault(str(code.status), {"description": code.title, "content": {}})
    if code.title not in response["description"]:
        response["description"] += f"; {code.title}"
    content = response["content"].setdefault(
        CONTENT_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    )
    content["examples"][code.code] = {"value": problem_example(code, path)}
    if code.status in ERROR_HEADERS:
        response["headers"] = ERROR_HEADERS[code.status]


def problem_example(code: Code, path: str) -> Json:
    """A problem of this code as it is answered."""
    example: Json = {
        "type": f"{settings.SITE_URL}/developer/docs/errors/{code.code}",
        "title": code.title,
        "status": code.status,
        "code": code.code,
        "detail": "What was wrong with this very request.",
        "instance": path,
        "request_id": "4f0c1b3e-7c51-4d7e-9d58-2d5f1c0a9a11",
    }
    if code is Code.VALIDATION_ERROR:
        example["errors"] = [{"pointer": "#/name_of_the_field", "code": "invalid", "detail": "What is wrong with it."}]
    if code is Code.QUOTA_EXCEEDED:
        example |= {"limit": 1000, "used": 1000, "reset_at": "2027-01-01T00:00:00.000Z"}
    return example


def example_of(schema: Json, schemas: Json) -> Any:
    """An example of what fits the schema, put together from the examples of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for one_of in ("anyOf", "oneOf"):
        if one_of in schema:
            # What is null at times is shown as null: a job that was just made has no result.
            return None if {"type": "null"} in schema[one_of] else example_of(schema[one_of][0], schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    return _example_of_type(schema, schemas)


def _example_of_type(schema: Json, schemas: Json) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"], schemas)]
    if kind == "string":
        formats = {"date-time": "2026-12-01T00:00:00.000Z", "date": "2026-12-01"}
        is_moment = schema.get("pattern", "").startswith(r"^\d{4}-")
        return formats.get(schema.get("format", "date-time" if is_moment else ""), "text")
    return {"integer": schema.get("minimum", 0), "number": 0.5, "boolean": True, "null": None}.get(str(kind))


def _without_null(schema: Json) -> Json:
    """What may be left out is left out, and not sent as null: a parameter has no way to, and a body no need."""
    while "anyOf" in schema and {"type": "null"} in schema["anyOf"]:
        (rest,) = [part for part in schema["anyOf"] if part != {"type": "null"}]
        schema = rest | {name: value for name, value in schema.items() if name not in {"anyOf", "title"}}
    return schema


def _mended(schema: Any) -> Any:
    """Without titles that repeat a name, and with no member that is null alone, which generators make nothing of."""
    if isinstance(schema, list):
        return [_mended(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    mended = {
        name: {key: _mended(part) for key, part in value.items()} if name == "properties" else _mended(value)
        for name, value in schema.items()
        if name != "title" or not isinstance(value, str)
    }
    for name, part in mended.get("properties", {}).items():
        if part.get("type") == "null":
            mended["properties"][name] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return mended
