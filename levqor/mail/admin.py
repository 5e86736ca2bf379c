"""Every mail, readable as it was sent."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from levqor.lib.admin import (
    BaseAdmin,
    Column,
    CsvExport,
    ReadOnlyAdmin,
    badge,
    caged_html,
    known_values,
    row_link,
    two_lines,
)
from levqor.mail.models import MailStatus, OutgoingMail, Suppression

TONES = {
    MailStatus.PENDING: "wait",
    MailStatus.SENDING: "wait",
    MailStatus.SENT: "good",
    MailStatus.FAILED: "bad",
    MailStatus.UNKNOWN: "warn",
    MailStatus.CANCELLED: "plain",
}


def _kinds() -> list[tuple[str, str]]:
    """Every mail that has templates: `billing/first_notice` is “Billing: first notice”."""
    folders = (Path(settings.BASE_DIR) / "templates" / "emails").glob("*/*/subject.txt")
    names = [f"{folder.parent.parent.name}/{folder.parent.name}" for folder in folders]
    return [(name, name.replace("/", ": ").replace("_", " ").capitalize()) for name in names]


@admin.register(OutgoingMail)
class OutgoingMailAdmin(CsvExport, ReadOnlyAdmin):
    list_title = "Mail"
    list_help = (
        "Every mail that Levqor wrote, newest first, as it was sent. A refused one never left; one of which nobody knows "
        "whether it left is not tried again by itself. Both are dealt with on the page of the row that they are about."
    )
    empty_title = "No mail yet"
    list_display = ["letter", "state", "kind", "regarding", "written", "fate"]
    list_filter = ["status", known_values("name", "kind", _kinds), "created_at"]
    list_before_template = "admin/mail/list_head.html"
    search_help_text = "Address, subject or provider’s id"
    # Parts of an address or a subject by their three-letter groups (migration 0007); ids whole.
    search_fields = ["to_email", "subject", "provider_id__exact", "about__exact"]
    sortable_by = ["written"]
    ordering = ["-created_at"]
    list_per_page = 50
    csv_columns = [
        Column("Subject", lambda mail: mail.subject),
        Column("To", lambda mail: mail.to_email),
        Column("Status", lambda mail: mail.get_status_display()),
        Column("Sent", lambda mail: mail.sent_at),
        Column("Bounced", lambda mail: mail.bounced_at),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMail]:
        # A list of fifty has no use for fifty letters.
        return OutgoingMail.objects.defer("text_body", "html_body")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"export_query": request.GET.urlencode()} | (extra_context or {})
        return super().changelist_view(request, context)

    @admin.display(description="Mail")
    def letter(self, mail: OutgoingMail) -> SafeString:
        return two_lines(mail.subject, mail.to_email)

    @admin.display(description="Kind")
    def kind(self, mail: OutgoingMail) -> str:
        return kind_of(mail)

    @admin.display(description="About")
    def regarding(self, mail: OutgoingMail) -> SafeString | str:
        label, _, pk = mail.about.partition(":")
        return row_link(label, pk) if pk else "–"

    @admin.display(description="Written", ordering="created_at")
    def written(self, mail: OutgoingMail) -> str:
        return f"{timezone.localtime(mail.created_at):%-d %b %Y, %H:%M}"

    @admin.display(description="Latest news")
    def fate(self, mail: OutgoingMail) -> str:
        name, moment = _events(mail)[-1]
        return f"{name} {timezone.localtime(moment):%-d %b, %H:%M}"

    @admin.display(description="Status")
    def state(self, mail: OutgoingMail) -> SafeString:
        if mail.has_bounced:
            return badge(mail.get_bounce_kind_display() or "Bounced", "bad")
        return badge(mail.get_status_display(), TONES[MailStatus(mail.status)])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.html_view)
        return [path("<uuid:pk>/html/", view, name="mail_outgoingmail_html"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The mail as a letter: head, text and HTML, instead of a form of grey fields."""
        mail = self.get_object(request, object_id)
        if mail is None or not self.has_view_permission(request, mail):
            return super().change_view(request, object_id, form_url, extra_context)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": mail.subject,
            "has_own_heading": True,
            "original": mail,
            "kind": kind_of(mail),
            "regarding": self.regarding(mail),
            "mail": mail,
            "state": self.state(mail),
            "events": _events(mail),
            "attachments": mail.attachments.all(),
            "html_url": reverse("admin:mail_outgoingmail_html", args=[mail.pk]),
        }
        return TemplateResponse(request, "admin/mail/letter.html", context)

    def html_view(self, request: HttpRequest, pk: object) -> HttpResponse:
        mail = get_object_or_404(OutgoingMail, pk=pk)
        # A mail that signs somebody in would let staff in as the customer.
        if mail.is_secret or not self.has_view_permission(request, mail):
            raise Http404
        return caged_html(request, mail.html_for_staff)


def kind_of(mail: OutgoingMail) -> str:
    """The templates' name in words: `billing/first_notice` is a First notice."""
    return mail.name.rpartition("/")[2].replace("_", " ").capitalize()


def _events(mail: OutgoingMail) -> list[tuple[str, datetime]]:
    """What happened to the mail, in the order in which it happens, with the times that are known."""
    rows = [
        ("Written", mail.created_at),
        ("Sent", mail.sent_at),
        ("Delivered", mail.delivered_at),
        ("Opened first", mail.opened_at),
        ("Opened last", mail.last_opened_at),
        ("Link clicked first", mail.clicked_at),
        ("Link clicked last", mail.last_clicked_at),
        ("Bounced", mail.bounced_at),
        ("Called spam", mail.complained_at),
    ]
    known = [(name, moment) for name, moment in rows if moment]
    return sorted(known, key=lambda event: event[1])


@admin.register(Suppression)
class SuppressionAdmin(BaseAdmin):
    """Dead addresses. Taking one off lets mail go there again, when the customer says that it works."""

    list_title = "Dead addresses"
    list_help = (
        "No mail goes to these: they bounced for good, or their owner called our mail spam. Delete a row only when the "
        "customer says that the address works (again); the next mail goes there."
    )
    empty_title = "No dead address"
    empty_text = "Addresses that bounce for good, or whose owners call our mail spam, appear here."
    search_help_text = "Address"

    list_display = ["email", "reason", "detail", "suppressed_at"]
    list_filter = ["reason"]
    search_fields = ["email"]
    ordering = ["-suppressed_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False
