"""The status resources for the OpenAPI document: plain views, whose answers these schemas hold to in the tests."""

from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from status.statuspage_schema import FILES, Strict, Time

REF: Final = "#/components/schemas/Status{model}"
TAG: Final = "Status"


class Alive(Strict):
    """The web process answers; nothing else is asked."""

    ok: bool
    ts: int = Field(description="Seconds since 1970.", examples=[1763095209])


class Part(Strict):
    ok: bool
    service: str = Field(examples=["PostgreSQL"])
    latencyMs: int = Field(ge=0)  # noqa: N815  # the contract's name


class Parts(Strict):
    frontend: Part
    backend: Part
    database: Part
    scheduler: Part


class Health(Strict):
    """`ok` is false for an outage alone."""

    ok: bool
    timestamp: Time
    status: Literal["operational", "degraded", "outage"]
    components: Parts


class Ready(Strict):
    ok: bool


class Seconds(Strict):
    measured: float
    partial_outage: float
    major_outage: float
    maintenance: float


class Segment(Strict):
    start: str = Field(json_schema_extra={"format": "date-time"})
    end: str = Field(json_schema_extra={"format": "date-time"})
    status: str | None
    maintenance: bool


class Measured(Strict):
    id: str
    name: str
    uptime: float | None
    seconds: Seconds
    segments: list[Segment]


class Uptime(Strict):
    """The ledger from which the published percentages can be recomputed."""

    page_id: str
    as_of: Time
    weights: dict[str, float]
    formula: str
    maintenance_rule: str
    components: list[Measured]


WORDS: Final = {
    "summary": "Everything at once",
    "status": "The state in a word",
    "components": "State of each component",
    "incidents": "The last incidents",
    "incidents/unresolved": "Incidents that are not over",
    "scheduled-maintenances": "Maintenance, past and announced",
    "scheduled-maintenances/upcoming": "Maintenance that is announced",
    "scheduled-maintenances/active": "Maintenance that is under way",
}


def describe() -> tuple[dict[str, Any], dict[str, Any]]:
    """Paths, and the schemas they refer to."""
    models: set[type[BaseModel]] = {Alive, Health, Ready, Uptime, *FILES.values()}
    refs, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=REF)
    schema_of = {model: refs[model, "serialization"] for model in models}
    paths = {
        "/health": _get("get_liveness", "Whether the web process answers", schema_of[Alive], has_etag=False),
        "/api/status/health": _get("get_health", "Health of each part", schema_of[Health], has_etag=False, is_503=True),
        "/api/status/ready": _get(
            "get_readiness", "Whether this server can serve", schema_of[Ready], has_etag=False, is_503=True
        ),
        "/api/status/uptime": _get("get_uptime", "The uptime ledger", schema_of[Uptime]),
    }
    for name, model in FILES.items():
        operation = "get_status_" + name.replace("/", "_").replace("-", "_")
        paths[f"/api/v2/{name}.json"] = _get(operation, WORDS[name], schema_of[model])
    return paths, {f"Status{name}": schema for name, schema in definitions["$defs"].items()}


def _get(
    operation_id: str, summary: str, schema: Any, *, has_etag: bool = True, is_503: bool = False
) -> dict[str, Any]:
    answer = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    responses: dict[str, Any] = {"200": answer}
    if is_503:
        responses["503"] = answer | {"description": "The same facts, when `ok` is false"}
    if has_etag:
        responses["304"] = {"description": "Not changed since the ETag that was sent"}
    return {
        "get": {
            "operationId": operation_id,
            "summary": summary,
            "tags": [TAG],
            "responses": responses,
            "security": [],
            "x-codes": [],
        }
    }
