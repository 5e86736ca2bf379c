"""The reference part of the documentation, read from the OpenAPI document, so that the two cannot say different things."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from developer.models import DEMO_KEY
from developer.samples import Sample, call_of, samples_of
from levqor.lib.openapi import document
from levqor.lib.problems import Code

# Explained one by one; what stands under other tags is listed with its address.
IN_FULL: Final = ("Sandbox", "SLA claims", "Disputes")


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    where: str
    is_required: bool
    description: str


@dataclass(frozen=True)
class Endpoint:
    """One operation as a section of the page."""

    slug: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    takes: list[Field]
    gives: list[Field]
    example: str
    statuses: str
    codes: list[Code]
    samples: list[Sample]


def sample_key() -> str:
    return DEMO_KEY if settings.DEBUG else "YOUR_KEY"


def endpoints() -> list[Endpoint]:
    found = [_endpoint(*each, key=sample_key()) for each in operations() if each[2]["tags"][0] in IN_FULL]
    return sorted(found, key=lambda endpoint: IN_FULL.index(endpoint.tag))


def addresses() -> list[tuple[str, str]]:
    """What needs no explanation beyond its name: address, summary."""
    return [(path, operation["summary"]) for path, _, operation in operations() if operation["tags"][0] not in IN_FULL]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, item in document()["paths"].items() for method, op in item.items()]


def giving(code: Code) -> list[tuple[str, str]]:
    """The operations that can answer with this code: their place on the page, method and path."""
    return [
        (operation["operationId"], f"{method.upper()} {path}")
        for path, method, operation in operations()
        if code in codes_of(operation) and operation["tags"][0] in IN_FULL
    ]


def codes_of(operation: dict[str, Any]) -> list[Code]:
    contents = [answer.get("content", {}) for answer in operation["responses"].values()]
    named = {name for content in contents for name in content.get("application/problem+json", {}).get("examples", {})}
    return [code for code in Code if code.code in named]


def _endpoint(path: str, method: str, operation: dict[str, Any], *, key: str) -> Endpoint:
    good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    answer = next(iter(good.values()))["content"]["application/json"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    asked = [
        Field(one["name"], kind_of(one["schema"]), one["in"], one.get("required", False), _about(one))
        for one in operation["parameters"]
    ]
    return Endpoint(
        slug=operation["operationId"],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        needs_key=bool(operation["security"]),
        takes=asked + (_fields(body, "body") if body else []),
        gives=_fields(answer["schema"], "answer"),
        example=json.dumps(answer["example"], indent=2, ensure_ascii=False),
        statuses=" or ".join(good),
        codes=codes_of(operation),
        samples=samples_of(call_of(path, method, operation, key=key)),
    )


def _about(parameter: dict[str, Any]) -> str:
    return str(parameter.get("description") or parameter["schema"].get("description", ""))


def _fields(schema: dict[str, Any], where: str) -> list[Field]:
    found = _resolved(schema)
    return [
        Field(name, kind_of(part), where, name in found.get("required", []), part.get("description", ""))
        for name, part in found.get("properties", {}).items()
    ]


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    resolved: dict[str, Any] = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return resolved


def kind_of(schema: dict[str, Any]) -> str:
    """The type in words: `text of 1 to 200 characters, or null`."""
    schema = _resolved(schema)
    if "anyOf" in schema:
        shared = {name: value for name, value in schema.items() if name not in {"anyOf", "title"}}
        return ", or ".join(kind_of(part if part.get("type") == "null" else shared | part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"“{value}”" for value in schema["enum"])
    kind = {"string": "text", "object": "object", "array": "list", "integer": "whole number", "null": "null"}.get(
        schema.get("type", ""), schema.get("type", "anything")
    )
    kind = {"date-time": "date and time", "date": "date", "email": "email address", "uri": "address"}.get(
        schema.get("format", ""), kind
    )
    return str(kind) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    if "maxLength" in schema:
        least = schema.get("minLength")
        return (
            f", {least} to {schema['maxLength']:,} characters"
            if least
            else f", up to {schema['maxLength']:,} characters"
        )
    if "maximum" in schema:
        return f", {schema.get('minimum', 0)} to {schema['maximum']:,}"
    return ""
