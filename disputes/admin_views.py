"""The page of one dispute in the back office."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from disputes.emails import preview
from disputes.models import Category, Dispute, DisputeStatus, Stage
from disputes.verbs import VERBS, WORK
from levqor.cases.desk import deadline_badge, look_at
from levqor.cases.desk_pages import ERASE, Desk
from levqor.cases.models import Deadline
from levqor.lib.actors import staff
from levqor.lib.admin import badge

TONES = {
    DisputeStatus.OPEN: "wait",
    DisputeStatus.WAITING: "plain",
    DisputeStatus.ANSWERED: "good",
    DisputeStatus.RESOLVED: "good",
    DisputeStatus.WITHDRAWN: "plain",
}
ADVICE = {
    DisputeStatus.OPEN: "Answer it by the day above. If something is missing, ask: our clock stands until the customer "
    "writes.",
    DisputeStatus.WAITING: "The customer has to write; our clock stands. They are reminded after five business days, and "
    "after ten the dispute is with us again by itself, to be answered on what we have.",
    DisputeStatus.ANSWERED: "Nothing: the customer accepts the answer, writes again, or goes to the next stage. After ten "
    "business days of silence the dispute closes by itself.",
    DisputeStatus.RESOLVED: "Nothing, unless the customer goes to the next stage or you take it up again.",
    DisputeStatus.WITHDRAWN: "Nothing: the customer withdrew it.",
}
OUTSIDE = (
    "Our procedure has ended, and no answer is due. The customer may go on writing; resolve it when it is settled."
)
WORDS = {
    "received": "Dispute received",
    "assigned": "Owner changed",
    "tied": "Tied to an account",
    "dispute:status.open": "With us again",
    "dispute:status.waiting": "Waits for the customer",
    "dispute:status.answered": "Answered",
    "dispute:status.resolved": "Resolved",
    "dispute:status.withdrawn": "Withdrawn",
    "dispute:stage.escalation": "Moved up to escalation",
    "dispute:stage.complaint": "Moved up to formal complaint",
    "dispute:stage.external": "Taken outside of Levqor",
}


def state_badge(dispute: Dispute) -> SafeString:
    return badge(dispute.get_status_display(), TONES[DisputeStatus(dispute.status)])


def advice_on(dispute: Dispute) -> str:
    if dispute.stage == Stage.EXTERNAL and dispute.is_open:
        return OUTSIDE
    return ADVICE[DisputeStatus(dispute.status)]


DESK = Desk[Dispute](
    rows=lambda: Dispute.objects.select_related("case__account__plan", "case__owner"),
    case_of=lambda dispute: dispute.case,
    noun="dispute",
    verbs=VERBS,
    work=WORK,
    rows_of=lambda dispute: [dispute],
    words=WORDS,
    preview=lambda name, dispute, body, at: preview(name, dispute, body, at=at),
)


def dispute_view(request: HttpRequest, dispute: Dispute, site: admin.AdminSite) -> HttpResponse:
    """Everything about one dispute on one page. The caller has checked that this person may see it."""
    at = timezone.now()
    case = dispute.case
    by = staff(request.user)
    deadline = Deadline.objects.current_of(case)
    context: dict[str, Any] = site.each_context(request) | {
        "opts": Dispute._meta,
        "title": f"Dispute {dispute}",
        "has_own_heading": True,
        "original": dispute,
        "dispute": dispute,
        "case": case,
        "state": state_badge(dispute),
        "due": deadline_badge(deadline, at=at) if deadline else "",
        "advice": advice_on(dispute),
        "is_privacy": dispute.category == Category.PRIVACY,
        "verbs": DESK.offered(request, dispute, by),
        "others": look_at(case, by.user_id or 0, at=at),
        "moments": DESK.moments(dispute),
        "first_files": case.files.filter(message=None),
        "deadlines": case.deadlines.order_by("counted_from", "pk"),
        "account_url": reverse("admin:accounts_account_change", args=[case.account_id]) if case.account_id else "",
        "may_export": bool(case.email) and request.user.has_perm(ERASE),
    }
    return TemplateResponse(request, "admin/disputes/dispute.html", context)
