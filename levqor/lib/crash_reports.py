"""Crash reports to Sentry, where its DSN is set: what went wrong and where, and nothing about whom."""

import re
from typing import Any

import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.integrations.argv import ArgvIntegration
from sentry_sdk.utils import BadDsn

from levqor.lib.logs import masked

ADDRESS = re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+\.[A-Za-z]{2,}")


def start_crash_reports(dsn: str, *, environment: str) -> None:
    """Does nothing without a DSN."""
    if not dsn:
        return
    try:
        sentry_sdk.init(
            dsn=dsn,
            environment=environment,
            # Personal data is off by the kit's default (its switch for that is deprecated); local variables and bodies
            # hold what customers wrote to us.
            include_local_variables=False,
            max_request_body_size="never",
            before_send=scrub,
            # The words of a command line, which may name a customer.
            disabled_integrations=[ArgvIntegration()],
        )
    except BadDsn as error:
        raise ImproperlyConfigured("SENTRY_DSN makes no sense: it takes https://key@host/project.") from error


def scrub(event: Any, hint: dict[str, Any]) -> Any:
    """The event without cookies, queries, bodies and headers, and without tokens, keys and addresses in any text."""
    request = event.get("request", {})
    event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    event.pop("user", None)
    return _clean(event)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return ADDRESS.sub("…@…", masked(value))
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
