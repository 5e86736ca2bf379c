"""Which keys there are, the same for every side: a new one each round, so that none reaches its quota."""

import zlib
from typing import Final

WINDOW: Final = 5_000
FULL: Final = range(100)
EMPTY: Final = range(100, 200)
MANY: Final = range(200, 400)
KEYS: Final = 400
BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def is_full(number: int) -> bool:
    """Whether this key has used 5,000 calls of its window before anything is measured."""
    return number in FULL


def secret_of(number: int) -> str:
    """A key of Levqor's form, checksum and all. Written out here: not every side can import Levqor."""
    beginning = f"lvq_test_{number:032d}"
    left, digits = zlib.crc32(beginning.encode()), ""
    for _ in range(6):
        left, digit = divmod(left, 62)
        digits = BASE62[digit] + digits
    return beginning + digits
