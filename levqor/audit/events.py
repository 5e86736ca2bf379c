from datetime import datetime

from django.db import models

from levqor.audit.models import record
from levqor.lib.actors import Actor
from levqor.lib.events import on


@on("row.moved")
def record_the_move(*, row: models.Model, field: str, old: str, new: str, by: Actor, at: datetime, reason: str) -> None:
    record(f"{field}.{new}", row, by=by, at=at, reason=reason, changes={field: [old, new]})
