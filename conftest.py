"""What holds for every test: no socket but loopback, no mail outside a temporary folder, no Stripe key."""

import re
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.operations import BaseDatabaseOperations
from pytest_django import DjangoDbBlocker, Settings

from levqor.audit.trail import seal_entries
from status.memory import StatusMemory, memory

pytest_plugins = ["testing.browser", "testing.own_processes"]

LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost|0\.0\.0\.0")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not LOOPBACK.fullmatch(str(address[0])):
            raise RuntimeError(f"A test tried to reach {address[0]}; tests talk to this machine alone.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _nothing_leaves(settings: Settings, tmp_path: Path) -> None:
    settings.STRIPE_SECRET_KEY = ""
    # Threads of their own see nothing of a test's transaction.
    settings.MAIL_LANES = 1
    # Argon2 is slow on purpose, which no test needs.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MAILERS = {
        "default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": {"folder": str(tmp_path / "mail")}}
    }


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(settings: Settings) -> None:
    """What one test counts in the cache is not counted in the next: Redis is shared by all processes and by every run."""
    settings.CACHES = {
        name: options | {"KEY_PREFIX": uuid.uuid4().hex} for name, options in dict(settings.CACHES).items()
    }


@pytest.fixture(autouse=True)
def _nothing_known_of_the_status(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """What one test published is not on the page of the next: the memory belongs to the process."""
    settings.STATUS_DIR = tmp_path / "status"
    for name, value in vars(StatusMemory()).items():
        monkeypatch.setattr(memory, name, value)


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_the_trail() -> Iterator[None]:
    """Transactional tests empty every table between them, which the triggers that protect the records refuse, rightly."""
    original = BaseDatabaseOperations.execute_sql_flush

    def flush(self: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
        with _without_triggers(self.connection.alias):
            if self.connection.vendor == "postgresql":
                _delete_rows(self.connection.alias)
            else:
                original(self, sql_list)

    BaseDatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    yield
    BaseDatabaseOperations.execute_sql_flush = original  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Tests race more threads than a process has connections, on machines that are busy with more than one suite."""
    options = connections["default"].settings_dict["OPTIONS"]
    if "pool" in options:
        options["pool"] |= {"timeout": 30, "max_size": 60}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Making the database publishes the first documents: what that leaves in the trail is sealed before any test."""
    with django_db_blocker.unblock():
        seal_entries()
        if connections["default"].vendor == "postgresql":
            _keep_no_statistics("default")


def _keep_no_statistics(alias: str) -> None:
    """What PostgreSQL counts by itself, whenever it comes by, would decide which index it takes for a table of no rows."""
    tables = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    with connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')


def _delete_rows(alias: str) -> None:
    """Truncating makes a new file for each of a hundred tables, of which few hold anything: a hundred times the time."""
    tables = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    with connections[alias].cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"(SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\"))" for table in tables)
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')


@contextmanager
def _without_triggers(alias: str) -> Iterator[None]:
    connection = connections[alias]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            try:
                yield
            finally:
                cursor.execute("SET session_replication_role = origin")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        try:
            yield
        finally:
            for _, sql in triggers:
                cursor.execute(sql)
