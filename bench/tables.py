"""Plain tables, and whether a goal is met."""

import statistics
from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> str:
    """The rows in columns, the first row as their heads: the first column to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(_aligned(cell, width, at) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _aligned(cell: str, width: int, at: int) -> str:
    return cell.rjust(width) if at else cell.ljust(width)


def spread(values: Sequence[float]) -> str:
    """The median, and the middle half of the values in brackets: how much the single rounds differed."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def verdict(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    exactly: float | None = None,
) -> str:
    """One line that says the goal, the measured value, and whether it is met."""
    goals = [
        ("at least", at_least, at_least is None or value >= at_least),
        ("at most", at_most, at_most is None or value <= at_most),
        ("exactly", exactly, exactly is None or value == exactly),
    ]
    is_met = all(holds for _, _, holds in goals)
    bounds = ", ".join(f"{word} {bound:g}" for word, bound, _ in goals if bound is not None)
    return f"  {'met    ' if is_met else 'NOT MET'}  {name}: {value:.2f} (goal: {bounds})"
