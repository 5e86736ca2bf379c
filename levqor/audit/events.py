from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from levqor.audit.models import record
from levqor.lib.actors import Actor
from levqor.lib.events import on


@on("row.moved")
def record_the_move(*, row: models.Model, field: str, old: str, new: str, by: Actor, at: datetime, reason: str) -> None:
    record(f"{field}.{new}", row, by=by, at=at, reason=reason, changes={field: [old, new]})


@on("rows.exported")
def record_the_export(*, model: str, filters: list[str], by: Actor) -> None:
    """About the person, since the rows that left may be thousands."""
    person = get_user_model().objects.get(pk=by.user_id or 0)
    record("exported", person, by=by, at=timezone.now(), changes={"list": model, "filters": filters})
