"""Every mail, readable as it was sent."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from levqor.lib.admin import BaseAdmin, Column, CsvExport, ReadOnlyAdmin, badge, caged_html
from levqor.mail.models import MailStatus, OutgoingMail, Suppression

TONES = {
    MailStatus.PENDING: "wait",
    MailStatus.SENDING: "wait",
    MailStatus.SENT: "good",
    MailStatus.FAILED: "bad",
    MailStatus.UNKNOWN: "warn",
    MailStatus.CANCELLED: "plain",
}


@admin.register(OutgoingMail)
class OutgoingMailAdmin(CsvExport, ReadOnlyAdmin):
    list_display = ["subject", "to_email", "state", "name", "created_at", "sent_at", "delivered_at", "opened_at"]
    list_filter = ["status", "name", "created_at"]
    search_fields = ["to_email", "subject", "provider_id", "about"]
    ordering = ["-created_at"]
    list_per_page = 50
    csv_columns = [
        Column("Subject", lambda mail: mail.subject),
        Column("To", lambda mail: mail.to_email),
        Column("Status", lambda mail: mail.get_status_display()),
        Column("Sent", lambda mail: mail.sent_at),
        Column("Bounced", lambda mail: mail.bounced_at),
    ]

    @admin.display(description="Status", ordering="status")
    def state(self, mail: OutgoingMail) -> SafeString:
        if mail.has_bounced:
            return badge("Bounced", "bad")
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
            "original": mail,
            "mail": mail,
            "state": self.state(mail),
            "events": _events(mail),
            "html_url": reverse("admin:mail_outgoingmail_html", args=[mail.pk]),
        }
        return TemplateResponse(request, "admin/mail/letter.html", context)

    def html_view(self, request: HttpRequest, pk: object) -> HttpResponse:
        mail = get_object_or_404(OutgoingMail, pk=pk)
        # A mail that signs somebody in would let staff in as the customer.
        if mail.is_secret or not self.has_view_permission(request, mail):
            raise Http404
        return caged_html(request, mail.html_body)


def _events(mail: OutgoingMail) -> list[tuple[str, object]]:
    """What happened to the mail, in the order in which it happens, with the times that are known."""
    rows = [
        ("Written", mail.created_at),
        ("Sent", mail.sent_at),
        ("Delivered", mail.delivered_at),
        ("Opened first", mail.opened_at),
        ("Link clicked first", mail.clicked_at),
        ("Bounced", mail.bounced_at),
        ("Called spam", mail.complained_at),
    ]
    return [(name, moment) for name, moment in rows if moment]


@admin.register(Suppression)
class SuppressionAdmin(BaseAdmin):
    """Dead addresses. Taking one off lets mail go there again, when the customer says that it works."""

    list_display = ["email", "reason", "detail", "suppressed_at"]
    list_filter = ["reason"]
    search_fields = ["email"]
    ordering = ["-suppressed_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        return False
