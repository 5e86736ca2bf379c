"""What tells the web processes that the rest is alive: stamps, and the published snapshot."""

from django.db import connection, models
from django.db.models.functions import Now


class Stamp(models.Model):
    """The last sign of life of one thing, by the database's clock, so that machines need not agree on the time.

    Names: `beat`, `published` (a canary reached the broker), `worker`, `canary:<queue>`, `web`, `snapshot`.
    """

    name = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(db_default=Now())
    number = models.BigIntegerField(default=0, help_text="A count or a version, where the name has one.")

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"


def stamp(name: str, number: int = 0) -> None:
    """Leaves a sign of life now: one statement, the same on PostgreSQL and SQLite."""
    # ON CONFLICT in SQL of our own: Django's update_conflicts cannot set a column to the database's clock.
    now = "STATEMENT_TIMESTAMP()" if connection.vendor == "postgresql" else "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO status_stamp (name, at, number) VALUES (%s, {now}, %s) "  # noqa: S608  # `now` is one of two constants
            "ON CONFLICT (name) DO UPDATE SET at = excluded.at, number = excluded.number",
            [name, number],
        )


class Snapshot(models.Model):
    """The published page as one document; a single row, replaced by each new version."""

    SINGLE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLE)
    version = models.PositiveBigIntegerField(default=0)
    body = models.TextField(blank=True)
    built_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="snapshot_single")]

    def __str__(self) -> str:
        return f"snapshot {self.version}"
