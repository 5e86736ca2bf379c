"""How long saving an update takes where many subscribers are to be told: their notices are rows, written in bulk with it.

Nothing is rendered at that moment; each mail is when its turn comes. Ten times as many subscribers must cost ten times the
rows and nothing more.
"""

import statistics
from pathlib import Path

from bench.databases import PYTHON, environment, fresh_database, run
from bench.tables import table, verdict

FEW, MANY = 1_000, 10_000
ROUNDS = 5


def measure(kind: str, folder: Path) -> None:
    with fresh_database(kind, folder) as url:
        variables = environment(url)
        run([PYTHON, "manage.py", "migrate", "--verbosity", "0"], variables)
        times = {count: _seconds(count, variables) for count in (FEW, MANY)}
    few, many = (statistics.median(times[count]) for count in (FEW, MANY))
    print(table([["10,000 subscribers ÷ 1,000", "time to save"], ["", f"{many / few:.2f}"]]))
    print(verdict("time for ten times the subscribers", many / few, at_most=12))
    print(verdict("seconds to queue 10,000", many, at_most=5))


def _seconds(count: int, variables: dict[str, str]) -> list[float]:
    printed = run([PYTHON, "-m", "bench.notices_rows", str(count), str(ROUNDS)], variables)
    return [float(line) for line in printed.split()]
