"""Which cases of a long test a proof runs, and which wait for `make soak`."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def soak_all_but(kept: Iterable[int], values: Sequence[Any]) -> list[Any]:
    """The parameters of a test: those at the places `kept` run in every proof, the others in `make soak` alone.

    A tuple has a value for each name; one that is a single value itself is wrapped in another.
    """
    places = set(kept)
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)), marks=[] if place in places else pytest.mark.soak
        )
        for place, value in enumerate(values)
    ]
