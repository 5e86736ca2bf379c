"""What mails about cases share: to whom they may go by themselves, and what each of them names."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from levqor.cases.models import Case, Deadline
from levqor.cases.tracking import tracking_url
from levqor.mail.models import OutgoingMail, Suppression
from levqor.mail.outbox import Attachment, about, send

# Who answers such a mail is a program, or we ourselves: an acknowledgement to it may come back for ever.
ROBOTS: Final = re.compile(
    r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|auto-?reply|autoresponder|bounces?)([+\-._].*)?@.*",
    re.IGNORECASE,
)
# As FreeScout guards its auto-replies: so many to one address within three hours, and no more.
LOOP_WINDOW: Final = timedelta(minutes=180)
LOOP_LIMIT: Final = 10
AUTO_HEADERS: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def to_customer(
    name: str,
    case: Case,
    context: dict[str, Any],
    *,
    key: str,
    at: datetime,
    is_automatic: bool = False,
    attachments: Sequence[Attachment] = (),
) -> OutgoingMail | None:
    """Mails the customer about their case. None where there is no address, and where a mail that goes by itself could
    start a loop; what a person of the staff wrote or decided goes all the same."""
    if not case.email or (is_automatic and not may_acknowledge(case.email, at=at)):
        return None
    return send(
        name,
        case.email,
        context,
        key=key,
        at=at,
        about=about(case),
        account_id=case.account_id,
        acting_links=[tracking_url(case)],
        headers=AUTO_HEADERS if is_automatic else None,
        attachments=attachments,
    )


def may_acknowledge(email: str, *, at: datetime) -> bool:
    """False where a mail that nobody asked for could start a loop, or reaches nobody."""
    if not email or ROBOTS.fullmatch(email) or email.lower() in _own_addresses():
        return False
    if Suppression.objects.among([email]):
        return False
    recent = OutgoingMail.objects.filter(
        to_email__iexact=email, about__startswith="cases.case:", created_at__gt=at - LOOP_WINDOW
    )
    return recent.count() < LOOP_LIMIT


def _own_addresses() -> set[str]:
    sender = re.sub(r".*<|>.*", "", settings.FROM_EMAIL)
    return {address.lower() for address in (settings.SUPPORT_EMAIL, settings.COMPLAINTS_EMAIL, sender)}


def context_of(case: Case) -> dict[str, Any]:
    """What every mail to a customer about a case names."""
    deadline = Deadline.objects.current_of(case)
    return {
        "reference": case.reference,
        "name": case.full_name,
        "tracking_url": tracking_url(case),
        "earliest": deadline.earliest_date if deadline else None,
        "latest": deadline.due_date if deadline else None,
        "answer_by": deadline.answer_date if deadline else None,
    }
