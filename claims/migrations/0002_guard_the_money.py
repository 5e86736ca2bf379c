"""The database itself holds deciding to two people and the ledger to what they decided.

An approval names its proposal's own proposer, so that the check "not by the proposer" cannot be got round, and is never
changed. What a proposal or an entry is about and how much it is never changes. An entry is what was approved, by as many
as it takes, and an applied one is final.
"""

from django.db import migrations

# As `claims.models.decision.SECOND_APPROVAL_ABOVE`; a test holds the two equal.
SECOND_APPROVAL_ABOVE = 25_000

FROZEN = {
    "claims_proposal": (
        "what is proposed never changes",
        ["claim_id", "kind", "proposer_id", "proposed_at", "amount_cents", "currency", "is_manual", "measurement"],
    ),
    "claims_creditentry": (
        "what was booked never changes",
        ["claim_id", "proposal_id", "kind", "amount_cents", "currency", "created_at"],
    ),
}
STAYS = {
    "claims_approval": "an approval is never taken away",
    "claims_proposal": "a proposal is never taken away",
    "claims_creditentry": "the ledger is never shortened",
}
APPROVAL_IS_FIXED = "an approval is never changed"
APPLIED_IS_FINAL = "an applied entry is final"
NOT_ITS_PROPOSER = "an approval names its proposal's proposer"
NOT_AS_APPROVED = "an entry is what was approved, by as many as it takes"
# SQLite's INSERT OR REPLACE removes the row in its way without asking the triggers on DELETE.
TAKEN = {
    "claims_approval": "id = NEW.id OR (proposal_id = NEW.proposal_id AND approver_id = NEW.approver_id)",
    "claims_proposal": "id = NEW.id",
    "claims_creditentry": "id = NEW.id OR proposal_id = NEW.proposal_id OR (claim_id = NEW.claim_id AND kind = NEW.kind)",
}
PROPOSER_AGREES = "EXISTS (SELECT 1 FROM claims_proposal WHERE id = NEW.proposal_id AND proposer_id = NEW.proposer_id)"
ENTRY_AGREES = (
    "EXISTS (SELECT 1 FROM claims_proposal p WHERE p.id = NEW.proposal_id AND p.status = 'approved' "
    "AND p.claim_id = NEW.claim_id AND p.kind = NEW.kind AND p.amount_cents = NEW.amount_cents "
    "AND p.currency = NEW.currency AND (SELECT COUNT(*) FROM claims_approval a WHERE a.proposal_id = p.id) >= "
    f"CASE WHEN p.is_manual OR p.amount_cents > {SECOND_APPROVAL_ABOVE} THEN 2 ELSE 1 END)"
)


def rules(vendor):
    """(name, table, event, condition or none, message) of every trigger."""
    differs = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    for table, (message, columns) in FROZEN.items():
        changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
        yield f"{table}_is_frozen", table, "UPDATE", changed, message
    for table, message in STAYS.items():
        yield f"{table}_stays", table, "DELETE", "", message
    yield "claims_approval_is_frozen", "claims_approval", "UPDATE", "", APPROVAL_IS_FIXED
    yield "claims_creditentry_is_final", "claims_creditentry", "UPDATE", "OLD.status = 'applied'", APPLIED_IS_FINAL
    yield "claims_approval_proposer", "claims_approval", "INSERT", f"NOT {PROPOSER_AGREES}", NOT_ITS_PROPOSER
    yield "claims_creditentry_approved", "claims_creditentry", "INSERT", f"NOT {ENTRY_AGREES}", NOT_AS_APPROVED
    if vendor == "sqlite":
        for table, taken in TAKEN.items():
            is_taken = f"EXISTS (SELECT 1 FROM {table} WHERE {taken})"
            yield f"{table}_no_replace", table, "INSERT", is_taken, STAYS[table]


def create_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    create = _create_on_postgresql if vendor == "postgresql" else _create_on_sqlite
    for rule in rules(vendor):
        create(schema_editor, *rule)
    if vendor == "postgresql":
        for table, message in STAYS.items():
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_stays()"
            )


def _create_on_sqlite(schema_editor, name, table, event, condition, message):
    when = f"WHEN {condition} " if condition else ""
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when}BEGIN SELECT RAISE(ABORT, '{_quoted(message)}'); END"
    )


def _create_on_postgresql(schema_editor, name, table, event, condition, message):
    """A function for each, since the WHEN of a trigger may ask no other table."""
    answer = "NEW" if event != "DELETE" else "OLD"
    refuse = f"RAISE EXCEPTION USING MESSAGE = '{_quoted(message)}', ERRCODE = 'integrity_constraint_violation';"
    body = f"IF {condition} THEN {refuse} END IF; RETURN {answer};" if condition else refuse
    schema_editor.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    schema_editor.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def _quoted(message):
    return message.replace("'", "''")


def drop_triggers(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name, *_ in rules(vendor):
        schema_editor.execute(f"DROP FUNCTION {name}() CASCADE" if vendor == "postgresql" else f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_claims")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
