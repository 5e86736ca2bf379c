"""`make bench`: every benchmark in one run, each on every database that is there. Ratios alone are worth comparing.

python -m bench [status] [notices] [webhook] [claim] [dunning] [queue] [workers] [developer]    some of them
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import claim, developer, dunning, notices, queue, status, webhook, workers
from bench.databases import kinds

BENCHMARKS: dict[str, tuple[str, Callable[[str, Path], None]]] = {
    "status": ("Status page and health", status.measure),
    "notices": ("An update of which 10,000 subscribers are to hear", notices.measure),
    "webhook": ("Webhook acknowledgement", webhook.measure),
    "claim": ("An SLA claim taken in", claim.measure),
    "dunning": ("Dunning pass with 500 steps due", dunning.measure),
    "queue": ("The back office's lists of 100,000 rows", queue.measure),
    "developer": ("A metered call of the sandbox", developer.measure),
    "workers": ("Dunning pass by four processes at once", workers.measure),
}


def main(names: list[str]) -> None:
    for name in names or BENCHMARKS:
        title, measure = BENCHMARKS[name]
        for kind in kinds():
            print(f"\n{title} on {kind}", flush=True)
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="levqor-bench-") as folder:
                measure(kind, Path(folder))
            print(f"  took {time.monotonic() - started:.0f} s", flush=True)
    if len(kinds()) == 1:
        print("\nNot run on PostgreSQL: DATABASE_URL names no server on which a database could be made.")


if __name__ == "__main__":
    main(sys.argv[1:])
