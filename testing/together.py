"""Calls that begin at the same moment, for the tests of races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def together[T](count: int, work: Callable[[int], T]) -> list[T]:
    """The results of `count` calls that start at the same moment, each in a thread with a connection of its own."""
    start = Barrier(count)

    def alone(number: int) -> T:
        start.wait(20)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(alone, range(count)))
