"""The one place where a status moves.

A model with a status declares its table beneath its choices:

    TRANSITIONS = {Status.OPEN: {Status.RECOVERED, Status.CLOSED}, Status.RECOVERED: set(), ...}

and offers verbs that call `move`. The UPDATE is filtered on the primary key and the old status, so of two people (or
processes) that act on the same old state one is told so; the audit row stands or falls with the move.
"""

from datetime import datetime
from typing import Any

from django.db import models, transaction

from levqor.lib.actors import Actor
from levqor.lib.events import emit


class IllegalMoveError(Exception):
    """The transition table does not allow this move. The text is fit for people."""


class StaleStateError(Exception):
    """Somebody else moved the row since it was read. The text is fit for people."""


def move(
    row: models.Model, to: str, *, by: Actor, at: datetime, reason: str = "", field: str = "status", **changes: Any
) -> None:
    """Moves `row` to the status `to` and writes `changes` with it, in one UPDATE and with one audit row.

    Raises IllegalMoveError where the table forbids it and StaleStateError where the stored status is no longer the
    one that `row` was read with; nothing is written then, and the caller's transaction may go on. Whatever a listener
    raises takes that transaction with it.
    """
    old = getattr(row, field)
    table: dict[str, set[str]] = type(row).TRANSITIONS  # type: ignore[attr-defined]  # every caller declares one
    if to not in table.get(old, set()):
        raise IllegalMoveError(f"{row} is {old} and cannot become {to}.")
    with transaction.atomic(savepoint=False):
        has_moved = type(row)._base_manager.filter(pk=row.pk, **{field: old}).update(**{field: to}, **changes)
        if has_moved and not emit("row.moved", row=row, field=field, old=old, new=to, by=by, at=at, reason=reason):
            raise RuntimeError("No audit trail is listening: a status never moves without one.")
    if not has_moved:
        # Outside of the block: nothing was written, and the caller's transaction may go on.
        raise StaleStateError(f"{row} was changed by somebody else in the meantime; look at it again.")
    for name, value in {field: to, **changes}.items():
        setattr(row, name, value)
