"""The database itself refuses to change or remove what the trail holds; a note may be erased, never reworded."""

from django.db import migrations

TABLES = {"audit_auditentry": ("UPDATE", "DELETE"), "audit_auditseal": ("UPDATE", "DELETE"), "audit_auditnote": ("UPDATE",)}


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
        )
    for table, verbs in TABLES.items():
        for verb in verbs:
            schema_editor.execute(_trigger(schema_editor.connection.vendor, table, verb))
    if schema_editor.connection.vendor == "postgresql":
        for table in ("audit_auditentry", "audit_auditseal"):
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
            )


def _trigger(vendor, table, verb):
    name = f"{table}_no_{verb.lower()}"
    if vendor == "postgresql":
        return f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()"
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    )


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_refuse_change() CASCADE")
        return
    for table, verbs in TABLES.items():
        for verb in verbs:
            schema_editor.execute(f"DROP TRIGGER {table}_no_{verb.lower()}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_audit")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
