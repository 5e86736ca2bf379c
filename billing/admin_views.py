"""The back office's billing pages that are more than a list: one case, and each verb with its question."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing import case_page, reports, steering
from billing.forms import PauseForm, ReasonForm, ResendForm, SkipForm, SteeringForm
from billing.models import FailureStatus, PaymentFailure, StepStatus, StripeEvent
from billing.pay_links import pay_url
from levqor.accounts.models import Account, Standing, Suspension
from levqor.lib.actors import Actor, staff
from levqor.lib.admin import badge
from levqor.lib.money import format_money
from levqor.lib.nudge import nudge
from levqor.lib.states import IllegalMoveError, StaleStateError

STANDING_TONES = {Standing.ACTIVE: "good", Standing.PAST_DUE: "warn", Standing.SUSPENDED: "bad"}
STATUS_TONES = {
    FailureStatus.OPEN: "wait",
    FailureStatus.RECOVERED: "good",
    FailureStatus.EXHAUSTED: "warn",
    FailureStatus.CLOSED: "plain",
}

type Deed = Callable[[PaymentFailure, SteeringForm, Actor, datetime], object]


@dataclass(frozen=True)
class Verb:
    """One thing staff may do: its address, its words, its form, its call, and when it makes sense."""

    slug: str
    label: str
    explanation: str
    done: str
    deed: Deed
    is_possible: Callable[[PaymentFailure, datetime], bool]
    form: type[SteeringForm] = SteeringForm
    is_grave: bool = False


def _why(form: SteeringForm) -> str:
    return str(form.cleaned_data["reason"])


def _pause(case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
    assert isinstance(form, PauseForm)  # noqa: S101  # the table below pairs the two
    steering.pause(case, until=form.until(), by=by, at=at, reason=_why(form))


def _resend(case: PaymentFailure, form: SteeringForm, by: Actor, at: datetime) -> None:
    token = str(form.cleaned_data["token"])
    steering.resend(form.cleaned_data["step"], token=token, by=by, at=at, reason=_why(form))


def _is_suspended(case: PaymentFailure) -> bool:
    return case.account.live_suspensions().filter(reason=Suspension.Reason.BILLING).exists()


def _has_steps(case: PaymentFailure, statuses: set[StepStatus]) -> bool:
    return case.steps.filter(status__in=statuses).exists()


VERBS = [
    Verb(
        "pause",
        "Pause",
        "No mail and no suspension for this invoice, also when Stripe tries the card again.",
        "The case is paused.",
        _pause,
        lambda case, at: case.is_unsettled and not case.is_paused(at=at),
        PauseForm,
    ),
    Verb(
        "resume",
        "Resume",
        "The steps go on. One that fell due in the meantime goes out with the next pass.",
        "The case goes on.",
        lambda case, form, by, at: steering.resume(case, by=by, at=at, reason=_why(form)),
        lambda case, at: case.is_unsettled and case.is_paused(at=at),
    ),
    Verb(
        "skip",
        "Skip a step",
        "The step is left out and the next one stays on its date. Leaving out the last one means no suspension.",
        "The step is skipped.",
        lambda case, form, by, at: steering.skip_step(form.cleaned_data["step"], by=by, at=at, reason=_why(form)),
        lambda case, at: case.status == FailureStatus.OPEN and _has_steps(case, SkipForm.statuses),
        SkipForm,
    ),
    Verb(
        "resend",
        "Resend a mail",
        "The mail is written anew with today’s amounts and dates, and goes to the first address that works.",
        "The mail is on its way.",
        _resend,
        lambda case, at: case.is_unsettled and _has_steps(case, ResendForm.statuses),
        ResendForm,
    ),
    Verb(
        "clear-flag",
        "Dealt with",
        "Takes the flag off. The case goes on by itself, a suspension that waited for a person included.",
        "The flag is off.",
        lambda case, form, by, at: steering.clear_flag(case, by=by, at=at, reason=_why(form)),
        lambda case, at: bool(case.flag),
    ),
    Verb(
        "suspend",
        "Suspend now",
        "Switches the customer’s service off, although the case is flagged. Stripe is asked once more before that.",
        "The account is suspended.",
        lambda case, form, by, at: steering.suspend_now(case, by=by, at=at, reason=_why(form)),
        lambda case, at: case.status == FailureStatus.EXHAUSTED and bool(case.flag) and not case.suspended_at,
        is_grave=True,
    ),
    Verb(
        "restore",
        "Restore the account",
        "Switches the service on again although nothing was paid. This invoice does not suspend it a second time.",
        "The account is restored.",
        lambda case, form, by, at: steering.restore_account(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: _is_suspended(case),
    ),
    Verb(
        "exempt",
        "Exempt the account",
        "No reminder and no suspension for any invoice of this account, until the exemption is ended.",
        "The account is exempt.",
        lambda case, form, by, at: steering.exempt(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: not case.account.is_exempt_from_dunning,
    ),
    Verb(
        "end-exemption",
        "End the exemption",
        "Reminders and suspensions work for this account again, from the next pass on.",
        "The exemption is ended.",
        lambda case, form, by, at: steering.end_exemption(case.account, by=by, at=at, reason=_why(form)),
        lambda case, at: case.account.is_exempt_from_dunning,
    ),
    Verb(
        "stop",
        "Stop the case",
        "Ends the case for good: planned steps are cancelled, and a suspension for this invoice is lifted. The invoice "
        "at Stripe stays as it is.",
        "The case is stopped.",
        lambda case, form, by, at: steering.stop(case, by=by, at=at, reason=_why(form)),
        lambda case, at: case.is_unsettled,
        is_grave=True,
    ),
]
VERB_OF_SLUG = {verb.slug: verb for verb in VERBS}


def may_steer(request: HttpRequest) -> bool:
    return request.user.has_perms(["billing.change_paymentfailure", "billing.steer_dunning"])


def case_url(case: PaymentFailure) -> str:
    return reverse("admin:billing_paymentfailure_change", args=[case.pk])


def case_view(request: HttpRequest, case: PaymentFailure, site: admin.AdminSite) -> HttpResponse:
    """Everything about one case on one page. The caller has checked that this person may see it."""
    at = timezone.now()
    may_see_events = request.user.has_perm("billing.view_stripeevent")
    context = site.each_context(request) | {
        "opts": PaymentFailure._meta,
        "title": f"Invoice {case}",
        "original": case,
        "is_dunning_off": not settings.DUNNING_ENABLED,
        "case": case,
        "state": state_badge(case, at=at),
        "standing": standing_badge(case),
        "decline": _decline_in_words(case),
        "recovered": format_money(case.recovered_cents, case.currency) if case.recovered_cents else "",
        "account_url": _account_url(request, case),
        "steps": case.steps.all(),
        "is_paused": case.is_paused(at=at),
        "advice": case_page.advice(case, at=at),
        "moments": case_page.timeline(case, may_see_events=may_see_events),
        "verbs": [verb for verb in VERBS if may_steer(request) and verb.is_possible(case, at)],
        "suspensions": list(case.account.live_suspensions()),
        "addresses": case.account.billing_addresses(),
        "pay_url": pay_url(case) if case.is_unsettled else "",
        "others": case.account.payment_failures.unsettled().exclude(pk=case.pk),
    }
    return TemplateResponse(request, "admin/billing/case.html", context)


def state_badge(case: PaymentFailure, *, at: datetime) -> SafeString:
    if case.is_unsettled and case.is_paused(at=at):
        return badge("Paused", "warn")
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


def steer_view(request: HttpRequest, pk: int, slug: str, site: admin.AdminSite) -> HttpResponse:
    """Asks "really, and why?" on GET, does it on POST, and answers with the case's page."""
    verb = VERB_OF_SLUG[slug]
    if not may_steer(request):
        raise PermissionDenied
    case = get_object_or_404(PaymentFailure.objects.select_related("account"), pk=pk)
    form = verb.form(case, request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        _carry_out(request, verb, case, form)
        return redirect(case_url(case))
    if request.method != "POST" and not verb.is_possible(case, timezone.now()):
        messages.warning(request, f"“{verb.label}” is not possible here any more; this is how the case stands now.")
        return redirect(case_url(case))
    context = site.each_context(request) | {
        "opts": PaymentFailure._meta,
        "title": f"{verb.label}: invoice {case}",
        "original": case,
        "case": case,
        "verb": verb,
        "form": form,
        "back_url": case_url(case),
    }
    return TemplateResponse(request, "admin/billing/steer.html", context)


def _carry_out(request: HttpRequest, verb: Verb, case: PaymentFailure, form: SteeringForm) -> None:
    try:
        verb.deed(case, form, staff(request.user), timezone.now())
    except (steering.RefusedError, IllegalMoveError, StaleStateError) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, verb.done)


def report_view(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """Recovered against lost, drawn and as a table, and what each step brought back."""
    if not request.user.has_perm("billing.view_paymentfailure"):
        raise PermissionDenied
    context = site.each_context(request) | {
        "opts": PaymentFailure._meta,
        "title": "Recovered and lost",
        "charts": reports.charts(reports.by_month()),
        "steps": reports.by_step(),
    }
    return TemplateResponse(request, "admin/billing/report.html", context)


def may_process_events(request: HttpRequest) -> bool:
    """Who may put an event back may also read its body, which holds the customer's name and address."""
    return request.user.has_perms(["billing.view_stripeevent", "billing.change_stripeevent"])


def process_again_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """Asks why on GET; on POST puts a failed or ignored event back into the inbox and wakes the worker."""
    if not may_process_events(request):
        raise PermissionDenied
    event = get_object_or_404(StripeEvent.objects.defer("body"), pk=pk)
    back_url = reverse("admin:billing_stripeevent_change", args=[pk])
    form = ReasonForm(request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            event.process_again(by=staff(request.user), at=timezone.now(), reason=form.cleaned_data["reason"])
        except (IllegalMoveError, StaleStateError) as refusal:
            messages.error(request, str(refusal))
        else:
            nudge("billing.process_stripe_events")
            messages.success(request, "The event is in the inbox again and is processed in a moment.")
        return redirect(back_url)
    context = site.each_context(request) | {
        "opts": StripeEvent._meta,
        "title": f"Process again: {event.type}",
        "original": event,
        "verb": {
            "label": "Process again",
            "explanation": "The event is handled as if it had just arrived. What it did before is not done twice.",
        },
        "form": form,
        "back_url": back_url,
    }
    return TemplateResponse(request, "admin/billing/steer.html", context)
