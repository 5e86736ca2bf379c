"""The database itself keeps a letter as it was issued: its words and PDF go only together, when the person is erased."""

from django.db import migrations

TABLE = "disputes_letter"
FIXED = ["dispute_id", "kind", "outcome", "author_id", "issued_at", "sha256"]
NEVER_CHANGED = "a letter is never changed"
NEVER_TAKEN = "a letter is never taken away"
# SQLite's INSERT OR REPLACE removes the row in its way without asking the trigger on DELETE.
TAKEN = "id = NEW.id OR (dispute_id = NEW.dispute_id AND kind = NEW.kind)"


def rules(vendor):
    """(name, event, condition or none, message) of every trigger."""
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in FIXED)
    rewritten = f"(OLD.body {differs} NEW.body OR OLD.pdf {differs} NEW.pdf)"
    erased = "(NEW.body = '[erased]' AND LENGTH(NEW.pdf) = 0)"
    yield f"{TABLE}_is_frozen", "UPDATE", f"{changed} OR ({rewritten} AND NOT {erased})", NEVER_CHANGED
    yield f"{TABLE}_stays", "DELETE", "", NEVER_TAKEN
    if vendor == "sqlite":
        yield f"{TABLE}_no_replace", "INSERT", f"EXISTS (SELECT 1 FROM {TABLE} WHERE {TAKEN})", NEVER_TAKEN


def create_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name, event, condition, message in rules(vendor):
        if vendor == "postgresql":
            _create_on_postgresql(schema_editor, name, event, condition, message)
        else:
            when = f"WHEN {condition} " if condition else ""
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {TABLE} {when}BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )


def _create_on_postgresql(schema_editor, name, event, condition, message):
    answer = "NEW" if event != "DELETE" else "OLD"
    refuse = f"RAISE EXCEPTION USING MESSAGE = '{message}', ERRCODE = 'integrity_constraint_violation';"
    body = f"IF {condition} THEN {refuse} END IF; RETURN {answer};" if condition else refuse
    schema_editor.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
    if event == "DELETE":
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


def drop_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name, *_ in rules(vendor):
        schema_editor.execute(f"DROP FUNCTION {name}() CASCADE" if vendor == "postgresql" else f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("disputes", "0003_letters")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
