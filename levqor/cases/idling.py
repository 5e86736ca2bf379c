"""Cases that nobody moves, within business hours: a customer who does not answer is reminded once, then we go on with what
we have; a case whose owner does nothing for a business day goes back to the queue, where somebody else finds it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import structlog
from django.db import models, transaction
from django.db.models import Max, QuerySet

from levqor.cases.desk import trail_of
from levqor.cases.models import Case, Deadline
from levqor.cases.tracking import desk_url
from levqor.lib.actors import SYSTEM
from levqor.lib.business_time import DAY_SECONDS, business_seconds, closing, is_open
from levqor.lib.states import StaleStateError
from levqor.mail.outbox import about, send

logger = structlog.get_logger(__name__)

WHY: Final = "Nothing was done about it for a business day."


def wait_no_longer_than_said(
    deadlines: QuerySet[Deadline],
    remind: Callable[[Deadline], object],
    go_on: Callable[[Deadline], object],
    *,
    at: datetime,
) -> None:
    """For those of the deadlines that wait for the customer: the reminder when it is due, and going on without an answer.

    Both must do the same thing once, however often they are called.
    """
    if not is_open(at):
        return
    waiting = deadlines.filter(ended_at__isnull=True, waiting_since__isnull=False)
    for deadline in waiting.select_related("case__owner").order_by("pk"):
        try:
            if deadline.answer_date is not None and at >= closing(deadline.answer_date):
                go_on(deadline)
            elif deadline.remind_at is not None and at >= deadline.remind_at:
                remind(deadline)
        except StaleStateError:
            continue  # the customer wrote, or somebody decided, in this very moment
        except Exception:  # one broken case must not leave the others waiting
            logger.exception("waiting_case_crashed", case=deadline.case_id)


def return_idle(cases: QuerySet[Case], rows_of: Callable[[Case], Iterable[models.Model]], *, at: datetime) -> int:
    """Takes those of the cases from their owners on which nothing happened, and returns how many; within business hours.

    `rows_of` gives whatever else the history of a case is about. Where we wait for the customer nobody is idle.
    """
    if not is_open(at):
        return 0
    running = cases.filter(
        owner__isnull=False, closed_at__isnull=True, deadlines__ended_at=None, deadlines__waiting_since=None
    )
    returned = 0
    for case in running.select_related("owner").order_by("pk"):
        try:
            returned += _return_if_idle(case, rows_of(case), at=at)
        except StaleStateError:
            continue  # somebody did something in this very moment
        except Exception:  # one broken case must not keep the others where nobody works on them
            logger.exception("idle_case_not_returned", case=case.pk)
    return returned


def _return_if_idle(case: Case, rows: Iterable[models.Model], *, at: datetime) -> bool:
    last = trail_of(case, rows).aggregate(last=Max("at"))["last"] or case.submitted_at
    if business_seconds(max(last, case.owned_since or last), at) < DAY_SECONDS:
        return False
    owner, since = case.owner, case.owned_since
    with transaction.atomic():
        case.assign(None, by=SYSTEM, at=at, reason=WHY)
        if owner and since:
            context = {"reference": case.reference, "name": case.full_name, "admin_url": desk_url(case)}
            key = f"case:{case.pk}:returned:{since.isoformat()}"
            send("cases/returned", owner.email, context, key=key, at=at, about=about(case))
    return True
