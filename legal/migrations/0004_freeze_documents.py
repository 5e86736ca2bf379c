"""The database itself refuses to change or remove what was published, and to publish what its writer approves alone."""

from django.db import migrations

FROZEN = [
    "document_id", "number", "origin", "source", "change_note", "is_material", "author_id", "created_at", "changed_at", "edit_count",
    "title", "summary", "html", "outline", "facts", "sha256", "published_by_id", "published_at", "effective_at",
]

# name: (table, verb, condition, message). `{differs}` is each vendor's comparison that takes NULL for a value.
TRIGGERS = {
    "legal_version_begins_as_draft": (
        "legal_documentversion", "INSERT", "NEW.status <> 'draft'", "a version begins as a draft",
    ),
    "legal_version_stays": (
        "legal_documentversion", "DELETE", "OLD.status <> 'draft'", "a published version is never removed",
    ),
    "legal_version_is_frozen": (
        "legal_documentversion",
        "UPDATE",
        "OLD.status <> 'draft' AND (NEW.status = 'draft' OR {changed})",
        "a published version is never changed",
    ),
    "legal_version_needs_four_eyes": (
        "legal_documentversion",
        "UPDATE",
        "OLD.status = 'draft' AND NEW.status <> 'draft' AND EXISTS (SELECT 1 FROM legal_draftedit "
        "WHERE version_id = OLD.id AND user_id = NEW.published_by_id)",
        "nobody publishes what they wrote themselves",
    ),
    "legal_draftedit_stays": (
        "legal_draftedit",
        "DELETE",
        "EXISTS (SELECT 1 FROM legal_documentversion WHERE id = OLD.version_id AND status <> 'draft')",
        "who wrote a published version is never forgotten",
    ),
    "legal_draftedit_keeps_its_writer": (
        "legal_draftedit",
        "UPDATE",
        "{differs_writer}",
        "who wrote in a draft is never changed",
    ),
    "legal_pdf_is_frozen": ("legal_publishedpdf", "UPDATE", "1 = 1", "a published PDF is never changed"),
    "legal_pdf_stays": ("legal_publishedpdf", "DELETE", "1 = 1", "a published PDF is never removed"),
}
UNTRUNCATED = ["legal_documentversion", "legal_publishedpdf"]


def create_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    words = {
        "changed": " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in FROZEN),
        "differs_writer": f"NEW.version_id {differs} OLD.version_id OR NEW.user_id {differs} OLD.user_id",
    }
    if vendor == "postgresql":
        schema_editor.execute(
            "CREATE FUNCTION legal_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$"
        )
    for name, (table, verb, condition, message) in TRIGGERS.items():
        create = _create_on_postgresql if vendor == "postgresql" else _create_on_sqlite
        create(schema_editor, name, table, verb, condition.format(**words), message)
    if vendor == "postgresql":
        for table in UNTRUNCATED:
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION legal_refuse('what was published is never removed')"
            )


def _create_on_sqlite(schema_editor, name, table, verb, condition, message):
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _create_on_postgresql(schema_editor, name, table, verb, condition, message):
    if "EXISTS" not in condition:
        schema_editor.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION legal_refuse('{message}')"
        )
        return
    # PostgreSQL allows no subquery in a trigger's condition: a function of its own asks instead.
    row = "OLD" if verb == "DELETE" else "NEW"
    schema_editor.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {condition} THEN RAISE EXCEPTION '{message}'; END IF; RETURN {row}; END $$"
    )
    schema_editor.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        for name in TRIGGERS:
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    schema_editor.execute("DROP FUNCTION legal_refuse() CASCADE")
    for name, (_, _, condition, _) in TRIGGERS.items():
        if "EXISTS" in condition:
            schema_editor.execute(f"DROP FUNCTION {name}() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("legal", "0003_documents")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
