"""Empty databases for one measurement each: always on SQLite, on PostgreSQL too where DATABASE_URL names one."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
# As in production: no debugging, an https address behind one proxy, and no key, so that nobody is called.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "a-key-for-the-benchmarks-alone-5d1f7e0b9c3a4f6e8d2b1a0c9f8e7d6c",
    "SITE_URL": "https://app.levqor.example",
    "TRUSTED_PROXIES": "1",
    "STRIPE_SECRET_KEY": "",
    "RESEND_API_KEY": "",
    "SENTRY_DSN": "",
}


def kinds() -> list[str]:
    """SQLite, and PostgreSQL where there is one to use."""
    return ["SQLite", "PostgreSQL"] if server_url() else ["SQLite"]


def server_url() -> str:
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith(("postgres://", "postgresql://")) else ""


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database that is gone after the block."""
    name = f"levqor_bench_{secrets.token_hex(6)}"
    if kind == "SQLite":
        yield f"sqlite:///{folder / name}.db"
        return
    with psycopg.connect(server_url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment(url: str, **changes: str) -> dict[str, str]:
    """The environment of a process that works on this database as production would."""
    return {**PRODUCTION, "DATABASE_URL": url, "REDIS_URL": os.environ.get("REDIS_URL", ""), **changes}


def django_settings(variables: Mapping[str, str]) -> str:
    """Levqor's own settings of that database as JSON, for the servers that are compared with it: on Django's engine, since
    not all of them can import ours."""
    code = "import json; from levqor.settings import DATABASES; print(json.dumps(DATABASES['default'], default=str))"
    database: dict[str, Any] = json.loads(run([PYTHON, "-c", code], variables))
    if database["ENGINE"] == "levqor.lib.postgres":
        database["ENGINE"] = "django.db.backends.postgresql"
    return json.dumps(database)


def run(command: list[str], variables: Mapping[str, str]) -> str:
    """Runs the command in the project's folder and returns what it printed; raises with its errors where it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout
