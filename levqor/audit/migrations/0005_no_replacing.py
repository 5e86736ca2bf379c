"""SQLite's INSERT OR REPLACE removes the row in its way without asking the triggers on DELETE: it is refused before.

PostgreSQL has no such statement; its ON CONFLICT DO UPDATE is an UPDATE to the triggers that are there.
"""

from django.db import migrations

TAKEN = {
    "audit_auditentry": "id = NEW.id",
    "audit_auditseal": "position = NEW.position OR entry_id = NEW.entry_id",
    "audit_auditnote": "entry_id = NEW.entry_id",
}


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return
    for table, rule in TAKEN.items():
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {rule}) "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return
    for table in TAKEN:
        schema_editor.execute(f"DROP TRIGGER {table}_no_replace")


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_first_head")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
