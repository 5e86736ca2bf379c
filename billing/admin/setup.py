"""The back office's page of the set-up at Stripe: the checklist, what the data says, and the alarms."""

import uuid
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing import alarms, gateway, setup
from billing.admin.forms import ReasonForm
from billing.models import Alarm, SetupConfirmation, SetupItem
from levqor.lib.actors import staff
from levqor.lib.admin import ReadOnlyAdmin, badge

MAY_CONFIRM = ["billing.view_setupconfirmation", "billing.confirm_setup"]


class ConfirmForm(ReasonForm):
    """What the person saw, in a few words; may stay empty."""

    reason = forms.CharField(
        label="What did you see there?",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with your name and today’s date.",
    )


@admin.register(SetupConfirmation)
class SetupAdmin(ReadOnlyAdmin):
    """One page instead of a list: what is to be looked at, who confirmed it, and what the data says."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        standing, may = setup.confirmations(), request.user.has_perms(MAY_CONFIRM)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Set-up at Stripe",
            "has_own_heading": True,
            "is_key_set": gateway.is_enabled(),
            "rows": [(check, standing.get(check.item)) for check in setup.CHECKLIST],
            "findings": setup.findings(at=timezone.now()),
            "may_confirm": may,
        }
        return TemplateResponse(request, "admin/billing/setup.html", context)

    def get_urls(self) -> list[URLPattern]:
        wrap, site = self.admin_site.admin_view, self.admin_site
        return [
            path("<slug:item>/confirm/", wrap(partial(confirm_view, site=site)), name="billing_setup_confirm"),
            path("<slug:item>/withdraw/", wrap(partial(withdraw_view, site=site)), name="billing_setup_withdraw"),
            *super().get_urls(),
        ]


def confirm_view(request: HttpRequest, item: str, site: admin.AdminSite) -> HttpResponse:
    """Asks on GET what the person saw; on POST keeps it with name and date."""
    check = _check(request, item)
    form = ConfirmForm(request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["reason"]
        is_new = setup.confirm(check.item, by=request.user, note=note, at=timezone.now())  # type: ignore[arg-type]  # staff signed in
        messages.success(request, "Confirmed, with your name." if is_new else "Somebody else has confirmed it already.")
        return redirect("admin:billing_setupconfirmation_changelist")
    words = {"label": "Confirm", "explanation": f"{check.where} {check.why}"}
    return _ask(request, site, check.item.label, form, words)


def withdraw_view(request: HttpRequest, item: str, site: admin.AdminSite) -> HttpResponse:
    check = _check(request, item)
    form = ReasonForm(request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        setup.withdraw(check.item, by=request.user, reason=reason, at=timezone.now())  # type: ignore[arg-type]  # staff signed in
        messages.success(request, "Withdrawn: the warning shows again until somebody confirms it.")
        return redirect("admin:billing_setupconfirmation_changelist")
    words = {
        "label": "Withdraw",
        "explanation": "It is not so, or no longer. The earlier confirmation stays on record.",
    }
    return _ask(request, site, check.item.label, form, words)


def _check(request: HttpRequest, item: str) -> setup.Check:
    if not request.user.has_perms(MAY_CONFIRM):
        raise PermissionDenied
    if item not in SetupItem.values:
        raise Http404
    return setup.CHECK_OF_ITEM[SetupItem(item)]


def _ask(
    request: HttpRequest,
    site: admin.AdminSite,
    title: str,
    form: ReasonForm,
    words: dict[str, str],
    *,
    back: str = "admin:billing_setupconfirmation_changelist",
) -> HttpResponse:
    context = site.each_context(request) | {
        "opts": SetupConfirmation._meta,
        "title": title,
        "has_own_heading": True,
        "verb": words,
        "form": form,
        "back_url": reverse(back),
    }
    return TemplateResponse(request, "admin/billing/settle.html", context)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_title = "Alarms"
    list_help = (
        "What Stripe sent and nobody foresaw. Levqor did nothing about it: look it up at Stripe, settle what is affected, "
        "then open the alarm and clear it."
    )
    empty_title = "No alarm"
    empty_text = "Everything that Stripe sent so far was understood."
    list_display = ["subject", "what", "state", "detail", "count", "raised_at", "last_raised_at"]
    list_filter = ["kind"]
    search_fields = ["subject", "detail"]
    list_per_page = 50

    @admin.display(description="What", ordering="kind")
    def what(self, alarm: Alarm) -> str:
        return alarm.get_kind_display()

    @admin.display(description="State", ordering="cleared_at")
    def state(self, alarm: Alarm) -> SafeString:
        return badge("Cleared", "plain") if alarm.cleared_at else badge("Open", "bad")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        alarm = self.get_object(request, object_id)
        if alarm is None or not request.user.has_perms(["billing.view_alarm", "billing.confirm_setup"]):
            return super().change_view(request, object_id, form_url, extra_context)
        return clear_view(request, alarm.pk, self.admin_site)


def clear_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """Shows the alarm and clears it, with a reason. The caller has checked that this person may."""
    alarm = get_object_or_404(Alarm, pk=pk)
    form = ReasonForm(request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        is_done = alarms.clear_alarm(alarm, by=staff(request.user), at=timezone.now(), reason=reason)
        messages.success(request, "The alarm is cleared." if is_done else "It had been cleared already.")
        return redirect("admin:billing_alarm_changelist")
    text = (
        f"{alarm.get_kind_display()}: {alarm.subject}. First met {timezone.localtime(alarm.raised_at):%-d %B %Y, %H:%M}, "
        f"last {timezone.localtime(alarm.last_raised_at):%-d %B %Y, %H:%M}, at {alarm.detail or 'no object'}. Levqor did "
        "nothing about it. Look it up at Stripe, settle what is affected, then clear the alarm; if it comes again, a new "
        "one is raised."
    )
    words = {"label": "Clear", "explanation": text}
    return _ask(request, site, alarm.subject, form, words, back="admin:billing_alarm_changelist")
