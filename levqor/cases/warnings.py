"""Warning whoever has a case before its day: once at half, at four fifths and at the end of its business time."""

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from levqor.cases.models import Deadline
from levqor.cases.tracking import desk_url
from levqor.lib.business_time import is_open
from levqor.mail.outbox import about, send

logger = structlog.get_logger(__name__)

LEVELS: Final = (100, 80, 50)
# The purpose of a promise that the complaints mailbox looks after.
COMPLAINT: Final = "complaint"


def warn_of_deadlines(*, at: datetime) -> int:
    """Mails the warnings that are due and returns how many; none outside of business hours: nobody would act on them."""
    if not is_open(at):
        return 0
    running = Deadline.objects.running().filter(warned_percent__lt=max(LEVELS))
    warned = 0
    for deadline in running.select_related("case__owner").prefetch_related("pauses").order_by("due_at"):
        try:
            warned += _warn(deadline, at=at)
        except Exception:  # one broken case must not keep the others' owners in the dark
            logger.exception("deadline_warning_crashed", deadline=deadline.pk)
    return warned


def _warn(deadline: Deadline, *, at: datetime) -> bool:
    passed = deadline.share_passed(at=at) * 100
    level = next((level for level in LEVELS if passed >= level), 0)
    if level <= deadline.warned_percent:
        return False
    with transaction.atomic():
        unwarned = Deadline.objects.running().filter(pk=deadline.pk, warned_percent=deadline.warned_percent)
        if not unwarned.update(warned_percent=level):
            return False
        for to in _recipients(deadline, level):
            case = deadline.case
            context = {
                "reference": case.reference,
                "name": case.full_name,
                "owner": case.owner,
                "due_at": deadline.due_at,
                "is_late": level == 100,
                "admin_url": desk_url(case),
            }
            key = f"deadline:{deadline.pk}:{level}:{to}"
            send("cases/deadline", to, context, key=key, at=at, about=about(case))
    return True


def _recipients(deadline: Deadline, level: int) -> list[str]:
    """First the owner; from four fifths on, and where nobody has the case, the team as well."""
    owner = deadline.case.owner
    mailbox = settings.COMPLAINTS_EMAIL if deadline.purpose == COMPLAINT else settings.SUPPORT_EMAIL
    team = [mailbox] if level >= 80 or owner is None else []
    return ([owner.email] if owner else []) + team
