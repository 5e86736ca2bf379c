"""What make calls: the set-up and the start on a laptop, pictures, measurements."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CannotStartError(Exception):
    """Said to whoever typed `make run`, in one line."""
