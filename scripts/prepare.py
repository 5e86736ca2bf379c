"""Makes the database ready for `make run`: migrates where something is new, loads the demo data once.

Prints the demo logins and nothing else, for `run.py` to show them where they are found. One process for all of it, since
loading Django takes longer than the rest on a second start.
"""

import logging
import os
import signal
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


def main() -> None:
    # Ctrl-C ends this without a traceback; whatever was under way is in a transaction.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levqor.settings")
    django.setup()
    # What the demo data passes through speaks as if it happened now.
    logging.disable(logging.INFO)
    is_new = has_something_to_migrate()
    if is_new:
        call_command("migrate", verbosity=0)
    call_command("load_demo", once=not is_new)


def has_something_to_migrate() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


if __name__ == "__main__":
    try:
        main()
    except (ImproperlyConfigured, DatabaseError) as error:
        sys.exit(str(error))
