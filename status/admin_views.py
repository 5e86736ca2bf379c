"""The back office's status pages: opening an incident, posting an update, planning a window; each with a preview."""

from copy import copy
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from levqor.lib.actors import staff
from levqor.lib.states import IllegalMoveError, StaleStateError
from status import emails, incidents
from status.admin_forms import (
    DismissForm,
    HeadForm,
    IncidentForm,
    MaintenanceForm,
    PastForm,
    TitleForm,
    UpdateForm,
    WindowUpdateForm,
)
from status.models import Impact, Incident, IncidentKind, IncidentStatus, IncidentTemplate, Subscriber, SubscriberState

PAST: Final = "past"
OPENING: Final[dict[str, tuple[type[IncidentForm | MaintenanceForm], str]]] = {
    IncidentKind.INCIDENT: (IncidentForm, "Open an incident"),
    IncidentKind.MAINTENANCE: (MaintenanceForm, "Plan maintenance"),
    PAST: (PastForm, "Write down an incident that is over"),
}


def open_view(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """A new incident, one that is over (`?kind=past`), or a planned window (`?kind=maintenance`); `?template=` fills it."""
    wanted = request.GET.get("kind", "")
    kind = IncidentKind.MAINTENANCE if wanted == IncidentKind.MAINTENANCE else IncidentKind.INCIDENT
    made_from, title = OPENING.get(wanted, OPENING[IncidentKind.INCIDENT])
    templates = IncidentTemplate.objects.none() if wanted == PAST else IncidentTemplate.objects.filter(kind=kind)
    form = made_from(None, request.POST or None, initial=_filled(request, templates))
    if request.method == "POST" and form.is_valid() and "publish" in request.POST:
        return redirect("admin:status_incident_change", _open_once(form, request).pk)
    context = {"templates": templates, "kind": kind, "title": title}
    return _show(request, site, form, None, context)


def _filled(request: HttpRequest, templates: Any) -> dict[str, str]:
    wanted = request.GET.get("template", "")
    chosen = templates.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 19 else None
    if chosen is None:
        return {}
    return {"name": chosen.title, "impact": chosen.impact, "status": chosen.status, "body": chosen.body}


def _open_once(form: IncidentForm | MaintenanceForm, request: HttpRequest) -> Incident:
    """Opens what the form says, or finds what the same form has opened already: a button is easily pressed twice."""
    try:
        incident = _open(form, request)
    except IntegrityError:
        known = Incident.objects.filter(public_id=form.cleaned_data["public_id"]).first()
        if known is None:
            raise
        messages.info(request, f"“{known}” was on the page already: the button was pressed twice.")
        return known
    messages.success(request, f"“{incident}” is on the page{_told(form)}.")
    _warn_of_short_notice(request, form)
    return incident


def _open(form: IncidentForm | MaintenanceForm, request: HttpRequest) -> Incident:
    by, at, facts = staff(request.user), timezone.now(), form.cleaned_data
    public_id = facts["public_id"]
    if isinstance(form, MaintenanceForm):
        return incidents.schedule_maintenance(
            facts["name"],
            form.update(),
            start=facts["start"],
            end=facts["end"],
            starts_itself=facts["starts_itself"],
            ends_itself=facts["ends_itself"],
            public_id=public_id,
            by=by,
            at=at,
        )
    impact, began = Impact(facts["impact"]), facts["started_at"] or at
    if isinstance(form, PastForm):
        return incidents.record_past(
            facts["name"], impact, form.said(), started_at=began, by=by, at=at, public_id=public_id
        )
    return incidents.open_incident(
        facts["name"], impact, form.update(), by=by, at=at, public_id=public_id, started_at=began
    )


def _warn_of_short_notice(request: HttpRequest, form: UpdateForm) -> None:
    if isinstance(form, MaintenanceForm) and form.is_short_notice(at=timezone.now()):
        messages.warning(request, "Announced less than 48 hours ahead: an outage in this window counts as downtime.")


def incident_view(request: HttpRequest, incident: Incident, site: admin.AdminSite) -> HttpResponse:
    """One incident with what was said, and the form for the next update."""
    is_draft = incident.status == IncidentStatus.DRAFT
    if is_draft and not incident.is_maintenance:
        initial = {"name": incident.name, "impact": incident.impact}
        form: UpdateForm = IncidentForm(incident, request.POST or None, initial=initial)
    else:
        form = (WindowUpdateForm if incident.scheduled_for else UpdateForm)(incident, request.POST or None)
    is_sent = request.method == "POST" and _may_publish(request) and "publish" in request.POST
    if is_sent and form.is_valid() and _post(request, incident, form):
        return redirect("admin:status_incident_change", incident.pk)
    context = {"title": str(incident), "original": incident, "is_draft": is_draft, "dismiss_form": DismissForm()}
    if incident.is_published:
        context["title_form"] = TitleForm(initial={"name": incident.name, "seen_name": incident.name})
    return _show(request, site, form, incident, context)


def _post(request: HttpRequest, incident: Incident, form: UpdateForm) -> bool:
    by, at, facts = staff(request.user), timezone.now(), form.cleaned_data
    update, seen = form.update(), facts["seen"]
    try:
        if isinstance(form, IncidentForm):
            impact = Impact(facts["impact"])
            incidents.publish_draft(incident, facts["name"], impact, update, by=by, at=at, seen=seen)
        else:
            incidents.post_update(incident, update, by=by, at=at, seen=seen)
    except (IllegalMoveError, StaleStateError, incidents.RefusedError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"The update is on the page{_told(form)}.")
    return True


def _told(form: UpdateForm) -> str:
    if not form.cleaned_data["notify"]:
        return ", without a mail"
    count = Subscriber.objects.filter(state=SubscriberState.ACTIVE).count()
    return (
        f", and goes to those of {count} subscribers whom it concerns" if count else ", and there is no subscriber yet"
    )


@require_POST
def dismiss_view(request: HttpRequest, incident: Incident) -> HttpResponse:
    """A draft that was no incident."""
    if not _may_publish(request):
        raise PermissionDenied
    form = DismissForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why it is no incident; the words are kept in the audit trail.")
        return redirect("admin:status_incident_change", incident.pk)
    try:
        incidents.dismiss(incident, by=staff(request.user), at=timezone.now(), reason=form.cleaned_data["reason"])
        messages.success(request, "The draft is dismissed.")
    except (IllegalMoveError, StaleStateError) as error:
        messages.error(request, str(error))
    return redirect("admin:status_incident_changelist")


@require_POST
def title_view(request: HttpRequest, incident: Incident) -> HttpResponse:
    """A slip in the title that is on the page."""
    if not _may_publish(request):
        raise PermissionDenied
    form = TitleForm(request.POST)
    if not form.is_valid():
        faults = " ".join(
            f"{form.fields[name].label}: {' '.join(map(str, said))}" for name, said in form.errors.items()
        )
        messages.error(request, f"The title is not changed. {faults}")
        return redirect("admin:status_incident_change", incident.pk)
    facts, by, at = form.cleaned_data, staff(request.user), timezone.now()
    try:
        # The title that was on screen: of two people at once, the second is told.
        incident.name = facts["seen_name"]
        incidents.correct_title(incident, facts["name"], by=by, at=at, reason=facts["reason"])
        messages.success(request, "The title is corrected on the page and in the feeds; nobody is mailed.")
    except incidents.RefusedError as error:
        messages.error(request, str(error))
    return redirect("admin:status_incident_change", incident.pk)


def _may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm("status.publish_incident")


def _show(
    request: HttpRequest, site: admin.AdminSite, form: UpdateForm, incident: Incident | None, context: dict[str, Any]
) -> HttpResponse:
    everything = site.each_context(request) | {
        "opts": Incident._meta,
        "form": form,
        "incident": incident,
        "updates": incident.updates.select_related("author") if incident else [],
        "state_fields": [form[f"state_{one.slug}"] for one in form.components],
        "may_publish": _may_publish(request),
        "preview": _preview(form, incident) if form.is_bound and form.is_valid() else None,
        **context,
    }
    return TemplateResponse(request, "admin/status/incident.html", everything)


def _preview(form: UpdateForm, incident: Incident | None) -> dict[str, Any]:
    """How the update will look: on the page, and as a mail."""
    at, facts, update = timezone.now(), form.cleaned_data, form.update()
    shown = copy(incident) if incident else Incident(kind=form.kind, public_id=facts["public_id"])
    if isinstance(form, HeadForm):
        shown.name, shown.impact = facts["name"], facts.get("impact", Impact.MAINTENANCE)
        shown.scheduled_for, shown.scheduled_until = facts.get("start"), facts.get("end")
    if update.window:
        shown.scheduled_for, shown.scheduled_until = update.window
    changes = incidents.changes_of(shown, update)
    affected = [emails.affected_line(one.name, new) for one, (_, new) in changes.items()]
    return {
        "name": shown.name,
        "label": update.status.label,
        "body": update.body,
        "at": at,
        "affected": affected,
        "mail": emails.preview(shown, update.status, update.body, affected, at=at),
    }
