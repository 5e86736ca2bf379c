"""Which cases of a long test a proof runs, and which wait for `make soak`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def soak_all_but(kept: Iterable[int], values: Sequence[Any]) -> list[Any]:
    """The parameters of a test: those at the places `kept` run in every proof, the others in `make soak` alone."""
    places = set(kept)
    return [
        value if place in places else pytest.param(*_parts(value), marks=pytest.mark.soak)
        for place, value in enumerate(values)
    ]


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
