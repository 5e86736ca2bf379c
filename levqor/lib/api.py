"""What every operation of the API shares: strict JSON in, and errors that point to the field at fault."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.parser import Parser
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from levqor.lib.bodies import nests_too_deep
from levqor.lib.problems import Code, problem

NOT_JSON: Final = "The body is not valid JSON in UTF-8."
TOO_LARGE: Final = "The body has a number that is too large to be read exactly; send it as a string."
MOST_DIGITS: Final = 300
# What pydantic says of these speaks of Python, or of less than the caller wants to know.
DETAILS: Final = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field.",
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "This must be a JSON object."),
}


class CamelSchema(Schema):
    """Names as the contract's JSON has them (`fullName`), which are not Python's."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class UnsupportedMediaTypeError(Exception):
    """The body is not said to be JSON."""


class MalformedJsonError(Exception):
    """The body is not the JSON of an object that every database can keep; its words are for the caller."""


class StrictJsonParser(Parser):
    """JSON as RFC 8259 has it: UTF-8, no NaN, no name twice, no half of a surrogate pair, and not nested without end."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise UnsupportedMediaTypeError
        try:
            text = request.body.decode("utf-8")
            if nests_too_deep(text):
                raise MalformedJsonError("The body is nested too deeply.")
            body = json.loads(
                text,
                parse_constant=_refuse_constant,
                parse_float=_finite,
                parse_int=_not_endless,
                object_pairs_hook=_once,
            )
            if "\\u" in text:
                json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise MalformedJsonError(NOT_JSON) from error
        return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    """`1e999` is too large for a float, and infinity cannot be given back as JSON."""
    number = float(text)
    if math.isinf(number):
        raise MalformedJsonError(TOO_LARGE)
    return number


def _not_endless(text: str) -> int:
    """Python reads no integer of thousands of digits, and nobody means one."""
    if len(text) > MOST_DIGITS:
        raise MalformedJsonError(TOO_LARGE)
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a name stands twice means different things to different readers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJsonError("The body has an object in which one name stands twice.")
    return found


def malformed(request: HttpRequest, detail: str = NOT_JSON) -> HttpResponse:
    return problem(request, Code.MALFORMED_JSON, detail)


def schema_problem(request: HttpRequest, errors: list[dict[str, Any]]) -> HttpResponse:
    """422 for a body or parameters that do not fit their schema."""
    return problem(
        request,
        Code.VALIDATION_ERROR,
        "The request does not fit what this operation takes; `errors` says where.",
        errors=[_pointed(error) for error in errors],
    )


def _pointed(error: dict[str, Any]) -> dict[str, str]:
    codes = {"missing": "required", "extra_forbidden": "unknown_field"}
    # The first two parts are where ninja found it and the operation's own name for it.
    where, *path = [str(part) for part in error["loc"]]
    inside = path[1:] if where == "body" else path
    pointer = "#" + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in inside)
    kind = str(error["type"])
    return {"pointer": pointer, "code": codes.get(kind, "invalid"), "detail": DETAILS.get(kind, str(error["msg"]))}


def form_problem(request: HttpRequest, form: forms.Form, names: Mapping[str, str]) -> HttpResponse:
    """422 for what a form found; `names` says how the API calls the form's fields."""
    errors = [
        {
            "pointer": f"#/{names[field]}{_place(error)}" if field in names else "#",
            "code": error.code or "invalid",
            "detail": message,
        }
        for field, found in form.errors.as_data().items()
        for error in found
        for message in error.messages
    ]
    return problem(
        request, Code.VALIDATION_ERROR, "Some fields are not right; `errors` says which and why.", errors=errors
    )


def _place(error: ValidationError) -> str:
    """Which one of several it is, where the form says so: `/0`."""
    place = (error.params or {}).get("place")
    return "" if place is None else f"/{place}"


def utc_text(moment: datetime) -> str:
    """`2026-11-23T01:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
