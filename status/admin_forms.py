"""The forms of the back office's status pages: one screen for an incident, its next update, and a planned window."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from levqor.lib.forms import LineField, LongTextField
from status.component_states import ComponentState, worst
from status.incidents import IMPACTS, LONGEST, NOT_YET, OVERTAKEN, RefusedError, Said, Update, check_past
from status.models import Component, Impact, Incident, IncidentKind, IncidentStatus
from status.models.incidents import ANNOUNCED_AHEAD, new_public_id

SAYABLE = {
    IncidentKind.INCIDENT: [IncidentStatus.INVESTIGATING, IncidentStatus.IDENTIFIED, IncidentStatus.MONITORING],
    IncidentKind.MAINTENANCE: [IncidentStatus.SCHEDULED],
}
FAULTS = [ComponentState.OPERATIONAL, ComponentState.DEGRADED, ComponentState.PARTIAL, ComponentState.MAJOR]


def moment(label: str, *, required: bool = True, help_text: str = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, required=required, widget=widget, help_text=help_text)


def words(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))


def _minute(time: datetime) -> datetime:
    """As the form shows it."""
    return time.replace(second=0, microsecond=0)


class UpdateForm(forms.Form):
    """What is said next: the status, the words, and how each component is. Fields of components are made on the fly."""

    status = forms.ChoiceField(label="Status")
    body = LongTextField(
        label="What do we tell?",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What is known, what it means for customers, and when you will write again.",
    )
    notify = forms.BooleanField(label="Mail the subscribers", required=False, initial=True)
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, incident: Incident | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.incident = incident
        self.components = list(Component.objects.all())
        status = self.fields["status"]
        assert isinstance(status, forms.ChoiceField)  # noqa: S101  # declared so above
        status.choices = [(value, IncidentStatus(value).label) for value in self._statuses()]
        if incident and incident.status in dict(status.choices):
            status.initial = incident.status
        self.updates_now = incident.updates.count() if incident else 0
        for component in self.components:
            self.fields[f"state_{component.slug}"] = self._state_field(component)

    def _statuses(self) -> list[str]:
        if self.incident is None:
            return [str(status) for status in SAYABLE[self.kind]]
        allowed = Incident.TRANSITIONS[self.incident.status] - {IncidentStatus.DISMISSED}
        if self.incident.status == IncidentStatus.DRAFT:
            allowed = {*SAYABLE[IncidentKind(self.incident.kind)], IncidentStatus.RESOLVED}
        return [value for value in IncidentStatus.values if value in allowed]

    @property
    def kind(self) -> IncidentKind:
        return IncidentKind.INCIDENT

    def _state_field(self, component: Component) -> forms.Field:
        current = self.incident.impacts.filter(component=component, ended_at=None).first() if self.incident else None
        # What a window holds under maintenance stays so until somebody says otherwise.
        is_window = self.incident is not None and self.incident.is_maintenance
        return forms.ChoiceField(
            label=component.name,
            choices=[(state.value, state.label) for state in (ComponentState if is_window else FAULTS)],
            initial=current.state if current else ComponentState.OPERATIONAL,
        )

    def clean_seen(self) -> int:
        """Two people at once: the second is told, and keeps what was typed."""
        seen = int(self.cleaned_data["seen"])
        if self.updates_now != seen:
            raise ValidationError(OVERTAKEN)
        return seen

    def states(self) -> dict[Component, ComponentState]:
        return {one: ComponentState(self.cleaned_data[f"state_{one.slug}"]) for one in self.components}

    def update(self) -> Update:
        return Update(
            IncidentStatus(self.cleaned_data["status"]),
            self.cleaned_data["body"],
            self.states(),
            notify=self.cleaned_data["notify"],
        )


class WindowUpdateForm(UpdateForm):
    """What is said next of planned maintenance; its window may be moved with the same words."""

    start = moment("Begins", required=False)
    end = moment("Ends", required=False)
    field_order = ["status", "body", "start", "end", "notify"]

    def __init__(self, incident: Incident, *args: Any, **kwargs: Any) -> None:
        super().__init__(incident, *args, **kwargs)
        self.window = {"start": incident.scheduled_for, "end": incident.scheduled_until}
        for name, known in self.window.items():
            self.fields[name].initial = known
        # Once the work has begun, only its end can be moved.
        self.fields["start"].disabled = incident.has_begun(at=timezone.now())

    def update(self) -> Update:
        """With the window where the minutes that are shown were changed."""
        start, end = (self._chosen(name) for name in self.window)
        if not start or not end or (start, end) == tuple(self.window.values()):
            return super().update()
        return replace(super().update(), window=(start, end))

    def _chosen(self, name: str) -> datetime | None:
        known, chosen = self.window[name], self.cleaned_data.get(name)
        is_same = chosen is None or (known and _minute(chosen) == _minute(known))
        return known if is_same else chosen


class HeadForm(forms.Form):
    """What a new incident has beside its first update. Its id comes with the form, so that one form opens one incident."""

    name = LineField(label="Title", max_length=200)
    public_id = forms.RegexField(r"\A[0-9a-f]{12}\Z", required=False, initial=new_public_id, widget=forms.HiddenInput)

    def clean_public_id(self) -> str:
        return self.cleaned_data["public_id"] or new_public_id()


class IncidentForm(HeadForm, UpdateForm):
    """A new incident with its first update, or a draft on its way to the page."""

    impact = forms.ChoiceField(
        required=False,
        choices=[
            ("", "By the worst component below"),
            *(one for one in Impact.choices if one[0] != Impact.MAINTENANCE),
        ],
    )
    started_at = moment("Began", required=False, help_text="Where it is not just now. London time.")
    field_order = ["name", "impact", "started_at", "status", "body", "notify"]

    def __init__(self, incident: Incident | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(incident, *args, **kwargs)
        if incident:
            # A draft began when its probes were bad.
            del self.fields["started_at"]

    def clean_started_at(self) -> datetime | None:
        began: datetime | None = self.cleaned_data["started_at"]
        if began and began > timezone.now():
            raise ValidationError(NOT_YET)
        if began and "ended_at" not in self.fields and timezone.now() - began > LONGEST:
            raise ValidationError("That is longer than a month ago: look at the year.")
        return began

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        states = [self.cleaned_data.get(f"state_{one.slug}") for one in self.components]
        worst_state = worst(*(ComponentState(state) for state in states if state))
        if worst_state == ComponentState.OPERATIONAL and self.cleaned_data.get("impact") != Impact.NONE:
            self.add_error(None, "Say which component is touched, or choose the impact “None”.")
        self.cleaned_data["impact"] = self.cleaned_data.get("impact") or IMPACTS[worst_state]
        return cleaned


class PastForm(IncidentForm):
    """An incident that is over, written down afterwards: from when to when, and what was said at which time."""

    started_at = moment("Began", help_text="London time, as all times here.")
    ended_at = moment("Ended")
    investigating_at = moment("Investigating since", required=False, help_text="Optional, as the two below.")
    investigating = words("Told while investigating")
    identified_at = moment("Identified at", required=False)
    identified = words("Told when identified")
    monitoring_at = moment("Monitoring since", required=False)
    monitoring = words("Told while monitoring")
    field_order = ["name", "impact", "started_at", "ended_at", "status", "body", "notify"]

    def __init__(self, incident: None, *args: Any, **kwargs: Any) -> None:
        super().__init__(incident, *args, **kwargs)
        self.fields["notify"].initial = False
        self.fields["notify"].help_text = "One mail, which says that it is over and when it was."
        self.fields["body"].help_text = "What happened, what it meant for customers, and how it ended."

    def _statuses(self) -> list[str]:
        return [IncidentStatus.RESOLVED]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for status in SAYABLE[IncidentKind.INCIDENT]:
            if bool(self.cleaned_data.get(f"{status}_at")) != bool(self.cleaned_data.get(status)):
                self.add_error(status, "Give both the time and the words, or neither.")
        if not self.errors:
            try:
                check_past(self.said(), started_at=self.cleaned_data["started_at"], at=timezone.now())
            except RefusedError as error:
                self.add_error(None, str(error))
        return cleaned

    def said(self) -> list[Said]:
        facts, last = self.cleaned_data, self.update()
        earlier = [
            Said(facts[f"{status}_at"], replace(last, status=status, body=facts[status], notify=False))
            for status in SAYABLE[IncidentKind.INCIDENT]
            if facts[status]
        ]
        return [*earlier, Said(facts["ended_at"], last)]


class MaintenanceForm(HeadForm, UpdateForm):
    """A planned window with its announcement."""

    start = moment("Begins")
    end = moment("Ends")
    starts_itself = forms.BooleanField(label="Begins by itself", required=False, initial=True)
    ends_itself = forms.BooleanField(label="Ends by itself", required=False, initial=True)
    field_order = ["name", "start", "end", "starts_itself", "ends_itself", "status", "body", "notify"]

    @property
    def kind(self) -> IncidentKind:
        return IncidentKind.MAINTENANCE

    def _state_field(self, component: Component) -> forms.Field:
        return forms.BooleanField(label=component.name, required=False)

    def states(self) -> dict[Component, ComponentState]:
        return {one: ComponentState.MAINTENANCE for one in self.components if self.cleaned_data[f"state_{one.slug}"]}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end <= start:
            self.add_error("end", "The window must end after it begins.")
        if end and end <= timezone.now():
            self.add_error("end", "The window lies in the past; record it as an incident instead.")
        if not any(self.cleaned_data.get(f"state_{one.slug}") for one in self.components):
            self.add_error(None, "Say which component is touched.")
        return cleaned

    def is_short_notice(self, *, at: datetime) -> bool:
        """True where downtime in the window would count, because it is announced too late."""
        return bool(self.cleaned_data["start"] - at < ANNOUNCED_AHEAD)


class DismissForm(forms.Form):
    reason = forms.CharField(label="Why is it no incident?", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class TitleForm(forms.Form):
    """Another title, for a slip in the one that is on the page."""

    name = LineField(label="Title", max_length=200)
    reason = forms.CharField(label="Why?", max_length=500, initial="A slip of the pen.")
    seen_name = forms.CharField(widget=forms.HiddenInput, strip=False)
