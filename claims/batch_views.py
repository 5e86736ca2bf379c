"""Drafted credits of a month on one page: each row with its sum, chosen by hand, proposed by one and approved by another."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from claims.drafting import Answer, approve_drafts, drafts, propose_drafts
from claims.models import Claim, ClaimStatus, Proposal, ProposalStatus
from claims.verbs import APPROVE, PROPOSE
from levqor.cases.models import Source
from levqor.lib.actors import staff
from levqor.lib.money import format_money


class BatchForm(forms.Form):
    """Which rows, and why."""

    chosen = forms.TypedMultipleChoiceField(
        coerce=int,
        required=True,
        error_messages={
            "required": "Choose at least one row.",
            "invalid_choice": "Nothing was done: a row that you chose was decided or proposed anew in the meantime. "
            "Look at the rows as they are now.",
        },
    )
    words = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The customers read it.",
        error_messages={"required": "Write a reason: the customers read it."},
    )

    def __init__(self, rows: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["chosen"].choices = [(row["choice"], str(row["claim"])) for row in rows]  # type: ignore[attr-defined]


def batch_view(request: HttpRequest, site: admin.AdminSite, step: str) -> HttpResponse:
    """The rows that can be proposed, or those that this person can approve; and an answer for each that was chosen."""
    if not request.user.has_perm(PROPOSE if step == "propose" else APPROVE):
        raise PermissionDenied
    rows = _drafted() if step == "propose" else _proposed(request)
    form = BatchForm(rows, request.POST or None)
    answers: list[Answer] = []
    if request.method == "POST" and form.is_valid():
        answers = _do(request, step, form, rows)
        messages.success(request, f"{sum(answer.is_done for answer in answers)} of {len(answers)} done.")
        if all(answer.is_done for answer in answers):
            return redirect(reverse("admin:claims_claim_changelist"))
        rows = _drafted() if step == "propose" else _proposed(request)
    context = site.each_context(request) | {
        "opts": Claim._meta,
        "title": "Propose drafted credits" if step == "propose" else "Approve drafted credits",
        "has_own_heading": True,
        "step": step,
        "rows": rows,
        "form": form,
        "answers": answers,
        "back_url": reverse("admin:claims_claim_changelist"),
    }
    return TemplateResponse(request, "admin/claims/batch.html", context)


def _do(request: HttpRequest, step: str, form: BatchForm, rows: list[dict[str, Any]]) -> list[Answer]:
    """Proposes the drafts that were chosen, or approves the very proposals that were on the screen."""
    chosen = set(form.cleaned_data["chosen"])
    wanted = [row for row in rows if row["choice"] in chosen]
    said: dict[str, Any] = {"reason": form.cleaned_data["words"], "by": staff(request.user), "at": timezone.now()}
    if step == "propose":
        return propose_drafts([row["claim"] for row in wanted], **said)
    return approve_drafts([row["proposal"] for row in wanted], **said)


def _drafted() -> list[dict[str, Any]]:
    at = timezone.now()
    months: list[date] = list(
        Claim.objects.filter(status=ClaimStatus.DRAFTED).order_by("month").values_list("month", flat=True).distinct()
    )
    return [
        {
            "choice": claim.pk,
            "claim": claim,
            "sum": f"{found.credit_percent}% of {format_money(found.price_cents, found.currency)}",
            "amount": format_money(found.credit_cents, found.currency),
            "downtime": found.downtime_minutes,
            "uptime": found.uptime_in_words,
            "is_estimate": not found.is_final,
        }
        for month in months
        for claim, found in drafts(month, at=at)
    ]


def _proposed(request: HttpRequest) -> list[dict[str, Any]]:
    pending = Proposal.objects.filter(
        status=ProposalStatus.PENDING, claim__case__source=Source.INCIDENT, claim__status=ClaimStatus.PROPOSED
    )
    mine = pending.exclude(proposer=request.user.pk).exclude(approvals__approver=request.user.pk)
    rows = mine.select_related("claim__case__account", "claim__plan", "proposer").order_by("claim__month", "pk")
    return [_proposed_row(proposal) for proposal in rows]


def _proposed_row(proposal: Proposal) -> dict[str, Any]:
    found = proposal.measurement
    return {
        "choice": proposal.pk,
        "claim": proposal.claim,
        "proposal": proposal,
        "sum": f"{found['credit_percent']}% of {format_money(found['price_cents'], proposal.currency)}",
        "amount": proposal.amount,
        "downtime": "",
        "uptime": f"{str(found['uptime'])[:7]}%",
        "is_estimate": False,
        "proposer": proposal.proposer,
    }
