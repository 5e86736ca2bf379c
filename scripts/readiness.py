"""Makes the database ready for `make run`, and notes for what: the next start loads no Django to find nothing to do."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

from scripts import ROOT, CannotStartError, dotenv

DATABASE = ROOT / "levqor.db"
PASSWORD = ROOT / "var" / "demo-password"
NOTE = ROOT / "var" / "ready.json"
CONTENT = """
    SELECT (SELECT COUNT(*) FROM django_migrations),
           (SELECT COUNT(*) FROM accounts_user WHERE email = 'customer@levqor.test')
"""


def make_ready() -> str:
    """Migrates and loads the demo data where that is to be done; returns the demo logins."""
    state = present_state()
    if state and (logins := _noted_logins(state)):
        return logins
    command = [sys.executable, "-m", "scripts.prepare"]
    prepared = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if prepared.returncode:
        raise CannotStartError("The database could not be made ready; the lines above say why.")
    NOTE.unlink(missing_ok=True)
    # It repeats the demo's password.
    NOTE.touch(mode=0o600)
    NOTE.write_text(json.dumps({"state": present_state(), "logins": prepared.stdout}))
    return prepared.stdout


def present_state() -> list[Any]:
    """What decides whether there is anything to do; empty where that cannot be told without asking a database server."""
    if os.environ.get("DATABASE_URL") or dotenv.values_of(dotenv.read_lines()).get("DATABASE_URL"):
        return []
    try:
        with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True)) as database:
            content = list(database.execute(CONTENT).fetchone())
        password = PASSWORD.read_text()
    except (sqlite3.Error, OSError):
        return []
    ours = (path for rooms in ("*", "levqor/*") for path in ROOT.glob(f"{rooms}/migrations/*.py"))
    libraries = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()
    return [*content, password, libraries, *sorted(str(path.relative_to(ROOT)) for path in ours)]


def _noted_logins(state: list[Any]) -> str:
    """The demo logins, where the last preparation was for this state; else nothing."""
    try:
        noted = json.loads(NOTE.read_text())
    except (OSError, ValueError):
        return ""
    return str(noted["logins"]) if noted["state"] == state else ""
