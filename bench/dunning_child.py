"""What one process of the dunning benchmarks does, on the database of its environment: a line of JSON for each command.

again    takes back what the last pass did, so that the same steps are due once more
pass     one pass: seconds and seconds of computing, the counts, the peak of memory
count    what the rows say was done: steps sent, claims, mails
"""

import json
import resource
import sys
import time
from typing import Any

import django

from levqor import settings as levqor_settings

# The passes log each suspension and each refused mail; none is wanted among the answers.
levqor_settings.LOGGING["root"]["level"] = "WARNING"
levqor_settings.MAILERS = {
    "default": {"BACKEND": "levqor.mail.backends.FolderBackend", "OPTIONS": {"folder": sys.argv[1]}}
}
django.setup()

from django.db import connection  # noqa: E402  # models exist once Django is set up

from bench.dunning_rows import NOW, make_cases, make_due_again  # noqa: E402
from billing.dunning import run_dunning_job  # noqa: E402
from billing.models import DunningStep  # noqa: E402
from levqor.audit.models import AuditEntry  # noqa: E402
from levqor.mail.models import OutgoingMail  # noqa: E402


def make(cases: str, due: str) -> dict[str, Any]:
    make_cases(cases=int(cases), due=int(due))
    return {}


def again() -> dict[str, Any]:
    """With what autovacuum does in production done now, so that it does not start in the middle of a measurement."""
    make_due_again()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return {}


def one_pass() -> dict[str, Any]:
    started, computing = time.perf_counter(), time.process_time()
    report = run_dunning_job(at=NOW)
    return {
        "seconds": time.perf_counter() - started,
        "computing": time.process_time() - computing,
        "sent": report.sent,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def count() -> dict[str, Any]:
    claims = AuditEntry.objects.filter(object_type="billing.dunningstep", verb="status.sending")
    return {
        "sent": DunningStep.objects.filter(attempt_number=1, sent_at=NOW).count(),
        "claims": claims.count(),
        "mails": OutgoingMail.objects.filter(status="sent", sent_at=NOW).count(),
    }


COMMANDS = {"make": make, "again": again, "pass": one_pass, "count": count}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = line.split()
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)
