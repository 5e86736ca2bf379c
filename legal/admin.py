"""The back office of the legal room: documents with their drafts, packages, acceptances."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from legal import admin_views, receipts
from legal.acceptance import versions_of
from legal.drafting import follow_facts
from legal.models import Acceptance, DfyPackage, Document, DocumentVersion, VersionStatus
from levqor.audit.models import record
from levqor.lib.actors import staff
from levqor.lib.admin import BaseAdmin, Column, CsvExport, DropdownFilter, ReadOnlyAdmin, badge
from levqor.lib.money import format_price, to_decimal

TONES = {
    VersionStatus.DRAFT: "wait",
    VersionStatus.SCHEDULED: "warn",
    VersionStatus.IN_FORCE: "good",
    VersionStatus.SUPERSEDED: "plain",
    VersionStatus.WITHDRAWN: "bad",
}


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """One line for each document: what counts, what is coming, and the way to its draft."""

    list_display = ["__str__", "in_force", "announced", "draft"]
    list_display_links = None
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        versions = DocumentVersion.objects.light().select_related("document").order_by("-number", "-pk")
        return Document.objects.prefetch_related(Prefetch("versions", versions))

    @admin.display(description="In force")
    def in_force(self, document: Document) -> SafeString | str:
        return self._link(document, VersionStatus.IN_FORCE)

    @admin.display(description="Announced")
    def announced(self, document: Document) -> SafeString | str:
        return self._link(document, VersionStatus.SCHEDULED)

    @admin.display(description="Draft")
    def draft(self, document: Document) -> SafeString | str:
        link = self._link(document, VersionStatus.DRAFT)
        if link != "–":
            return link
        return format_html(
            '<a href="{}">Write a new version</a>', reverse("admin:legal_open_draft", args=[document.pk])
        )

    @staticmethod
    def _link(document: Document, status: VersionStatus) -> SafeString | str:
        version = next((version for version in document.versions.all() if version.status == status), None)
        if version is None:
            return "–"
        when = f" from {timezone.localtime(version.effective_at):%-d %b %Y}" if version.effective_at else ""
        url = reverse("admin:legal_documentversion_change", args=[version.pk])
        return format_html('<a href="{}">{}{}</a>', url, version.label, when)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(_draft_question, site=self.admin_site))
        return [path("<int:pk>/draft/", view, name="legal_open_draft"), *super().get_urls()]


def _draft_question(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """GET shows one button, since opening a draft writes a row; POST opens it."""
    if request.method == "POST":
        return admin_views.open_draft_view(request, pk)
    if not request.user.has_perm("legal.change_documentversion"):
        raise PermissionDenied
    context = site.each_context(request) | {"opts": Document._meta, "title": "Write a new version"}
    return TemplateResponse(request, "admin/legal/open_draft.html", context)


class OverdueFilter(DropdownFilter):
    title = "overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In force by its date, but not noted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DocumentVersion]) -> QuerySet[DocumentVersion]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=DocumentVersion.objects.overdue(at=timezone.now()).values("pk"))


@admin.register(DocumentVersion)
class DocumentVersionAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "state", "origin", "is_material", "effective_at", "author", "published_by"]
    list_filter = ["status", OverdueFilter, "document", "origin", "is_material"]
    search_fields = ["document__slug", "sha256", "change_note"]
    list_select_related = ["document", "author", "published_by"]
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DocumentVersion]:
        return DocumentVersion.objects.light().select_related("document", "author", "published_by")

    @admin.display(description="Status", ordering="status")
    def state(self, version: DocumentVersion) -> SafeString:
        now = timezone.now()
        status = version.standing(at=now)
        if version.is_overdue(at=now):
            return badge(f"{status.label}, but not noted yet: see the log", "bad")
        return badge(status.label, TONES[status])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        if version is None or not self.has_view_permission(request, version):
            return super().change_view(request, object_id, form_url, extra_context)
        page = admin_views.draft_view if version.is_draft else admin_views.version_view
        return page(request, version, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        pages = [
            path("<int:pk>/preview/", wrap(admin_views.preview_view), name="legal_preview"),
            path("<int:pk>/changes/", wrap(partial(admin_views.changes_view, site=site)), name="legal_changes"),
            path("<int:pk>/publish/", wrap(partial(admin_views.publish_view, site=site)), name="legal_publish"),
        ]
        verbs = [
            path(f"<int:pk>/{verb}/", wrap(partial(admin_views.ask_view, site=site, verb=verb)), name=f"legal_{verb}")
            for verb in ("discard", "withdraw")
        ]
        return [*pages, *verbs, *super().get_urls()]


@admin.register(DfyPackage)
class DfyPackageAdmin(BaseAdmin):
    """A changed price shows at once on every live page, and drafts new versions of the documents that name it."""

    list_display = ["name", "price", "workflows", "delivery", "revisions", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Texts name it: take it off sale instead.
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        now = timezone.now()
        record(
            "changed" if change else "created",
            obj,
            by=staff(request.user),
            at=now,
            changes={"fields": form.changed_data},
        )
        drafts = follow_facts(by=request.user, at=now)  # type: ignore[arg-type]  # staff
        if drafts:
            names = ", ".join(str(draft.document) for draft in drafts)
            messages.warning(request, f"Live pages show this now. New versions wait to be published of: {names}.")


@admin.register(Acceptance)
class AcceptanceAdmin(CsvExport, ReadOnlyAdmin):
    list_display = ["reference", "full_name", "email", "company", "package_name", "price", "kind", "accepted_at"]
    list_filter = ["package_slug", "kind", "wants_early_start", "accepted_at"]
    search_fields = ["reference", "full_name", "email", "company", "receipt_sha256"]
    ordering = ["-accepted_at"]
    list_per_page = 50
    csv_columns = [
        Column("Reference", lambda row: row.reference),
        Column("Accepted", lambda row: row.accepted_at),
        Column("Name", lambda row: row.full_name),
        Column("Email", lambda row: row.email),
        Column("Company", lambda row: row.company),
        Column("As", lambda row: row.kind),
        Column("Package", lambda row: row.package_name),
        Column("Price", lambda row: to_decimal(row.price_cents, row.currency)),
        Column("Currency", lambda row: row.currency.upper()),
        Column("Early start", lambda row: row.wants_early_start),
        Column("Loss acknowledged", lambda row: row.acknowledges_loss),
        Column("Receipt code", lambda row: row.receipt_sha256),
        Column("Kept until", lambda row: row.keep_until),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Acceptance]:
        return Acceptance.objects.defer("receipt_pdf", "receipt").select_related("annex")

    @admin.display(description="Price", ordering="price_cents")
    def price(self, row: Acceptance) -> str:
        return format_price(row.price_cents, row.currency)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Acceptance {row.reference}",
            "original": row,
            "acceptance": row,
            "facts": receipts.facts(row),
            "versions": versions_of(row),
            "annex": getattr(row, "annex", None),
            "may_erase": row.has_annex and request.user.has_perm("legal.delete_acceptanceannex"),
            "may_resend": request.user.has_perm("legal.change_acceptance"),
        }
        return TemplateResponse(request, "admin/legal/acceptance.html", context)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        verbs = [
            path(
                f"<int:pk>/{verb}/",
                wrap(partial(admin_views.acceptance_verb_view, site=site, verb=verb)),
                name=f"legal_acceptance_{verb}",
            )
            for verb in ("erase", "resend")
        ]
        return [*verbs, *super().get_urls()]
