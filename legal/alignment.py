"""Aligning two sequences: the shortest way from one to the other (Myers 1986), within a bound of work.

The two directions are mirror images, and the work grows with what differs and not with the length: a page of frequent words
of which few were changed is exact and quick, while two texts that have nothing in common are given up before they cost.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# About half a second of one processor for a whole comparison.
STEPS: Final = 600_000

type Match = tuple[int, int]


@dataclass
class Budget:
    """What may still be spent; `is_spent` tells that something was compared more coarsely for want of it."""

    steps: int = STEPS
    is_spent: bool = False

    def take(self, steps: int) -> bool:
        self.steps -= steps
        self.is_spent = self.is_spent or self.steps < 0
        return self.steps >= 0


def matches[T: Hashable](old: Sequence[T], new: Sequence[T], budget: Budget) -> list[Match] | None:
    """The pairs of places that hold the same, in order; None where the budget does not reach."""
    numbers: dict[T, int] = {}
    first, second = ([numbers.setdefault(one, len(numbers)) for one in row] for row in (old, new))
    head = shared(first, second)
    tail = shared(first[head:][::-1], second[head:][::-1])
    middle = _canonical(first[head : len(first) - tail], second[head : len(second) - tail], list(numbers), budget)
    if middle is None:
        return None
    ends = ((len(first) - back, len(second) - back) for back in range(tail, 0, -1))
    return [*((n, n) for n in range(head)), *((a + head, b + head) for a, b in middle), *ends]


def shared[T](first: Sequence[T], second: Sequence[T]) -> int:
    """How many places both begin with alike."""
    return next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _canonical(first: list[int], second: list[int], words: list[Hashable], budget: Budget) -> list[Match] | None:
    """Always found in the same direction, whichever was asked for."""
    if (len(first), [str(words[n]) for n in first]) <= (len(second), [str(words[n]) for n in second]):
        return _shortest(first, second, budget)
    found = _shortest(second, first, budget)
    return None if found is None else [(b, a) for a, b in found]


def _shortest(old: list[int], new: list[int], budget: Budget) -> list[Match] | None:
    """Myers' greedy way: the furthest point on each diagonal after each number of changes."""
    if not old or not new:
        return []
    furthest, trail = {1: 0}, list[dict[int, int]]()
    for changes in range(len(old) + len(new) + 1):
        if not budget.take(changes + 1):
            return None
        trail.append(furthest.copy())
        for diagonal in range(-changes, changes + 1, 2):
            is_down = diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])
            x = furthest[diagonal + 1] if is_down else furthest[diagonal - 1] + 1
            y = x - diagonal
            begin = x
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            budget.steps -= x - begin
            if x >= len(old) and y >= len(new):
                return list(_walked_back(trail, len(old), len(new)))[::-1]
    raise AssertionError("Whatever differs is reached by removing all and adding all.")


def _walked_back(trail: list[dict[int, int]], x: int, y: int) -> Iterator[Match]:
    for changes in range(len(trail) - 1, -1, -1):
        furthest, diagonal = trail[changes], x - y
        is_down = diagonal == -changes or (diagonal != changes and furthest[diagonal - 1] < furthest[diagonal + 1])
        from_diagonal = diagonal + 1 if is_down else diagonal - 1
        from_x = furthest[from_diagonal] if changes else 0
        from_y = from_x - from_diagonal if changes else 0
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            yield x, y
        x, y = from_x, from_y
