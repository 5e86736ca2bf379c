"""The back office of claims: the queue, and the ledger of credits."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from claims import admin_views
from claims.admin_filters import StateFilter, quick_views
from claims.batch_views import batch_view
from claims.bulk import BULKS, make_action
from claims.models import Claim, CreditEntry
from levqor.cases.queue import OwnerFilter, QueueAdmin
from levqor.lib.admin import Column, CsvExport, ReadOnlyAdmin, badge, row_link, two_lines
from levqor.lib.money import to_decimal

CREDIT_TONES = {"pending": "wait", "sending": "wait", "applied": "good", "by_hand": "warn", "unknown": "bad"}


@admin.register(Claim)
class ClaimAdmin(QueueAdmin):
    desk = admin_views.DESK
    list_title = "SLA claims"
    list_help = (
        "What customers claim for months below the uptime promise, by the day on which they have to hear from us. Open "
        "one: its page shows what was measured, and what you can do."
    )
    empty_title = "Nobody claims anything"
    empty_text = "Claims from the page /sla-credits and from the API appear here at once."
    list_display = ["reference", "customer", "month_claimed", "state", "owner", "due"]
    list_filter = [StateFilter, OwnerFilter, "plan"]
    list_before_template = "admin/claims/queue_head.html"
    list_select_related = ["case__account", "case__owner", "plan"]
    actions = [*(make_action(bulk) for bulk in BULKS), "export_csv"]
    csv_columns = [
        Column("Reference", lambda claim: claim.case.reference),
        Column("Status", lambda claim: claim.get_status_display()),
        Column("Received", lambda claim: claim.case.submitted_at),
        Column("Name", lambda claim: claim.case.full_name),
        Column("E-mail", lambda claim: claim.case.email),
        Column("Account", lambda claim: claim.case.account or ""),
        Column("As typed", lambda claim: claim.case.account_name),
        Column("Plan", lambda claim: claim.plan.name),
        Column("Month", lambda claim: f"{claim.month:%Y-%m}"),
        Column("Owner", lambda claim: claim.case.owner or ""),
        Column("Closed", lambda claim: claim.case.closed_at),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        return super().get_queryset(request).select_related("plan")

    @admin.display(description="Claim", ordering="case__reference")
    def reference(self, claim: Claim) -> SafeString:
        return two_lines(claim.case.reference, f"joined to {claim.joined_to}" if claim.joined_to_id else "")

    @admin.display(description="Month", ordering="month")
    def month_claimed(self, claim: Claim) -> SafeString:
        return two_lines(f"{claim.month:%b %Y}", claim.plan)

    @admin.display(description="State", ordering="status")
    def state(self, claim: Claim) -> SafeString:
        return admin_views.state_badge(claim)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        views = {"views": quick_views(request), "export_query": request.GET.urlencode()}
        return super().changelist_view(request, views | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        claim = self.get_object(request, object_id)
        if claim is None or not self.has_view_permission(request, claim):
            return super().change_view(request, object_id, form_url, extra_context)
        return admin_views.claim_view(request, claim, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        batches = [
            path(f"{step}-drafts/", wrap(partial(batch_view, site=site, step=step)), name=f"claims_claim_{step}_drafts")
            for step in ("propose", "approve")
        ]
        figures = path("figures/", wrap(partial(admin_views.figures_view, site=site)), name="claims_claim_figures")
        return [figures, *batches, *super().get_urls()]


@admin.register(CreditEntry)
class CreditEntryAdmin(CsvExport, ReadOnlyAdmin):
    list_title = "Credits"
    list_help = (
        "The ledger: every credit and reversal, and whether it is on the customer’s balance at Stripe. What is to be "
        "done by hand, or unknown, waits for a person: open its claim."
    )
    empty_title = "No credit was given yet"
    empty_text = "A credit appears here when as many people as it takes have approved it."
    list_display = ["of_claim", "kind", "amount", "state", "customer_at_stripe", "created_at"]
    list_filter = ["status", "kind", "created_at"]
    list_select_related = ["claim__case"]
    list_display_links = None
    ordering = ["-created_at", "-pk"]
    search_help_text = "Reference, customer or transaction at Stripe"
    search_fields = ["claim__case__reference", "stripe_customer_id", "stripe_transaction_id"]
    csv_columns = [
        Column("Claim", lambda entry: str(entry.claim)),
        Column("Kind", lambda entry: entry.get_kind_display()),
        Column("Amount", lambda entry: to_decimal(entry.amount_cents, entry.currency)),
        Column("Currency", lambda entry: entry.currency.upper()),
        Column("Status", lambda entry: entry.get_status_display()),
        Column("Customer at Stripe", lambda entry: entry.stripe_customer_id),
        Column("Transaction at Stripe", lambda entry: entry.stripe_transaction_id),
        Column("Done by hand", lambda entry: entry.external_reference),
        Column("Applied", lambda entry: entry.applied_at),
    ]

    @admin.display(description="Claim", ordering="claim__case__reference")
    def of_claim(self, entry: CreditEntry) -> SafeString:
        return two_lines(entry.claim, row_link("claims.claim", entry.claim_id))

    @admin.display(description="State", ordering="status")
    def state(self, entry: CreditEntry) -> SafeString:
        return two_lines(badge(entry.get_status_display(), CREDIT_TONES[entry.status]), entry.error)

    @admin.display(description="At Stripe")
    def customer_at_stripe(self, entry: CreditEntry) -> SafeString:
        return two_lines(entry.stripe_customer_id or "–", entry.stripe_transaction_id or entry.external_reference)
