"""The back office of the status page."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from levqor.audit.models import record
from levqor.lib.actors import staff
from levqor.lib.admin import BaseAdmin, ReadOnlyAdmin, badge
from status import admin_views
from status.labels import duration
from status.models import (
    Component,
    Impact,
    Incident,
    IncidentStatus,
    IncidentTemplate,
    StateInterval,
    Subscriber,
    SubscriberState,
)
from status.models.incidents import ENDED, RUNNING
from status.publishing import publish_soon
from status.subscriptions import end

IMPACT_TONES = {Impact.NONE: "plain", Impact.MINOR: "warn", Impact.MAJOR: "bad", Impact.CRITICAL: "bad"}


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "impact_badge", "touched", "started_at", "lasted", "source"]
    list_filter = ["kind", "status", "source"]
    search_fields = ["name", "public_id"]
    list_title = "Incidents and maintenance"
    empty_title = "No incident so far"
    empty_text = "Open one above; three bad probes in a row draft one by themselves."
    ordering = ["-started_at"]
    list_before_template = "admin/status/incidents_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return super().get_queryset(request).prefetch_related("impacts__component")

    @admin.display(description="Status")
    def state(self, row: Incident) -> SafeString:
        if row.status == IncidentStatus.DRAFT:
            return badge("Draft: probes good again" if row.recovered_at else "Draft: decide", "warn")
        if row.is_overdue(at=timezone.now()):
            return badge(f"{row.get_status_display()}, but its time is over", "bad")
        if row.relapsed_at and row.status in ENDED:
            return badge(f"{row.get_status_display()}, but bad again", "bad")
        return badge(row.get_status_display(), "bad" if row.status in RUNNING else "good")

    @admin.display(description="Impact")
    def impact_badge(self, row: Incident) -> SafeString:
        return badge(row.get_impact_display(), IMPACT_TONES.get(Impact(row.impact), "plain"))

    @admin.display(description="Components")
    def touched(self, row: Incident) -> str:
        return ", ".join(sorted({impact.component.name for impact in row.impacts.all()})) or "–"

    @admin.display(description="Lasted")
    def lasted(self, row: Incident) -> str:
        end = row.resolved_at or (timezone.now() if row.status in RUNNING else None)
        return duration(row.started_at, end) if end and end > row.started_at else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("status.publish_incident")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return admin_views.open_view(request, self.admin_site)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        incident = get_object_or_404(Incident, pk=object_id if object_id.isdecimal() else 0)
        return admin_views.incident_view(request, incident, self.admin_site)

    def get_urls(self) -> list[URLPattern]:
        own = {"dismiss": admin_views.dismiss_view, "title": admin_views.title_view}
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(self._act, view)),
                name=f"status_incident_{name}",
            )
            for name, view in own.items()
        ] + super().get_urls()

    def _act(
        self, view: Callable[[HttpRequest, Incident], HttpResponse], request: HttpRequest, pk: int
    ) -> HttpResponse:
        return view(request, get_object_or_404(Incident, pk=pk))


class PublishingAdmin(BaseAdmin):
    """Rows that the page shows: each change is recorded and published."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        at = timezone.now()
        if hasattr(obj, "updated_at"):
            obj.updated_at = at
        super().save_model(request, obj, form, change)
        record(
            "changed" if change else "added", obj, by=staff(request.user), at=at, changes={"fields": form.changed_data}
        )
        publish_soon(at=at)


@admin.register(Component)
class ComponentAdmin(PublishingAdmin):
    list_title = "Components"
    list_help = (
        "What the status page shows. The state comes from probes and incidents; a state set here by hand holds until it "
        "is set back, and nobody is mailed: open an incident to tell people."
    )
    list_display = ["name", "slug", "manual_state", "position"]
    fields = ["name", "description", "manual_state", "position", "start_date"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A component is tied to what is measured of it: the code brings both.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IncidentTemplate)
class IncidentTemplateAdmin(PublishingAdmin):
    list_title = "Incident texts"
    list_help = "Texts to start from when an incident is opened or maintenance planned."
    empty_title = "No text yet"
    empty_text = "Add the ones that you write again and again."
    list_display = ["name", "kind", "title", "impact", "position"]
    list_filter = ["kind"]


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    list_title = "Subscribers"
    list_help = (
        "Who is told by mail. Addresses confirm, change and end it themselves, by links in their mails, and you can end it "
        "for one who asks you to; one whose mail "
        "came back is written to no more until it subscribes again."
    )
    empty_title = "Nobody has subscribed yet"
    list_display = ["email", "state_badge", "wants", "confirmed_at", "created_at"]
    list_filter = ["state"]
    search_fields = ["email"]
    actions = ["end_subscription"]

    @admin.action(description="End the subscription", permissions=["end"])
    def end_subscription(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        by, at = staff(request.user), timezone.now()
        for row in queryset:
            end(row, by=by, at=at)
        messages.success(request, f"Ended: {len(queryset)}. What waited for them is not sent.")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("status.change_subscriber")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        return super().get_queryset(request).prefetch_related("components")

    @admin.display(description="State")
    def state_badge(self, row: Subscriber) -> SafeString:
        tones = {SubscriberState.ACTIVE: "good", SubscriberState.PENDING: "wait", SubscriberState.BOUNCED: "bad"}
        return badge(row.get_state_display(), tones.get(SubscriberState(row.state), "plain"))

    @admin.display(description="Hears of")
    def wants(self, row: Subscriber) -> str:
        return "everything" if row.wants_all else ", ".join(one.name for one in row.components.all())


@admin.register(StateInterval)
class StateIntervalAdmin(ReadOnlyAdmin):
    list_title = "Uptime ledger"
    list_help = (
        "What was measured, in intervals: the published percentages and the downtime that SLA credits count are computed "
        "from these and from the incidents. Nobody edits it; what it got wrong is set right by an incident."
    )
    list_display = ["component", "state", "cause", "started_at", "seen_at", "is_open"]
    list_filter = ["component", "state"]
    list_select_related = ["component"]
    ordering = ["-started_at"]
