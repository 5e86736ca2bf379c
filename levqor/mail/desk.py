"""What mail brings to the back office: every mail as it was sent, and the addresses that are dead."""

from collections.abc import Iterable

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from levqor.lib.desk import SHOWN, Entry, Figure, Figures, Finder, Hit, Part, Search, age_in_words, register
from levqor.mail.models import MailStatus, OutgoingMail
from levqor.mail.rendering import one_line


def _mail() -> list[Figure]:
    url = reverse("admin:mail_outgoingmail_changelist")
    # Tried, and surely refused each time: our key, quota or domain. A rate limit passes by itself within seconds.
    held = Q(status=MailStatus.PENDING, attempts__gt=0, first_attempt_at=None) & ~Q(error__contains="rate_limit")
    counts = OutgoingMail.objects.exclude(status__in=[MailStatus.SENT, MailStatus.CANCELLED]).aggregate(
        waiting=Count("pk", filter=Q(status__in=[MailStatus.PENDING, MailStatus.SENDING])),
        failed=Count("pk", filter=Q(status__in=[MailStatus.FAILED, MailStatus.UNKNOWN])),
        oldest=Min("created_at", filter=Q(status__in=[MailStatus.PENDING, MailStatus.SENDING])),
        held=Count("pk", filter=held),
        why=Min("error", filter=held),
    )
    waiting = f"{url}?status__in={MailStatus.PENDING},{MailStatus.SENDING}"
    failed = f"{url}?status__in={MailStatus.FAILED},{MailStatus.UNKNOWN}"
    stuck = [
        Figure(counts["held"], "wait for our mail account", waiting, one_line(counts["why"] or "", 120), is_bad=True)
    ]
    return [
        Figure(counts["waiting"], "waiting", waiting, age_in_words(counts["oldest"])),
        Figure(counts["failed"], "refused or unknown", failed, is_bad=counts["failed"] > 0),
        *(stuck if counts["held"] else []),
    ]


def _find(search: Search) -> Iterable[Hit]:
    words = search.words
    fits = Q(to_email__iexact=words) if "@" in words else Q(provider_id=words)
    mails = OutgoingMail.objects.filter(fits).defer("text_body", "html_body").order_by("-created_at")
    for mail in mails[: SHOWN + 1]:
        written = f"{timezone.localtime(mail.created_at):%-d %b %Y, %H:%M}"
        detail = f"to {mail.to_email}, {mail.get_status_display().lower()}, written {written}"
        yield Hit(mail.subject, detail, reverse("admin:mail_outgoingmail_change", args=[mail.pk]))


register(
    Part(
        "mail",
        menu=(
            Entry("System", "Mail", "mail_outgoingmail", "mail"),
            Entry("System", "Dead addresses", "mail_suppression", "unsubscribe"),
        ),
        figures=(Figures("Mail", "mail.view_outgoingmail", _mail),),
        finders=(Finder("Mail", "mail.view_outgoingmail", _find),),
        roles={
            "Support": ["view_*", "delete_suppression"],
            "Finance": ["view_*"],
            "Engineering": ["view_*"],
        },
    )
)
