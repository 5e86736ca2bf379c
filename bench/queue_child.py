"""What one process of the queue's benchmark does, on the database of its environment: a line of JSON for each command.

make CASES       rows, a person to look at them, and what autovacuum would do meanwhile
page ADDRESS     the seconds of one page, rendered whole
export ADDRESS   the seconds until the first line, and those of each further one
"""

import json
import logging
import sys
import time
import warnings
from datetime import UTC, datetime
from typing import Any

import django

from levqor import settings as levqor_settings

# The pages name their style sheets by their plain names, so that none has to be collected first.
levqor_settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
warnings.simplefilter("ignore")
django.setup()
logging.disable(logging.CRITICAL)

from django.core.cache import cache  # noqa: E402  # models exist once Django is set up
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from bench.queue_rows import make_queue  # noqa: E402
from levqor.accounts.models import User  # noqa: E402

HOST = "app.levqor.example"
client = Client(HTTP_HOST=HOST)


def make(cases: str) -> dict[str, Any]:
    make_queue(cases=int(cases), at=datetime.now(UTC))
    User.objects.create_superuser("somebody@levqor.example")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return {}


def enter() -> dict[str, Any]:
    """Signs in. Redis outlives the databases, and what another run remembered there is not this one's."""
    cache.clear()
    client.force_login(User.objects.get(email="somebody@levqor.example"))
    return {}


def page(address: str) -> dict[str, Any]:
    started = time.perf_counter()
    answer = client.get(address, secure=True)
    seconds = time.perf_counter() - started
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}.")
    return {"seconds": seconds}


def export(address: str) -> dict[str, Any]:
    started = time.perf_counter()
    lines = iter(client.get(address, secure=True).streaming_content)  # type: ignore[attr-defined]
    # The heading, and the first row.
    next(lines), next(lines)
    first = time.perf_counter() - started
    rows = sum(1 for _ in lines)
    return {"seconds": first, "each": (time.perf_counter() - started - first) / rows, "rows": rows}


COMMANDS = {"make": make, "enter": enter, "page": page, "export": export}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = line.split()
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)
