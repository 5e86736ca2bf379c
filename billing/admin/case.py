"""The back office's billing pages that are more than a list: one case, each verb with its question, and the report."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing import reports, staff_actions
from billing.admin import timeline
from billing.admin.forms import SteeringForm
from billing.admin.timeline import in_words
from billing.admin.verbs import VERB_OF_SLUG, VERBS, Verb
from billing.emails import working_address
from billing.holds import WINDOW_CLOSES, WINDOW_OPENS
from billing.models import DunningStep, FailureStatus, PaymentFailure, RecoveryMethod, StepStatus
from billing.models.failure import total_of
from billing.pay_links import pay_url
from billing.suspension import suspension_after_decision
from levqor.accounts.models import Account, Standing
from levqor.lib.actors import staff
from levqor.lib.admin import badge
from levqor.lib.money import format_money
from levqor.lib.states import IllegalMoveError, StaleStateError

STANDING_TONES = {Standing.ACTIVE: "good", Standing.PAST_DUE: "warn", Standing.SUSPENDED: "bad"}
STATUS_TONES = {
    FailureStatus.OPEN: "wait",
    FailureStatus.RECOVERED: "good",
    FailureStatus.EXHAUSTED: "warn",
    FailureStatus.CLOSED: "plain",
}
STEP_TONES = {
    StepStatus.PENDING: "plain",
    StepStatus.SENDING: "wait",
    StepStatus.SENT: "good",
    StepStatus.CANCELLED: "plain",
    StepStatus.SKIPPED: "plain",
    StepStatus.FAILED: "bad",
    StepStatus.UNKNOWN: "warn",
}
STRIPE_DASHBOARD = "https://dashboard.stripe.com"


def may_steer(request: HttpRequest) -> bool:
    return request.user.has_perms(["billing.change_paymentfailure", "billing.steer_dunning"])


def case_url(case: PaymentFailure) -> str:
    return reverse("admin:billing_paymentfailure_change", args=[case.pk])


def case_view(request: HttpRequest, case: PaymentFailure, site: admin.AdminSite) -> HttpResponse:
    """Everything about one case on one page. The caller has checked that this person may see it."""
    at = timezone.now()
    prefetch_related_objects([case], "steps__mail")
    context = site.each_context(request) | {
        "opts": PaymentFailure._meta,
        "title": f"Invoice {case}",
        "has_own_heading": True,
        "original": case,
        "is_dunning_off": not settings.DUNNING_ENABLED,
        "case": case,
        "advice": timeline.advice(case, at=at),
        "verbs": [verb for verb in VERBS if may_steer(request) and verb.is_possible(case, at)],
        "seen": staff_actions.newest_entry(case),
        "moments": timeline.timeline(case, may_see_events=request.user.has_perm("billing.view_stripeevent")),
        **_facts(request, case, at),
    }
    return TemplateResponse(request, "admin/billing/case.html", context)


def _facts(request: HttpRequest, case: PaymentFailure, at: datetime) -> dict[str, Any]:
    """What the panels beside the history show: the invoice, the customer, the steps."""
    account = case.account
    return {
        "state": state_badge(case, at=at),
        "standing": standing_badge(case),
        "decline": _decline_in_words(case),
        "recovered": format_money(case.recovered_cents, case.currency) if case.recovered_cents else "",
        "account_url": _account_url(request, case),
        "stripe_url": _stripe_url(case),
        "steps": [
            (step, badge(step.get_status_display(), STEP_TONES[StepStatus(step.status)])) for step in case.steps.all()
        ],
        "next_step": next((step for step in case.steps.all() if step.status == StepStatus.PENDING), None),
        "is_paused": case.is_unsettled and case.is_paused(at=at),
        "paused_until": timeline.there(case.paused_until, account.zone) if case.paused_until else "",
        "clock_there": f"{at.astimezone(account.zone):%H:%M}",
        "suspensions": list(account.live_suspensions()),
        "addresses": timeline.addresses(case),
        "pay_url": pay_url(case) if case.is_unsettled else "",
        "others": account.payment_failures.unsettled().exclude(pk=case.pk),
    }


def state_badge(case: PaymentFailure, *, at: datetime) -> SafeString:
    if case.is_unsettled and case.is_paused(at=at):
        return badge("Paused", "warn")
    if case.status == FailureStatus.RECOVERED and case.recovery_method == RecoveryMethod.CREDIT_NOTE:
        return badge("Credited", "plain")
    return badge(case.get_status_display(), STATUS_TONES[FailureStatus(case.status)])


def standing_badge(case: PaymentFailure) -> SafeString:
    return badge(case.account.get_standing_display(), STANDING_TONES[Standing(case.account.standing)])


def _decline_in_words(case: PaymentFailure) -> str:
    if case.needs_authentication:
        return "the customer has to confirm (3-D Secure)"
    return case.decline_code.replace("_", " ") or "nothing"


def _account_url(request: HttpRequest, case: PaymentFailure) -> str:
    """The account's page, where this person may open it."""
    may_open = request.user.has_perm("accounts.view_account") and admin.site.is_registered(Account)
    return reverse("admin:accounts_account_change", args=[case.account_id]) if may_open else ""


def _stripe_url(case: PaymentFailure) -> str:
    """The dashboard's address of this mode; empty without a key, when there is nothing to look up."""
    if not settings.STRIPE_SECRET_KEY:
        return ""
    return STRIPE_DASHBOARD if case.livemode else f"{STRIPE_DASHBOARD}/test"


def steer_view(request: HttpRequest, pk: int, slug: str, site: admin.AdminSite) -> HttpResponse:
    """Asks "really, and why?" on GET, does it on POST, and answers with the case's page."""
    verb = VERB_OF_SLUG[slug]
    if not may_steer(request):
        raise PermissionDenied
    case = get_object_or_404(PaymentFailure.objects.select_related("account"), pk=pk)
    newest = staff_actions.newest_entry(case)
    form = verb.form(case, request.POST or None, initial={"token": uuid.uuid4(), "seen_entry": newest})
    if request.method == "POST":
        changes = _carry_out(request, verb, case, form) if form.is_valid() else []
        if changes is None:
            return redirect(case_url(case))
    elif not verb.is_possible(case, timezone.now()):
        messages.warning(request, f"“{verb.label}” is not possible here any more; this is how the case stands now.")
        return redirect(case_url(case))
    else:
        changes = timeline.changes_since(case, _seen(request, newest))
    context = site.each_context(request) | _question(case, verb, form, changes)
    return TemplateResponse(request, "admin/billing/steer.html", context)


def _seen(request: HttpRequest, newest: int) -> int:
    """What the page that the person comes from showed as the newest entry."""
    given = request.GET.get("seen", "")
    return min(int(given), newest) if given.isdecimal() and len(given) < 19 else newest


def _carry_out(
    request: HttpRequest, verb: Verb, case: PaymentFailure, form: SteeringForm
) -> list[timeline.Moment] | None:
    """None where it is done; else what changed in the meantime, with the form keeping what was typed."""
    reason = str(form.cleaned_data["reason"])
    try:
        verb.carry_out(case, form, staff(request.user), timezone.now())
    except staff_actions.ChangedError:
        if not timeline.is_own_repeat(case, form.seen, user_id=request.user.pk, reason=reason):
            changes = timeline.changes_since(case, form.seen)
            form.show_again(
                staff_actions.newest_entry(case), "Nothing was done: the case changed while you were typing."
            )
            return changes
    except (staff_actions.RefusedError, IllegalMoveError, StaleStateError) as refusal:
        form.show_again(staff_actions.newest_entry(case), str(refusal))
        return []
    messages.success(request, verb.done)
    return None


def _question(case: PaymentFailure, verb: Verb, form: SteeringForm, changes: list[timeline.Moment]) -> dict[str, Any]:
    at = timezone.now()
    case.refresh_from_db()
    return {
        "opts": PaymentFailure._meta,
        "title": f"{'Problem: ' if form.errors else ''}{verb.label}, invoice {case}",
        "has_own_heading": True,
        "original": case,
        "case": case,
        "verb": verb,
        "form": form,
        "changes": changes,
        "is_possible": verb.is_possible(case, at),
        "consequences": consequences(verb.slug, case, at=at),
        "previews": _previews(case) if verb.slug == "resend" else [],
        "needs_address": verb.slug == "resend" and not working_address(case.account),
        "back_url": case_url(case),
    }


def _previews(case: PaymentFailure) -> list[tuple[DunningStep, str]]:
    """Each mail that could be sent again, with the address of how it would read now."""
    steps = case.steps.filter(status__in=staff_actions.RESENDABLE)
    base = reverse("admin:billing_preview_html")
    return [(step, f"{base}?case={case.pk}&template={step.template}") for step in steps]


def report_view(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """Recovered against lost, drawn and as a table, and what each step brought back."""
    if not request.user.has_perm("billing.view_paymentfailure"):
        raise PermissionDenied
    steps = reports.by_step_and_method()
    context = site.each_context(request) | {
        "opts": PaymentFailure._meta,
        "title": "Recovered and lost",
        "has_own_heading": True,
        "charts": reports.charts(reports.by_month()),
        "steps": steps,
        "totals": reports.totals(steps),
    }
    return TemplateResponse(request, "admin/billing/report.html", context)


def consequences(slug: str, case: PaymentFailure, *, at: datetime) -> list[str]:
    """One sentence for each effect; empty for a verb whose explanation says it all."""
    tell = TELLERS.get(slug)
    return tell(case, at) if tell else []


def _planned(case: PaymentFailure) -> list[DunningStep]:
    return [step for step in case.steps.all() if step.status in {StepStatus.PENDING, StepStatus.SENDING}]


def _named(step: DunningStep) -> str:
    return f"{step.get_template_display()} (day {step.offset_days}), planned for {in_words(step.scheduled_for)}"


def _pause(case: PaymentFailure, at: datetime) -> list[str]:
    return [f"Waits: {_named(step)}." for step in _planned(case)]


def _resume(case: PaymentFailure, at: datetime) -> list[str]:
    hours = f"between {WINDOW_OPENS:02d}:00 and {WINDOW_CLOSES}:00 in {case.account.zone.key.replace('_', ' ')}"
    late = next((step for step in _planned(case) if step.scheduled_for <= at), None)
    if late:
        return [f"Goes out with the next pass, {hours}: {late.get_template_display()} (day {late.offset_days})."]
    return [f"Next: {_named(step)}." for step in _planned(case)[:1]]


def _stop(case: PaymentFailure, at: datetime) -> list[str]:
    found = [f"Is cancelled: {_named(step)}." for step in _planned(case)]
    if case.suspended_at:
        found.append("The suspension for this invoice is lifted, unless another unpaid invoice led to one as well.")
    return [*found, f"{case.amount} counts as lost in the report, unless it is paid one day."]


def _clear_flag(case: PaymentFailure, at: datetime) -> list[str]:
    moment = case.suspend_at or suspension_after_decision(case, at=at)
    if case.status == FailureStatus.EXHAUSTED and moment and not case.suspended_at:
        when = "with the next pass" if moment <= at else f"after {in_words(moment)}"
        return [f"The account is suspended {when}: all steps are done and only the flag held it."]
    return [f"Next: {_named(step)}." for step in _planned(case)[:1]]


def _exempt(case: PaymentFailure, at: datetime) -> list[str]:
    owed = case.account.payment_failures.unsettled().count()
    return [f"{case.account} has {owed} failed payment{'' if owed == 1 else 's'} at this moment; none of them goes on."]


def _resend(case: PaymentFailure, at: datetime) -> list[str]:
    address = working_address(case.account)
    if not address:
        return ["There is no address that works: add one first."]
    owed = total_of(case.account.payment_failures.unsettled())
    return [f"Goes to {address}.", f"Asks for {owed}, all that this customer owes."]


TELLERS = {
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "clear-flag": _clear_flag,
    "exempt": _exempt,
    "resend": _resend,
}
