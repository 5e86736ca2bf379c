"""What the back office shows of every case: its history in words, its deadline with a colour, and who else looks at it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from levqor.accounts.models import User
from levqor.audit.models import AuditEntry
from levqor.cases.models import Case, CaseMessage, CaseViewer, Deadline, Side
from levqor.guard.references import parse_reference
from levqor.lib.admin import badge
from levqor.lib.desk import SHOWN, Entry, Figure, Part, Search, register
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import about

# What a message or a mail shows already.
TOLD_ELSEWHERE: Final = frozenset({"customer.wrote", "replied", "noted"})
LOOKING: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class Moment:
    """One line of the timeline. `kind` is deed, customer, staff, note or mail."""

    at: datetime
    title: str
    quote: str = ""
    kind: str = "deed"
    url: str = ""
    files: tuple[tuple[str, int], ...] = ()


def open_figures(rows: models.QuerySet[Any], url: str, what: str, **more: Q) -> list[Figure]:
    """How many of the open claims or disputes there are, wait for an owner and are late; and a count for each of `more`,
    which is also the state that the list filters by."""
    late = Q(
        case__deadlines__ended_at=None, case__deadlines__waiting_since=None, case__deadlines__due_at__lt=timezone.now()
    )
    wanted = {"unowned": Q(case__owner=None), "late": late} | more
    counts = rows.aggregate(all=Count("pk"), **{name: Count("pk", filter=q) for name, q in wanted.items()})
    return [
        Figure(counts["all"], what, url),
        Figure(counts["unowned"], "unassigned", f"{url}?owner=nobody"),
        Figure(counts["late"], "overdue", f"{url}?state=overdue", is_bad=counts["late"] > 0),
        *(Figure(counts[name], "to approve", f"{url}?state={name}") for name in more),
    ]


def found_cases[R: models.Model](rows: models.QuerySet[R], search: Search) -> list[R]:
    """The newest claims or disputes of the accounts that fit, or with this reference or sender; one more than is shown."""
    fits = (
        Q(case__account__in=search.account_ids)
        | Q(case__reference=parse_reference(search.words))
        | Q(case__email=search.words.lower())
    )
    return list(rows.filter(fits).select_related("case").order_by("-pk")[: SHOWN + 1])


def timeline(case: Case, rows: Iterable[models.Model], words: dict[str, str]) -> list[Moment]:
    """Everything about the case and the `rows` that belong to it, oldest first; `words` say the audit trail's verbs."""
    # Of what happened in one moment the deed comes first, then what was said, then the mail about it.
    parts = [*_deeds(case, rows, words), *_messages(case), *_mails(case)]
    return sorted(parts, key=lambda moment: moment.at)


def _messages(case: Case) -> Iterator[Moment]:
    for message in CaseMessage.objects.filter(case=case).select_related("author").prefetch_related("files"):
        kind = "customer" if message.side == Side.CUSTOMER else "staff" if message.is_public else "note"
        titles = {
            "customer": "The customer wrote",
            "staff": f"{message.author} answered",
            "note": f"Note by {message.author}",
        }
        files = tuple((file.name, file.pk) for file in message.files.all())
        yield Moment(message.written_at, titles[kind], message.body, kind, files=files)


def _mails(case: Case) -> Iterator[Moment]:
    for mail in OutgoingMail.objects.filter(about=about(case)).defer("text_body", "html_body"):
        state = "" if mail.sent_at else f" – {mail.get_status_display().lower()}"
        url = reverse("admin:mail_outgoingmail_change", args=[mail.pk])
        yield Moment(mail.created_at, f"Mail to {mail.to_email}: {mail.subject}{state}", kind="mail", url=url)


def _deeds(case: Case, rows: Iterable[models.Model], words: dict[str, str]) -> Iterator[Moment]:
    for entry in trail_of(case, rows).select_related("actor", "note").order_by("pk"):
        if entry.verb in TOLD_ELSEWHERE:
            continue
        key = f"{entry.object_type.rpartition('.')[2]}:{entry.verb}"
        title = words.get(key) or words.get(entry.verb) or entry.verb.replace("_", " ").replace(".", " ").capitalize()
        yield Moment(entry.at, f"{title}, by {entry.who}", entry.reason)


def trail_of(case: Case, rows: Iterable[models.Model]) -> models.QuerySet[AuditEntry]:
    wanted = Q(pk__in=[])
    for row in [case, *rows]:
        wanted |= Q(object_type=row._meta.label_lower, object_id=str(row.pk))
    return AuditEntry.objects.filter(wanted)


def deadline_badge(deadline: Deadline | None, *, at: datetime) -> SafeString | str:
    """The day, in the colour of how much of its business time has passed: half, four fifths, all."""
    if deadline is None:
        return "–"
    if deadline.waiting_since:
        return badge(f"Waits since {timezone.localtime(deadline.waiting_since):%-d %b}", "plain")
    day = f"{timezone.localtime(deadline.due_at):%a %-d %b}"
    share = deadline.share_passed(at=at)
    if at > deadline.due_at:
        return badge(f"Late: {day}", "bad")
    return badge(day, "warn" if share >= 0.8 else "wait" if share >= 0.5 else "good")


def look_at(case: Case, user_id: int, *, at: datetime) -> list[User]:
    """Notes that the person looks at the case, and says who else did within two minutes."""
    CaseViewer.objects.update_or_create(case=case, user_id=user_id, defaults={"seen_at": at})
    others = CaseViewer.objects.filter(case=case, seen_at__gt=at - LOOKING).exclude(user=user_id)
    return [viewer.user for viewer in others.select_related("user").order_by("seen_at")]


def least_loaded(users: Iterable[User]) -> User | None:
    """Whoever of them has the fewest open cases; None where there is nobody."""
    load = {user: Case.objects.unsettled().owned_by(user.pk).count() for user in users}
    return min(load, key=lambda user: (load[user], user.pk), default=None)


register(
    Part(
        "cases",
        menu=(Entry("Cases", "Canned replies", "cases_cannedreply", "quickreply"),),
        roles={"Support": ["view_*", "add_cannedreply", "change_cannedreply"], "Finance": ["view_*"]},
    )
)
