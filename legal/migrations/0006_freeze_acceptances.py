"""The database itself refuses to change an acceptance or what it binds to, and to remove one before its time."""

from django.db import migrations

PARTS = {
    "legal_acceptance": "an acceptance is never changed",
    "legal_accepteddocument": "what an acceptance binds to is never changed",
    "legal_acceptanceannex": "where an acceptance came from is erased or kept, never changed",
}
STAYS = "an acceptance is kept until its time"


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        return _create_on_postgresql(schema_editor)
    for table, message in PARTS.items():
        schema_editor.execute(
            f"CREATE TRIGGER {table}_is_frozen BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    schema_editor.execute(
        "CREATE TRIGGER legal_acceptance_stays BEFORE DELETE ON legal_acceptance "
        f"WHEN OLD.keep_until > strftime('%Y-%m-%d %H:%M:%f', 'now') BEGIN SELECT RAISE(ABORT, '{STAYS}'); END"
    )
    schema_editor.execute(
        "CREATE TRIGGER legal_accepteddocument_stays BEFORE DELETE ON legal_accepteddocument "
        "WHEN EXISTS (SELECT 1 FROM legal_acceptance WHERE id = OLD.acceptance_id "
        f"AND keep_until > strftime('%Y-%m-%d %H:%M:%f', 'now')) BEGIN SELECT RAISE(ABORT, '{STAYS}'); END"
    )


def _create_on_postgresql(schema_editor):
    for table, message in PARTS.items():
        schema_editor.execute(
            f"CREATE TRIGGER {table}_is_frozen BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION legal_refuse('{message}')"
        )
    schema_editor.execute(
        "CREATE TRIGGER legal_acceptance_stays BEFORE DELETE ON legal_acceptance "
        f"FOR EACH ROW WHEN (OLD.keep_until > now()) EXECUTE FUNCTION legal_refuse('{STAYS}')"
    )
    schema_editor.execute(
        "CREATE FUNCTION legal_accepteddocument_stays() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF EXISTS (SELECT 1 FROM legal_acceptance WHERE id = OLD.acceptance_id AND keep_until > now()) "
        f"THEN RAISE EXCEPTION '{STAYS}'; END IF; RETURN OLD; END $$"
    )
    schema_editor.execute(
        "CREATE TRIGGER legal_accepteddocument_stays BEFORE DELETE ON legal_accepteddocument "
        "FOR EACH ROW EXECUTE FUNCTION legal_accepteddocument_stays()"
    )
    for table in ("legal_acceptance", "legal_accepteddocument"):
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION legal_refuse('{STAYS}')"
        )


def drop_triggers(apps, schema_editor):
    names = [(f"{table}_is_frozen", table) for table in PARTS]
    names += [("legal_acceptance_stays", "legal_acceptance"), ("legal_accepteddocument_stays", "legal_accepteddocument")]
    if schema_editor.connection.vendor != "postgresql":
        for name, _ in names:
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    names += [(f"{table}_no_truncate", table) for table in ("legal_acceptance", "legal_accepteddocument")]
    for name, table in names:
        schema_editor.execute(f"DROP TRIGGER {name} ON {table}")
    schema_editor.execute("DROP FUNCTION legal_accepteddocument_stays()")


class Migration(migrations.Migration):
    dependencies = [("legal", "0005_acceptances")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
