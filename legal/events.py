from datetime import date, datetime
from typing import Any

from legal.drafting import follow_facts
from levqor.lib.events import on


@on("promises.changed")
def draft_what_names_them(*, by: Any, at: datetime, valid_from: date | None, notes: list[str]) -> None:
    """A plan or the SLA terms changed; `notes` takes what the person who changed them should be told."""
    drafts = follow_facts(by=by, at=at, on=valid_from)
    if drafts:
        names = ", ".join(str(draft.document) for draft in drafts)
        notes.append(f"New versions wait to be published of: {names}.")
