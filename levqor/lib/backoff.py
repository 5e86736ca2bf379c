"""How long to wait before an attempt is made again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final


def pauses(*seconds: int) -> list[timedelta]:
    return [timedelta(seconds=number) for number in seconds]


# For what waits on somebody else's server: from half a minute to six hours.
PATIENT: Final = pauses(30, 120, 600, 1800, 3600, 10800, 21600)


def pause_after(attempts: int, steps: Sequence[timedelta] = PATIENT) -> timedelta:
    """The pause after so many attempts, counted from 1; the last one goes on for ever."""
    return steps[min(attempts, len(steps)) - 1]
