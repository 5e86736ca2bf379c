"""The back office's pages of a dunning policy: publishing a version, reading one, and its mails on a real case."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from billing import emails
from billing.admin.forms import KINDS, PolicyForm, StepRows, rows_of
from billing.models import DunningPolicy, DunningStep, PaymentFailure, StepTemplate
from levqor.audit.models import record
from levqor.lib.actors import staff
from levqor.lib.admin import caged_html
from levqor.mail.rendering import RenderedMail

RECENT_CASES = 20


def publish_view(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """The form of a new version, filled from the one in `?from=`, else from the current default."""
    source = _source(request)
    kinds = {name: getattr(source, name) for name in KINDS}
    form = PolicyForm(request.POST or None, initial={"plan": source.plan_id, "note": ""} | kinds)
    rows = StepRows(request.POST or None, initial=rows_of(source), prefix="steps")
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        policy = form.publish(rows.cleaned_data)
        if policy:
            record("published", policy, by=staff(request.user), at=timezone.now(), reason=policy.note)
            messages.success(request, f"{policy} is published. Cases that run keep the version they began with.")
            return redirect("admin:billing_dunningpolicy_change", policy.pk)
    context = site.each_context(request) | {
        "opts": DunningPolicy._meta,
        "title": "New version of a policy",
        "form": form,
        "rows": rows,
        "source": source,
    }
    return TemplateResponse(request, "admin/billing/policy_form.html", context)


def _source(request: HttpRequest) -> DunningPolicy:
    wanted = request.GET.get("from", "")
    found = DunningPolicy.objects.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 19 else None
    return found or DunningPolicy.objects.current_for(None)


def version_view(request: HttpRequest, policy: DunningPolicy, site: admin.AdminSite) -> HttpResponse:
    """One version with its steps, and each of its mails on a case of the reader's choice."""
    can_see_cases = request.user.has_perm("billing.view_paymentfailure")
    cases = (
        list(PaymentFailure.objects.select_related("account").order_by("-pk")[:RECENT_CASES]) if can_see_cases else []
    )
    step = _preview_step(request, cases)
    template = _template(request)
    context = site.each_context(request) | {
        "opts": DunningPolicy._meta,
        "title": str(policy),
        "original": policy,
        "policy": policy,
        "steps": policy.steps.all(),
        "left_out": policy.left_out(),
        "is_current": DunningPolicy.objects.current_for(policy.plan) == policy,
        "may_publish": request.user.has_perm("billing.add_dunningpolicy"),
        "cases": cases,
        "templates": StepTemplate.choices,
        "chosen_template": template,
        "chosen_case": step.failure_id if step else None,
        "mail": _rendered(step, template) if step else None,
        "html_url": f"{reverse('admin:billing_preview_html')}?case={step.failure_id}&template={template}"
        if step
        else "",
    }
    return TemplateResponse(request, "admin/billing/policy.html", context)


def _template(request: HttpRequest) -> str:
    wanted = request.GET.get("template", "")
    return wanted if wanted in StepTemplate.values else StepTemplate.FIRST_NOTICE.value


def _preview_step(request: HttpRequest, cases: list[PaymentFailure]) -> DunningStep | None:
    """The step of the chosen case that stands for the template: its own, else the case's first."""
    chosen = _chosen_case(request) or (cases[0] if cases else None)
    if chosen is None:
        return None
    steps: list[Any] = list(chosen.steps.select_related("failure__account"))
    template = _template(request)
    return next((step for step in steps if step.template == template), steps[0] if steps else None)


def _chosen_case(request: HttpRequest) -> PaymentFailure | None:
    wanted = request.GET.get("case", "")
    return PaymentFailure.objects.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 19 else None


def _rendered(step: DunningStep, template: str) -> RenderedMail:
    return emails.preview(step, template, at=timezone.now())


def preview_html_view(request: HttpRequest) -> HttpResponse:
    """The HTML of the chosen mail on the chosen case, for the page's frame."""
    if not request.user.has_perms(["billing.view_dunningpolicy", "billing.view_paymentfailure"]):
        raise PermissionDenied
    cases = list(PaymentFailure.objects.order_by("-pk")[:RECENT_CASES])
    step = _preview_step(request, cases)
    if step is None:
        raise Http404
    return caged_html(request, _rendered(step, _template(request)).html)
