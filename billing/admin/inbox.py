"""The back office's pages of one Stripe event: what it is, what became of it, and processing it again."""

import json
import uuid

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing.admin.forms import ReasonForm
from billing.inbox import HANDLERS
from billing.models import EventStatus, PaymentFailure, StripeEvent
from billing.models.inbox import EVENT_WORDS, MAX_ATTEMPTS
from billing.webhooks import PROCESS_TASK
from levqor.lib.actors import Actor, staff
from levqor.lib.admin import badge
from levqor.lib.nudge import nudge
from levqor.lib.states import IllegalMoveError, StaleStateError

TONES = {
    EventStatus.STORED: "wait",
    EventStatus.PROCESSING: "wait",
    EventStatus.DONE: "good",
    EventStatus.IGNORED: "plain",
    EventStatus.FAILED: "bad",
}


def may_process_events(request: HttpRequest) -> bool:
    """Who may put an event back may also read its body, which holds the customer's name and address."""
    return request.user.has_perms(["billing.view_stripeevent", "billing.change_stripeevent"])


def state_badge(event: StripeEvent) -> SafeString:
    return badge(event.get_status_display(), TONES[EventStatus(event.status)])


def known_types() -> list[tuple[str, str]]:
    """The types of event that Levqor acts on or has words for."""
    return [(name, name) for name in HANDLERS.keys() | EVENT_WORDS.keys()]


def advice(event: StripeEvent) -> str:
    """One paragraph: what to do here."""
    if event.status == EventStatus.FAILED:
        return (
            f"Levqor tried {event.attempts} times and gave up; the error above says why. The case may not show what this "
            "event tells. Once the cause is mended, process it again: it is judged by how things stand at Stripe then."
        )
    if event.status in {EventStatus.STORED, EventStatus.PROCESSING}:
        tries = f" It failed {event.attempts} of {MAX_ATTEMPTS} times so far." if event.error else ""
        return f"Nothing: it is processed in a moment, and tried again by itself if that fails.{tries}"
    if event.status == EventStatus.IGNORED:
        return "Nothing: Levqor keeps events like this one and does nothing about them."
    return "Nothing: it is done."


def event_view(request: HttpRequest, event: StripeEvent, site: admin.AdminSite) -> HttpResponse:
    """One event. The caller has checked that this person may see it."""
    may_process = may_process_events(request)
    may_see_case = request.user.has_perm("billing.view_paymentfailure")
    case = PaymentFailure.objects.filter(invoice_id=event.invoice_id, livemode=event.livemode).first()
    context = site.each_context(request) | {
        "opts": StripeEvent._meta,
        "title": event.words,
        "has_own_heading": True,
        "original": event,
        "event": event,
        "state": state_badge(event),
        "advice": advice(event),
        "case": case if may_see_case else None,
        "body": _pretty(event) if may_process else "",
        "can_process_again": may_process and event.status in StripeEvent.TRANSITIONS,
    }
    return TemplateResponse(request, "admin/billing/event.html", context)


def _pretty(event: StripeEvent) -> str:
    """The body, indented; as it came where it is no JSON."""
    try:
        # Half of a surrogate pair, which JSON may carry and no page can, stays the escape that it came as.
        return json.dumps(event.payload, indent=2, ensure_ascii=False).encode(errors="backslashreplace").decode()
    except ValueError:
        return bytes(event.body).decode(errors="replace")


def process_again(event: StripeEvent, *, by: Actor, reason: str) -> None:
    """Puts a failed or ignored event back into the inbox and wakes the worker."""
    event.process_again(by=by, at=timezone.now(), reason=reason)
    nudge(PROCESS_TASK)


def process_again_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """Asks why on GET; on POST does it and answers with the event's page."""
    if not may_process_events(request):
        raise PermissionDenied
    event = get_object_or_404(StripeEvent.objects.defer("body"), pk=pk)
    back_url = reverse("admin:billing_stripeevent_change", args=[pk])
    form = ReasonForm(request.POST or None, initial={"token": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            process_again(event, by=staff(request.user), reason=form.cleaned_data["reason"])
        except (IllegalMoveError, StaleStateError) as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The event is in the inbox again and is processed in a moment.")
            return redirect(back_url)
    context = site.each_context(request) | {
        "opts": StripeEvent._meta,
        "title": f"{'Problem: ' if form.errors else ''}Process again, {event.words.lower()}",
        "has_own_heading": True,
        "original": event,
        "event": event,
        "verb": {
            "label": "Process again",
            "explanation": "The event is handled as if it had just arrived. What it did before is not done twice.",
        },
        "form": form,
        "is_possible": event.status in StripeEvent.TRANSITIONS,
        "back_url": back_url,
    }
    return TemplateResponse(request, "admin/billing/steer.html", context)
