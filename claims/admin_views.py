"""The pages of one claim in the back office: all of it on one page, and each verb with its question."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from claims.deciding import DecisionError
from claims.emails import preview
from claims.figures import by_month
from claims.measuring import Measurement, lost_in, measure, terms_of
from claims.models import Claim, ClaimStatus, CreditStatus, ProposalKind
from claims.outlook import look_ahead
from claims.verbs import VERBS, WORK, entry_in, pending_proposal
from levqor.cases.desk import deadline_badge, look_at
from levqor.cases.desk_pages import ERASE, Desk, Verb
from levqor.cases.models import Deadline
from levqor.lib.actors import staff
from levqor.lib.admin import badge
from levqor.lib.money import format_money
from status.component_states import WEIGHTS
from status.ledger import Downtime
from status.uptime import Segment

TONES = {
    ClaimStatus.DRAFTED: "wait",
    ClaimStatus.DISMISSED: "plain",
    ClaimStatus.RECEIVED: "wait",
    ClaimStatus.IN_REVIEW: "wait",
    ClaimStatus.WAITING: "plain",
    ClaimStatus.PROPOSED: "warn",
    ClaimStatus.APPROVED: "good",
    ClaimStatus.CREDITING: "wait",
    ClaimStatus.BY_HAND: "warn",
    ClaimStatus.UNKNOWN: "bad",
    ClaimStatus.CREDITED: "good",
    ClaimStatus.REVERSED: "plain",
    ClaimStatus.REJECTED: "plain",
    ClaimStatus.WITHDRAWN: "plain",
}
ADVICE = {
    ClaimStatus.DRAFTED: "Nobody claimed this: Levqor drafted it after an incident. When the month has ended, propose the "
    "drafts of the month together.",
    ClaimStatus.DISMISSED: "Nothing: the draft was worth nothing, or the customer claimed.",
    ClaimStatus.RECEIVED: "Nobody has it yet. Take it up, so that two people do not work on it.",
    ClaimStatus.IN_REVIEW: "Compare what the customer noticed with what we measured, then propose the credit or refuse it. "
    "If something is missing, ask: our clock stands until they answer.",
    ClaimStatus.WAITING: "The customer has to answer; our clock stands. They are reminded after five "
    "business days, and after ten the claim is in review again by itself, to be decided on what we have.",
    ClaimStatus.PROPOSED: "Somebody other than the proposer has to approve it or send it back.",
    ClaimStatus.APPROVED: "Nothing: the credit goes to Stripe by itself within a minute.",
    ClaimStatus.CREDITING: "Nothing: the credit is on its way to Stripe.",
    # Of these two `_advice` knows more: they depend on the entry.
    ClaimStatus.BY_HAND: "",
    ClaimStatus.UNKNOWN: "",
    ClaimStatus.CREDITED: "Nothing: the credit is on the customer’s balance.",
    ClaimStatus.REVERSED: "Nothing: the credit was taken back.",
    ClaimStatus.REJECTED: "Nothing, unless the customer asks for a new decision on the claim’s page.",
    ClaimStatus.WITHDRAWN: "Nothing: the customer withdrew it.",
}
STUCK = {
    CreditStatus.BY_HAND: "Stripe cannot take this {kind} by itself; the reason stands below. Do it in another way and "
    "record how, or mend the reason and send it again.",
    CreditStatus.UNKNOWN: "Nobody knows whether Stripe took the {kind}. Look through the customer’s balance at Stripe for "
    "the line below. If it is there, press “Found at Stripe” and enter its id; if it is not, press “Not at Stripe”, and "
    "then it can be sent again or be done by hand.",
}
WORDS = {
    "claim:drafted": "Drafted after an incident",
    "claim:status.dismissed": "Draft dismissed",
    "received": "Claim received",
    "assigned": "Owner changed",
    "tied": "Tied to an account",
    "claim:status.in_review": "In review",
    "claim:status.waiting": "Waits for the customer",
    "claim:status.proposed": "Waits for approval",
    "claim:status.approved": "Approved",
    "claim:status.crediting": "Being credited",
    "claim:status.by_hand": "To be credited by hand",
    "claim:status.unknown": "Unknown whether it was credited",
    "claim:status.credited": "Credited",
    "claim:status.reversed": "Reversed",
    "claim:status.rejected": "Refused",
    "claim:status.withdrawn": "Withdrawn",
    "creditentry:status.pending": "Credit entry to be sent",
    "creditentry:status.sending": "Credit entry being sent",
    "creditentry:status.applied": "Credit entry applied",
    "creditentry:status.by_hand": "Credit entry left to people",
    "creditentry:status.unknown": "Credit entry of unknown fate",
    "proposal:status.approved": "All approvals given",
    "proposal:status.returned": "Proposal not approved",
}


def state_badge(claim: Claim) -> SafeString:
    return badge(claim.get_status_display(), TONES[ClaimStatus(claim.status)])


def rows_of(claim: Claim) -> list[Any]:
    """Whatever the history of a claim is about, beside its case."""
    return [claim, *claim.proposals.all(), *claim.credit_entries.all()]


def claim_view(request: HttpRequest, claim: Claim, site: admin.AdminSite) -> HttpResponse:
    """Everything about one claim on one page. The caller has checked that this person may see it."""
    at = timezone.now()
    case = claim.case
    by = staff(request.user)
    deadline = Deadline.objects.current_of(case)
    context = site.each_context(request) | {
        "opts": Claim._meta,
        "title": f"Claim {claim}",
        "has_own_heading": True,
        "original": claim,
        "claim": claim,
        "case": case,
        "state": state_badge(claim),
        "due": deadline_badge(deadline, at=at) if deadline else "",
        "advice": _advice(claim),
        "look_for": entry_in(claim, CreditStatus.UNKNOWN),
        "verbs": DESK.offered(request, claim, by),
        "others": look_at(case, by.user_id or 0, at=at),
        "moments": DESK.moments(claim),
        "proposal": pending_proposal(claim),
        "proposals": claim.proposals.select_related("proposer").prefetch_related("approvals__approver").order_by("pk"),
        "entries": claim.credit_entries.order_by("pk"),
        "same_month": _same_month(claim),
        "account_url": reverse("admin:accounts_account_change", args=[case.account_id]) if case.account_id else "",
        "may_export": bool(case.email) and request.user.has_perm(ERASE),
        **_measured(claim, at=at),
    }
    return TemplateResponse(request, "admin/claims/claim.html", context)


def _advice(claim: Claim) -> str:
    """What is to be done here. Money that waits for a person comes first, a reversal's too."""
    if claim.status == ClaimStatus.IN_REVIEW and claim.case.account_id is None:
        return "Find out whose claim it is and tie it to the account: until then nobody can propose a credit."
    applied = entry_in(claim, CreditStatus.APPLIED)
    if claim.status == ClaimStatus.CREDITED and applied and applied.external_reference:
        return "Nothing: the credit was given by hand."
    entry = entry_in(claim, *STUCK)
    return STUCK[CreditStatus(entry.status)].format(kind=entry.kind) if entry else ADVICE[ClaimStatus(claim.status)]


def _same_month(claim: Claim) -> list[Claim]:
    if not claim.case.account_id:
        return []
    same = Claim.objects.for_month(claim.case.account_id, claim.month).exclude(pk=claim.pk)
    return list(same.select_related("case").order_by("pk"))


def _measured(claim: Claim, *, at: datetime) -> dict[str, Any]:
    """What we measured beside the customer's words: the month's sum, and the stretches of that very day."""
    terms = terms_of(claim.month)
    if terms is None:
        return {"measurement": None}
    lost = lost_in(claim.month, at=at)
    found = measure(lost, claim.credited_plan, terms)
    return {"measurement": found, "credit": _credit_in_words(found), "bad_times": _bad_times(claim, lost)}


def _credit_in_words(found: Measurement) -> str:
    money = format_money(found.credit_cents, found.currency)
    return f"{found.credit_percent}% of {format_money(found.price_cents, found.currency)} = {money}"


def _bad_times(claim: Claim, lost: Downtime) -> list[tuple[Segment, bool]]:
    """The month's outages, and whether each was on the day that the customer named."""
    day = timezone.localtime(claim.incident_at).date()
    bad = [piece for piece in lost.segments if piece.state in WEIGHTS]
    return [
        (piece, timezone.localtime(piece.start).date() <= day <= timezone.localtime(piece.end).date()) for piece in bad
    ]


def figures_view(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    if not request.user.has_perm("claims.view_claim"):
        raise PermissionDenied
    context = site.each_context(request) | {
        "opts": Claim._meta,
        "title": "How claims are answered",
        "has_own_heading": True,
        "months": by_month(),
        "list_url": reverse("admin:claims_claim_changelist"),
    }
    return TemplateResponse(request, "admin/claims/figures.html", context)


def _facts(claim: Claim, verb: Verb[Claim]) -> dict[str, Any]:
    """What the question of a verb shows of the claim's money."""
    proposal = pending_proposal(claim) if verb.slug in {"approve", "send-back", "take-back"} else None
    facts: dict[str, Any] = {"proposal": proposal}
    if verb.slug == "propose":
        facts |= _measured(claim, at=timezone.now())
    if verb.slug in {"propose", "approve"} and (proposal is None or proposal.kind == ProposalKind.CREDIT):
        facts["found"] = Measurement.from_json(proposal.measurement) if proposal else None
        facts["outlook"] = look_ahead(claim, proposal.currency if proposal else claim.credited_plan.currency)
    return facts


DESK = Desk[Claim](
    rows=lambda: Claim.objects.select_related("case__account__plan", "case__owner", "plan"),
    case_of=lambda claim: claim.case,
    noun="claim",
    verbs=VERBS,
    work=WORK,
    rows_of=rows_of,
    words=WORDS,
    preview=lambda name, claim, body, at: preview(name, claim, body, at=at),
    refusals=(DecisionError,),
    template="admin/claims/deed.html",
    facts=_facts,
)
