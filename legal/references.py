"""The reference of an acceptance: `ACC-7K3Q-9XMP-2WHT-5RBD-K`.

It may be checked by anybody at /legal/verify, so it is drawn at random and not counted: 16 characters of 32 are 80 bits.
The check letter is that of all other references (levqor/guard/references.py).
"""

import re
import secrets

from levqor.guard.references import check_letter

# Crockford's Base32: no I, L, O or U, which are taken for 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "ACC"
SHAPE = re.compile(rf"{PREFIX}([{ALPHABET}]{{16}})([A-Z])")
SEPARATORS = re.compile(r"[\s\-‐-―−._/#]+")


def new_reference() -> str:
    return _written("".join(secrets.choice(ALPHABET) for _ in range(16)))


def parse_reference(text: str) -> str | None:
    """The reference in its one right form, however it was typed; None where it is none."""
    found = SHAPE.fullmatch(SEPARATORS.sub("", text).upper())
    if found is None:
        return None
    reference = _written(found[1])
    return reference if reference.endswith(found[2]) else None


def _written(characters: str) -> str:
    groups = [characters[start : start + 4] for start in range(0, 16, 4)]
    return "-".join([PREFIX, *groups, check_letter(PREFIX + characters)])
