"""The back office's lists with 1,000 failed payments behind them and with 100,000: what nobody looks at must cost nothing.

Two databases and two processes, which render the same page in turn, so that what else the machine does strikes both alike.
Each case comes with an event in the Stripe inbox and a mail in the log.
"""

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.databases import fresh_database
from bench.tables import table, verdict
from bench.told_process import ToldProcess, migrate, told_process

# BENCH_CASES=1000000 for the long form.
FEW, MANY = 1_000, int(os.environ.get("BENCH_CASES", "100000"))
ROUNDS = 5
QUEUE, INBOX, MAIL = "/admin/billing/paymentfailure/", "/admin/billing/stripeevent/", "/admin/mail/outgoingmail/"
PAGES = {
    "still owed": QUEUE,
    "next page": f"{QUEUE}?p=2",
    "tenth page": f"{QUEUE}?p=10",
    "all": f"{QUEUE}?status=all",
    "recovered": f"{QUEUE}?status=recovered",
    "all steps done": f"{QUEUE}?status=exhausted",
    "due today": f"{QUEUE}?due=today",
    "due within 7 days": f"{QUEUE}?due=week",
    "held": f"{QUEUE}?held=yes",
    "not held": f"{QUEUE}?held=no",
    "waits for a person": f"{QUEUE}?flag=any",
    "bounced": f"{QUEUE}?flag=bounced",
    "paused": f"{QUEUE}?paused=yes",
    "suspended": f"{QUEUE}?standing=suspended",
    "past due": f"{QUEUE}?standing=past_due",
    "amount": f"{QUEUE}?amount_from=100&amount_to=200",
    "currency": f"{QUEUE}?currency=jpy",
    "plan": f"{QUEUE}?plan=Growth",
    "several filters": f"{QUEUE}?plan=Growth&amount_from=200&status=recovered",
    **{f"by {name}": f"{QUEUE}?o={at}" for at, name in {1: "invoice", 2: "customer", 3: "amount", 6: "next step"}.items()},
    "by amount, falling": f"{QUEUE}?o=-3",
    "newest first": f"{QUEUE}?o=-8",
    "all by next step": f"{QUEUE}?status=all&o=6",
    "invoice number": f"{QUEUE}?q=LVQ-0000777",
    "e-mail": f"{QUEUE}?q=customer-777@example.com",
    "invoice id": f"{QUEUE}?q=in_0000777",
    "customer id": f"{QUEUE}?q=cus_0000777",
    "part of a name": f"{QUEUE}?q=Imports+777+Ltd",
    "nobody's name": f"{QUEUE}?q=nobody",
    "Stripe inbox": INBOX,
    "failed events": f"{INBOX}?status__exact=failed",
    "waiting events": f"{INBOX}?status__in=stored,processing",
    "events of a type": f"{INBOX}?type=invoice.payment_failed",
    "event by id": f"{INBOX}?q=evt_0000777",
    "events by request": f"{INBOX}?q=req-0000777",
    "mail log": MAIL,
    "refused mails": f"{MAIL}?status__exact=failed",
    "mails of a kind": f"{MAIL}?name=billing/first_notice",
    "mails by address": f"{MAIL}?q=customer-777@example.com",
    "mails by subject": f"{MAIL}?q=LVQ-0000777",
}  # fmt: skip
EXPORT = f"{QUEUE}export/"


def measure(kind: str, folder: Path) -> None:
    """Renders each page in turn on one kind of database and prints how the times compare, and the goals."""
    with ExitStack() as stack:
        few, many = (stack.enter_context(_business(kind, folder, cases)) for cases in (FEW, MANY))
        pages = {name: _in_turn(few, many, f"page {address}") for name, address in PAGES.items()}
        export = _in_turn(few, many, f"export {EXPORT}", rounds=3)
    _report(kind, pages, export)


@contextmanager
def _business(kind: str, folder: Path, cases: int) -> Iterator[ToldProcess]:
    with fresh_database(kind, folder) as url:
        migrate(url)
        with told_process("bench.queue_child", url) as process:
            process.tell(f"make {cases}")
            process.tell("enter")
            yield process


def _in_turn(few: ToldProcess, many: ToldProcess, command: str, rounds: int = ROUNDS) -> list[tuple[Any, Any]]:
    """The answers of both, round by round; the first one reads templates and fills caches, and is not counted."""
    return [(few.tell(command), many.tell(command)) for _ in range(1 + rounds)][1:]


def _report(kind: str, pages: dict[str, list[tuple[Any, Any]]], export: list[tuple[Any, Any]]) -> None:
    growth = {name: _growth(rounds, "seconds") for name, rounds in pages.items()}
    seconds = {name: statistics.median(many["seconds"] for _, many in rounds) for name, rounds in pages.items()}
    rows = [[name, f"{growth[name]:.2f}", f"{1000 * seconds[name]:.0f} ms"] for name in pages]
    print(table([[f"{MANY:,} cases ÷ {FEW:,}", "time", "one page"], *rows]))
    worst, slowest = max(growth, key=lambda name: growth[name]), max(seconds, key=lambda name: seconds[name])
    # On SQLite, which is for a laptop, the figures are shown and no more is promised of them.
    if kind == "PostgreSQL":
        print(verdict(f"growth of the worst page, {worst}", growth[worst], at_most=1.5))
        print(verdict(f"seconds of the slowest page, {slowest}", seconds[slowest], at_most=0.4))
        print(verdict("growth of the export's first line", _growth(export, "seconds"), at_most=1.5))
        print(verdict("growth of the export's further lines, each", _growth(export, "each"), at_most=1.5))


def _growth(rounds: list[tuple[Any, Any]], figure: str) -> float:
    """How many times as much the many cost, by the middle of all rounds."""
    return statistics.median(many[figure] for _, many in rounds) / statistics.median(few[figure] for few, _ in rounds)
