"""Reference numbers that people read out on the telephone: `SLA-2026-000123-K`.

Series, year, number, and a check letter. Numbers count up from 1 in each series and calendar year (London time), one
UPDATE at a time; a rolled-back case gives its number back with it.

The check letter. Every character before it counts with its place: letters A to Z as 0 to 25, digits as 0 to 9, each
times a power of two that grows from right to left, summed modulo 23, which picks one of 23 letters (I, O and U are left
out, being taken for digits or each other). Neighbours have different weights and no weight is 0 modulo 23, so a single
wrong digit and two swapped neighbours always change the letter; a wrong or swapped letter of the series makes a series
that does not exist (a test holds every series to that).
"""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection, models

CHECK_LETTERS: Final = "ABCDEFGHJKLMNPQRSTVWXYZ"
MODULUS: Final = len(CHECK_LETTERS)
LONDON: Final = ZoneInfo("Europe/London")

# Blanks, dashes of any kind, and what people put in their place.
SEPARATORS = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212._/#]+")
SHAPE = re.compile(r"([A-Z]{3})([0-9]{4})([0-9]{6}|[1-9][0-9]{6,8})([A-Z])")

NEXT_NUMBER = """
    INSERT INTO guard_referencecounter (series, year, last_number) VALUES (%s, %s, 1)
    ON CONFLICT (series, year) DO UPDATE SET last_number = guard_referencecounter.last_number + 1
    RETURNING last_number
"""


class Series(models.TextChoices):
    """Two series differ in at least two letters that are not swapped neighbours."""

    SLA_CLAIM = "SLA", "SLA claim"
    DISPUTE = "DSP", "Dispute"


def next_reference(series: Series, *, at: datetime) -> str:
    """A new reference of the series, in the caller's transaction; two callers never get the same one."""
    year = at.astimezone(LONDON).year
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [series.value, year])
        ((number,),) = cursor.fetchall()
    return _written(series.value, f"{year:04d}", f"{number:06d}")


def parse_reference(text: str) -> str | None:
    """The reference in its one right form, however it was typed: case, blanks and dashes do not matter. None: no such."""
    match = SHAPE.fullmatch(SEPARATORS.sub("", text).upper())
    if match is None or match[1] not in Series:
        return None
    reference = _written(match[1], match[2], match[3])
    return reference if reference.endswith(match[4]) else None


def _written(series: str, year: str, number: str) -> str:
    return f"{series}-{year}-{number}-{check_letter(series + year + number)}"


def check_letter(characters: str) -> str:
    """The letter that follows these letters and digits."""
    total = 0
    for character in characters:
        total = (total * 2 + _value(character) * 2) % MODULUS
    return CHECK_LETTERS[total]


def _value(character: str) -> int:
    return int(character) if character.isdigit() else ord(character) - ord("A")
