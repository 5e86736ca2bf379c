"""Indexes for looking for a part of a text, in migrations: on PostgreSQL alone, since SQLite reads a table of a laptop's
size faster than anybody types."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation


class _PostgresIndex(Operation):
    """An index on a text column in capitals, as Django's own `icontains` and `istartswith` ask for it."""

    reduces_to_sql = True
    reversible = True
    how = ""

    def __init__(self, table: str, column: str, name: str) -> None:
        self.table, self.column, self.name = table, column, name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Django's state knows nothing of it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql" and self.is_possible(schema_editor):
            quoted = [schema_editor.quote_name(name) for name in (self.name, self.table, self.column)]
            schema_editor.execute("CREATE INDEX {} ON {} {}".format(*quoted[:2], self.how.format(quoted[2])), None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.name)}")

    def describe(self) -> str:
        return f"Index {self.table}.{self.column} for searching, on PostgreSQL"

    def is_possible(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        return True


class BeginningIndex(_PostgresIndex):
    """For `istartswith`, whatever the database's collation."""

    how = "(UPPER({}::text) text_pattern_ops)"


class PartIndex(_PostgresIndex):
    """For `icontains` of three letters or more, by pg_trgm: an extension of PostgreSQL's own, which an owner of the database
    may add. Where the server does not offer it, the search works all the same, by reading the table."""

    how = "USING gin (UPPER({}::text) gin_trgm_ops)"

    def is_possible(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
            if cursor.fetchone():
                return True
            cursor.execute(
                "SELECT 1 FROM pg_available_extension_versions WHERE name = 'pg_trgm' AND"
                " ((trusted AND has_database_privilege(current_database(), 'CREATE'))"
                " OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))"
            )
            if not cursor.fetchone():
                return False
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        return True
