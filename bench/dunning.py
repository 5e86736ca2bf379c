"""A dunning pass with 500 steps due, among 500 open cases and among 50,000: what waits must cost nothing.

Two databases and two processes, which make their passes at the same time: what else the machine does lasts longer than
one pass and so strikes both. After each pair of passes their effects are taken back.
"""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.databases import fresh_database
from bench.tables import spread, table, verdict
from bench.told_process import ToldProcess, dunning_process, migrate

DUE, FEW, MANY = 500, 500, 50_000
ROUNDS = 3

type Pair = tuple[dict[str, Any], dict[str, Any]]


def measure(kind: str, folder: Path) -> None:
    """Makes the passes on one kind of database and prints the table, and the goals."""
    with ExitStack() as stack:
        few, many = (stack.enter_context(_business(kind, folder, cases)) for cases in (FEW, MANY))
        # The first pass of each reads modules and templates; it is not counted, but its memory is.
        pairs = [_pair_of_passes(few, many) for _ in range(1 + ROUNDS)]
    _report(pairs[1:])


@contextmanager
def _business(kind: str, folder: Path, cases: int) -> Iterator[ToldProcess]:
    """A process on a database of its own with so many open cases. Another one made them, and took its memory along."""
    with fresh_database(kind, folder) as url:
        migrate(url)
        with dunning_process(url, folder) as maker:
            maker.tell(f"make {cases} {DUE}")
        with dunning_process(url, folder) as process:
            yield process


def _pair_of_passes(few: ToldProcess, many: ToldProcess) -> Pair:
    for process in (few, many):
        process.tell("again")
    for process in (few, many):
        process.begin("pass")
    done = few.result(), many.result()
    if any(one["sent"] != DUE for one in done):
        raise RuntimeError(f"Passes sent {[one['sent'] for one in done]} instead of {DUE} steps each.")
    return done


def _report(pairs: list[Pair]) -> None:
    times, computing = ([many[name] / few[name] for few, many in pairs] for name in ("seconds", "computing"))
    few, many = pairs[-1]
    growth = many["peak"] / few["peak"]
    heads = ["50,000 open ÷ 500 open", "time per due step", "of it computing", "peak of memory"]
    print(table([heads, ["", spread(times), spread(computing), f"{growth:.2f}"]]))
    print(verdict("time per due step", statistics.median(times), at_most=1.2))
    print(verdict("peak of memory", growth, at_most=1.1))
