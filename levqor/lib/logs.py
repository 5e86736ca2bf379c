"""Logs: one line an event, for people (console) or machines (json), with the id of the request that caused it."""

import re
import sys
from typing import Any

import structlog

# What lets somebody in or act for somebody: the tokens of our links, and API keys.
SECRET_PATH = re.compile(
    r"(/billing/pay/|/billing/reminders/|/track/|/legal/receipt/|/subscribe/(?:confirm|manage|end)/|/confirm-email/"
    r"|/reset/key/)[^/?\s\"'<>]+"
)
API_KEY = re.compile(r"\b(lvq_(?:test|live)_|sk_(?:test|live)_|rk_(?:test|live)_|whsec_)[0-9A-Za-z_+/=]{8,}")


def masked(text: str) -> str:
    """The text without the tokens and keys in it: `/billing/pay/…`, `lvq_test_…`."""
    return API_KEY.sub(r"\1…", SECRET_PATH.sub(r"\1…", text))


def mask_secrets(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: no line of the log holds what would let its reader act as a customer."""
    return {key: masked(value) if isinstance(value, str) else value for key, value in event.items()}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def log_settings(form: str) -> dict[str, Any]:
    """Django's LOGGING for the form `console` or `json`; sets structlog up along with it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_SHARED[1:],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        # Named, "django" loses the handlers of its own, which would print each of its lines a second time.
        "loggers": {"django": {"level": "INFO"}} | {name: {"level": "WARNING"} for name in QUIET},
    }


QUIET = ["celery.beat", "celery.worker.strategy", "celery.app.trace", "fontTools", "fpdf", "httpx", "stripe"]


def _rendering(form: str) -> list[Any]:
    if form == "json":
        return [structlog.processors.format_exc_info, mask_secrets, structlog.processors.JSONRenderer()]
    # Plain tracebacks: the pretty ones print local variables, among them the secrets that the lines leave out.
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [mask_secrets, renderer]
