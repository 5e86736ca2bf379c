"""The claim as people and programs send it: one form of validation for the page and the API."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from levqor.accounts.models import Plan
from levqor.cases.forms import FormWithFiles
from levqor.lib.business_time import LONDON
from levqor.lib.forms import AddressField, HumanForm, LineField, LongTextField

# A day of the calendar, and nothing or `T` behind it: Python takes weeks too, any sign before the time, and years in which
# London's clock cannot be told.
STARTS_WITH_DAY = re.compile(r"2\d{3}-?\d\d-?\d\d($|[Tt ])", re.ASCII)
DATE_HINT = "Use a date such as 2026-11-20, or a date and time such as 2026-11-20T14:30Z."


@dataclass(frozen=True)
class IncidentTime:
    """When it happened; `is_whole_day` where only a day was named."""

    at: datetime
    is_whole_day: bool

    @property
    def month(self) -> date:
        """The first day of the calendar month in UTC, which is what credits count in."""
        return self.at.astimezone(UTC).date().replace(day=1)


def read_incident_time(text: str) -> IncidentTime:
    """Reads an ISO 8601 date or date-time; without a zone it is London's. ValueError where it is neither."""
    if not STARTS_WITH_DAY.match(text):
        raise ValueError("It begins with no day of our century.")
    if len(text) <= len("2026-11-20"):
        # Noon: a day alone belongs to its own month, whatever the zone.
        return IncidentTime(datetime.combine(date.fromisoformat(text), time(12), LONDON).astimezone(UTC), True)
    moment = datetime.fromisoformat(text)
    return IncidentTime((moment if moment.tzinfo else moment.replace(tzinfo=LONDON)).astimezone(UTC), False)


class IncidentField(forms.CharField):
    """A date or a date and time as text; cleaned to an IncidentTime that is not in the future."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            incident = read_incident_time(text)
        except (ValueError, OverflowError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        now = timezone.now()
        # A day that has begun in London may be claimed for before its noon.
        is_future = incident.at.date() > now.astimezone(LONDON).date() if incident.is_whole_day else incident.at > now
        if is_future:
            raise ValidationError("This lies in the future. Enter when it happened.", code="in_the_future")
        return incident


class ClaimForm(forms.Form):
    """What every claim has. The names of the API stand in `POINTERS`."""

    POINTERS: ClassVar[dict[str, str]] = {
        "full_name": "fullName",
        "email": "email",
        "account": "account",
        "plan": "plan",
        "incident": "incidentDate",
        "description": "description",
    }

    full_name = LineField(
        label="Full name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your full name."},
    )
    email = AddressField(label="Work email", help_text="The confirmation and every answer go there.")
    account = LineField(
        label="Account or company",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": "Enter the name of your account or company."},
    )
    plan = forms.ModelChoiceField(
        Plan.objects.none(),
        label="Current plan",
        to_field_name="slug",
        empty_label="Choose a plan",
        error_messages={"required": "Choose your plan.", "invalid_choice": "Choose one of the plans."},
    )
    incident = IncidentField(
        label="When it happened",
        error_messages={"required": "Enter the date and time of the incident.", "invalid": DATE_HINT},
    )
    description = LongTextField(
        label="What you noticed",
        min_length=10,
        max_length=5000,
        help_text="What did not work, for how long, and what that meant for you. 10 to 5,000 characters.",
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": "Describe what you noticed."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Plan]", self.fields["plan"]).queryset = Plan.objects.order_by("position")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class IncidentWidget(forms.MultiWidget):
    """A day and a time, sent as one text."""

    use_fieldset = True
    template_name = "claims/_incident_widget.html"

    def __init__(self) -> None:
        super().__init__(
            {
                "date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
                "time": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            }
        )

    def decompress(self, value: Any) -> list[Any]:
        day, _, hour = str(value or "").partition("T")
        return [day, hour]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        day, hour = super().value_from_datadict(data, files, name)
        return f"{(day or '').strip()}T{(hour or '').strip()}" if day or hour else ""


class ClaimPageForm(FormWithFiles, HumanForm, ClaimForm):
    """The claim's page: every field is required, files may come along, and programs are told apart."""

    field_order = ["full_name", "email", "account", "plan", "incident", "description", "attachments"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].required = True
        incident = self.fields["incident"]
        incident.widget = IncidentWidget()
        incident.widget.is_required = True
        incident.help_text = "In London time. If you do not know the minute, your best guess is fine."
        incident.error_messages["invalid"] = "Enter both the date, such as 2026-11-24, and the time, such as 14:30."
