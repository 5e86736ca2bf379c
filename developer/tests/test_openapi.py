"""The OpenAPI document: served with an ETag, complete, without what generators trip over, and true."""

import json
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.module_loading import import_string
from ninja import Schema

from levqor.lib.openapi import document, document_bytes, example_of

pytestmark = pytest.mark.django_db

PATHS = [
    "/api/sla/claim", "/api/sandbox/metrics", "/api/sandbox/jobs", "/api/sandbox/jobs/{job_id}", "/api/sandbox/usage",
    "/health", "/api/status/health", "/api/status/ready", "/api/status/uptime", "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json", "/api/v2/incidents.json", "/api/v2/incidents/unresolved.json",
    "/api/v2/scheduled-maintenances.json", "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json",
]  # fmt: skip


def operations() -> list[tuple[str, str, Any]]:
    return [(path, method, op) for path, item in document()["paths"].items() for method, op in item.items()]


def test_it_is_served_with_an_etag_and_the_command_prints_the_same_bytes(client: Client) -> None:
    answer = client.get("/public/openapi.json")
    out = StringIO()
    call_command("export_openapi", stdout=out)

    assert answer.content == document_bytes() == out.getvalue().encode()
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "no-store" not in answer.headers["Cache-Control"]
    assert client.get("/public/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(("method", "status"), [("head", 200), ("options", 204), ("post", 405)])
def test_other_methods_are_answered(client: Client, method: str, status: int) -> None:
    assert getattr(client, method)("/public/openapi.json").status_code == status


def test_every_public_operation_is_in_it_and_no_webhook() -> None:
    paths = document()["paths"]

    assert set(PATHS) <= set(paths)
    assert not [path for path in paths if "webhook" in path]


def test_the_version_is_3_1_and_every_name_is_there_once() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]

    assert document()["openapi"].startswith("3.1")
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] and operation["tags"] for _, _, operation in operations())


def test_no_schema_overwrites_another_of_its_name() -> None:
    """django-ninja keeps the last one of a name, in silence."""
    models: dict[str, set[type]] = {}
    for name in import_string("levqor.api.ROUTERS").values():
        module = import_module(name.rpartition(".")[0])
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, Schema):
                models.setdefault(member.__name__, set()).add(member)

    assert {name: found for name, found in models.items() if len(found) > 1} == {}
    assert {"JobOut", "ClaimOut"} <= set(models)


def test_every_error_is_declared_as_a_problem() -> None:
    for path, method, operation in operations():
        errors = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "500", "503"} <= set(errors), (path, method)
        assert all("application/problem+json" in answer["content"] for answer in errors.values()), (path, method)


def test_what_costs_a_unit_says_so() -> None:
    for path, method, operation in operations():
        if path.startswith("/api/sandbox/"):
            assert {"401", "403"} <= set(operation["responses"])
            assert ("429" in operation["responses"]) == (not path.endswith("/usage")), (path, method)
            assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}]


def bare_nulls(schema: Any, at: str = "#") -> list[str]:
    found = []
    if isinstance(schema, dict):
        if (schema.get("type") == "null" and at.rsplit("/", 2)[1] not in {"anyOf", "oneOf"}) or "nullable" in schema:
            found.append(at)
        if isinstance(schema.get("type"), list):
            found.append(at)
        for key, value in schema.items():
            found += bare_nulls(value, f"{at}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            found += bare_nulls(value, f"{at}/{number}")
    return found


def test_null_is_written_in_the_one_way_that_generators_take() -> None:
    assert bare_nulls(document()["components"]) == []
    assert bare_nulls([operation["parameters"] for _, _, operation in operations()]) == []


def test_what_an_answer_always_has_is_required() -> None:
    schemas = document()["components"]["schemas"]

    for name in ("JobOut", "JobsOut", "MetricsOut", "UsageOut", "ClaimOut"):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name
    assert schemas["JobOut"]["properties"]["sandbox_mode"]["type"] == "boolean"
    assert "const" not in json.dumps(schemas["JobOut"])


def test_examples_have_each_member_of_their_schema() -> None:
    schemas = document()["components"]["schemas"]

    job = example_of({"$ref": "#/components/schemas/JobOut"}, schemas)

    assert set(job) == set(schemas["JobOut"]["properties"])
    assert job["result"] is None
