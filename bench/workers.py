"""Four processes make the same dunning pass at once: each step is claimed by one of them, and each customer gets one mail.

The processes share nothing but the database. How much faster than one process they are depends on the cores and on the
database: SQLite lets one write at a time.
"""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.databases import fresh_database
from bench.tables import table, verdict
from bench.told_process import ToldProcess, dunning_process, migrate

WORKERS = 4
# How many steps are due; BENCH_DUE=50000 for the long form.
DUE = int(os.environ.get("BENCH_DUE", "500"))


def measure(kind: str, folder: Path) -> None:
    """Makes the pass with one process, then with all at once on the same rows, and prints what became of them."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(kind, folder))
        migrate(url)
        workers = [stack.enter_context(dunning_process(url, folder)) for _ in range(WORKERS)]
        first = workers[0]
        first.tell(f"make {DUE} {DUE}")
        # The first pass of a process reads modules and templates: none is measured.
        _pass_together(workers)
        first.tell("again")
        alone = _pass_together(workers[:1])
        before = first.tell("count")
        first.tell("again")
        together = _pass_together(workers)
        after = first.tell("count")
    print(table([["four processes ÷ one", "steps a second"], ["", f"{alone / together:.2f}"]]))
    print(verdict("claims for each step due", (after["claims"] - before["claims"]) / DUE, exactly=1))
    print(verdict("mails for each step due", after["mails"] / DUE, exactly=1))
    print(verdict("steps sent of those due", after["sent"] / DUE, exactly=1))


def _pass_together(workers: Sequence[ToldProcess]) -> float:
    """Seconds until all have ended the pass that they began at once."""
    started = time.perf_counter()
    for worker in workers:
        worker.begin("pass")
    for worker in workers:
        worker.result()
    return time.perf_counter() - started
