"""Code samples of each operation, written from the OpenAPI document; the tests run every one of them.

Each stops at an error and says what the problem says. None waits by itself: when the quota is spent, `Retry-After` is up to
31 days, which timers in JavaScript cannot hold and no job should sleep.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings

IDEMPOTENCY_KEY: Final = "order-1042"


@dataclass(frozen=True)
class Call:
    """One request, whatever the language that makes it."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any = None


@dataclass(frozen=True)
class Sample:
    language: str
    slug: str
    code: str


def call_of(path: str, method: str, operation: dict[str, Any], *, key: str) -> Call:
    """The example request of an operation of the document."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", EXAMPLE_IDS[parameter["name"]])
    headers = {"x-api-key": key} if operation["security"] else {}
    contents = operation.get("requestBody", {}).get("content", {})
    body = contents["application/json"]["example"] if contents else None
    if body is not None:
        headers["Content-Type"] = "application/json"
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"]):
        headers["Idempotency-Key"] = IDEMPOTENCY_KEY
    return Call(method.upper(), settings.API_URL + path, headers, body)


EXAMPLE_IDS: Final = {"job_id": "job_0aB1cD2eF3gH4iJ5kL6mN7oP"}


def samples_of(call: Call) -> list[Sample]:
    return [Sample(language, slug, written(_with_own_key(call, slug))) for language, slug, written in LANGUAGES]


def _with_own_key(call: Call, slug: str) -> Call:
    """Each language writes the same JSON with other blanks, so under one key the second would be another request."""
    if "Idempotency-Key" not in call.headers:
        return call
    return replace(call, headers=call.headers | {"Idempotency-Key": f"{IDEMPOTENCY_KEY}-{slug}"})


def curl(call: Call) -> str:
    lines = [f'curl "{call.url}"']
    lines += [f'-H "{name}: {value}"' for name, value in call.headers.items()]
    if call.body is not None:
        quoted = json.dumps(call.body).replace("'", "'\\''")
        lines.append(f"-d '{quoted}'")
    return " \\\n  ".join(lines)


def javascript(call: Call) -> str:
    options = [f"  method: {json.dumps(call.method)},"] if call.method != "GET" else []
    if call.headers:
        headers = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers.items())
        options.append(f"  headers: {{ {headers} }},")
    if call.body is not None:
        options.append(f"  body: JSON.stringify({json.dumps(call.body)}),")
    fetched = f'fetch("{call.url}", {{\n' + "\n".join(options) + "\n})" if options else f'fetch("{call.url}")'
    return (
        f"const answer = await {fetched};\n"
        "const body = await answer.json();\n"
        "if (!answer.ok) throw new Error(`${body.code}: ${body.detail}`);\n"
        "console.log(body);"
    )


def python(call: Call) -> str:
    arguments = [json.dumps(call.url)]
    if call.method != "GET":
        arguments.append(f'method="{call.method}"')
    if call.headers:
        arguments.append(f"headers={call.headers!r}".replace("'", '"'))
    if call.body is not None:
        arguments.append(f"data=json.dumps({call.body!r}).encode()")
    inside = "".join(f"    {argument},\n" for argument in arguments)
    return (
        "import json\n"
        "from urllib.error import HTTPError\n"
        "from urllib.request import Request, urlopen\n"
        "\n"
        f"request = Request(\n{inside})\n"
        "try:\n"
        "    with urlopen(request, timeout=10) as answer:\n"
        "        print(json.load(answer))\n"
        "except HTTPError as error:\n"
        "    problem = json.load(error)\n"
        "    raise SystemExit(f\"{problem['code']}: {problem['detail']}\")"
    )


LANGUAGES: Final = [("cURL", "curl", curl), ("JavaScript", "javascript", javascript), ("Python", "python", python)]
