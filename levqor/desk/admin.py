"""The staff's way in, and the periodic tasks."""

from datetime import datetime
from functools import partial
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from levqor.audit.models import record
from levqor.desk import schedule
from levqor.desk.models import PeriodicTask
from levqor.desk.search import find_view
from levqor.lib.actors import staff
from levqor.lib.admin import ReadOnlyAdmin, badge
from levqor.lib.nudge import nudge

# Staff sign in as everybody does: with a second factor, a code or a passkey, and with allauth's limits on guessing.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it


def extra_urls() -> list[URLPattern]:
    """Pages of the back office that belong to no model."""
    return [path("find/", admin.site.admin_view(find_view), name="desk_find")]


admin.site.extra_urls = extra_urls  # type: ignore[attr-defined]  # Unfold's site asks for it
admin.site.index_title = "Today"


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    list_title = "Periodic tasks"
    list_help = (
        "What Levqor does by the clock. Each task is harmless when it runs twice, late or at the same time as itself, so "
        "running one now is always safe. “Late” on every row means that beat or the worker is not running."
    )
    list_display = ["name", "interval", "state", "last_run", "next_run", "duration", "problem", "run_now"]
    list_display_links = None
    readonly_fields = ["name", "interval", "state", "last_run", "next_run", "duration", "problem", "task", "run_now"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        schedule.ensure_rows()
        return PeriodicTask.objects.all()

    def get_fields(self, request: HttpRequest, obj: PeriodicTask | None = None) -> Any:
        return self.readonly_fields if may_run(request) else self.readonly_fields[:-1]

    @admin.display(description="Interval")
    def interval(self, row: PeriodicTask) -> str:
        return schedule.interval_in_words(row)

    @admin.display(description="State")
    def state(self, row: PeriodicTask) -> SafeString:
        now = timezone.now()
        if row.last_error:
            return badge("Failed", "bad")
        if row.last_started_at is None:
            return badge("Never ran", "plain")
        return (
            badge("Late", "warn") if row.is_late(schedule.next_run_at(row, at=now), at=now) else badge("Fine", "good")
        )

    @admin.display(description="Next run")
    def next_run(self, row: PeriodicTask) -> str:
        moment = schedule.next_run_at(row, at=timezone.now())
        return _clock(moment) if moment else "when beat starts"

    @admin.display(description="Last run", ordering="last_started_at")
    def last_run(self, row: PeriodicTask) -> str:
        return _clock(row.last_started_at) if row.last_started_at else "never"

    @admin.display(description="Last error")
    def problem(self, row: PeriodicTask) -> str:
        return row.last_error or "–"

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if may_run(request) else self.list_display[:-1]

    @admin.display(description="Took")
    def duration(self, row: PeriodicTask) -> str:
        return "–" if row.last_duration_ms is None else f"{row.last_duration_ms / 1000:.2f} s"

    @admin.display(description="Run")
    def run_now(self, row: PeriodicTask) -> SafeString:
        url = reverse("admin:desk_periodictask_run", args=[row.pk])
        return format_html('<a class="row-button" href="{}">Run now<span class="sr-only"> {}</span></a>', url, row)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(run_now_view, site=self.admin_site))
        return [path("<int:pk>/run/", view, name="desk_periodictask_run"), *super().get_urls()]


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%-d %b %Y, %H:%M:%S}"


def may_run(request: HttpRequest) -> bool:
    return request.user.has_perms(["desk.view_periodictask", "desk.change_periodictask"])


def run_now_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """Asks on GET, starts the task on POST. Every task is harmless when run twice or at once."""
    if not may_run(request):
        raise PermissionDenied
    row = get_object_or_404(PeriodicTask, pk=pk)
    if request.method == "POST":
        nudge(row.task)
        record("run_now", row, by=staff(request.user), at=timezone.now())
        messages.success(request, f"“{row}” was asked to run; it starts as soon as a worker is free.")
        return redirect("admin:desk_periodictask_changelist")
    context = site.each_context(request) | {
        "opts": PeriodicTask._meta,
        "title": f"Run now: {row}",
        "has_own_heading": True,
        "row": row,
    }
    return TemplateResponse(request, "admin/desk/run_now.html", context)
