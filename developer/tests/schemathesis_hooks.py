"""Loaded by schemathesis itself: two requests that it makes up are two requests, whatever key it gives both."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

SANE = re.compile(r"[!-~]([ -~]*[!-~])?")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and SANE.fullmatch(key) and len(key) <= 255:
        case.headers["Idempotency-Key"] = str(uuid4())
