"""The forms of billing's pages: the back office's, and the one on which a customer chooses who gets the reminders."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from billing.models import DunningPolicy, DunningStep, PaymentFailure, StepAction, StepStatus, StepTemplate
from billing.models.policy import COVERED_BY, new_version
from billing.staff_actions import RESENDABLE
from levqor.accounts.models import Plan
from levqor.lib.forms import AddressField

MAX_STEPS = 6


class ReasonForm(forms.Form):
    """What every verb asks for: why. The words go to the audit trail."""

    reason = forms.CharField(
        label="Why?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the audit trail with your name.",
        error_messages={"required": "Say in a few words why; it is kept with your name."},
    )
    token = forms.UUIDField(widget=forms.HiddenInput)


class SteeringForm(ReasonForm):
    """The reason of a verb on one case; subclasses ask for what the verb needs besides."""

    seen_entry = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    @property
    def seen(self) -> int:
        """The newest entry of the trail that the person had seen of the case."""
        return int(self.cleaned_data["seen_entry"])

    def show_again(self, seen: int, problem: str) -> None:
        """Keeps what was typed, beside what is wrong with it, for a person who has now seen the case as it is."""
        posted: Any = self.data
        self.data = answers = posted.copy()
        answers["seen_entry"] = seen
        self.add_error(None, problem)


class NoteForm(SteeringForm):
    """What colleagues should know; it takes the place of a reason."""

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        self.fields["reason"].label = "Note"
        self.fields["reason"].help_text = "Kept for good with your name; no customer sees it."
        self.fields["reason"].error_messages["required"] = "Write the note first."


# Further away is a slip of the year.
LONGEST_PAUSE = timedelta(days=366)


class PauseForm(SteeringForm):
    until_date = forms.DateField(
        label="Pause until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="From the morning of this day mails may go out again. Empty: until somebody resumes.",
    )
    field_order = ["until_date", "reason"]

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        # A week is what most people ask for. A pause without an end is for those who clear the field on purpose.
        self.initial.setdefault("until_date", (self._today() + timedelta(days=7)).isoformat())

    def _today(self) -> date:
        return timezone.now().astimezone(self.case.account.zone).date()

    def clean_until_date(self) -> date | None:
        day: date | None = self.cleaned_data["until_date"]
        if day and day <= self._today():
            raise ValidationError("Choose a day after today, or clear the field to pause until somebody resumes.")
        if day and day > self._today() + LONGEST_PAUSE:
            raise ValidationError("Choose a day within a year, or clear the field to pause until somebody resumes.")
        return day

    def until(self) -> datetime | None:
        """The beginning of the chosen day where the customer is; None for a pause without end."""
        day = self.cleaned_data["until_date"]
        return datetime.combine(day, time(), tzinfo=self.case.account.zone) if day else None


class StepChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django takes no parameter at run time
    def label_from_instance(self, step: Any) -> str:
        when = timezone.localtime(step.sent_at or step.scheduled_for)
        state = step.get_status_display().lower()
        return f"Day {step.offset_days}: {step.get_template_display()} ({state}, {when:%-d %b %Y, %H:%M})"


class StepForm(SteeringForm):
    step = StepChoice(DunningStep.objects.none(), empty_label=None)
    field_order = ["step", "reason"]
    statuses: set[StepStatus] = set()

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        choice = self.fields["step"]
        assert isinstance(choice, StepChoice)  # noqa: S101  # declared so above
        choice.queryset = case.steps.filter(status__in=self.statuses).select_related("failure__account")


class SkipForm(StepForm):
    statuses = {StepStatus.PENDING}


class ResendForm(StepForm):
    statuses = RESENDABLE

    def __init__(self, case: PaymentFailure, *args: Any, **kwargs: Any) -> None:
        super().__init__(case, *args, **kwargs)
        newest = case.steps.filter(status__in=self.statuses).order_by("-attempt_number").first()
        self.initial.setdefault("step", newest)


class AddressForm(SteeringForm):
    email = AddressField(label="E-mail address")
    field_order = ["email", "reason"]


class StepRowForm(forms.Form):
    """One row of a policy; a row without a day is left out."""

    day = forms.IntegerField(min_value=1, max_value=90, required=False)
    template = forms.ChoiceField(choices=StepTemplate.choices, required=False)
    action = forms.ChoiceField(choices=StepAction.choices, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        place = int(str(self.prefix).rpartition("-")[2]) + 1 if str(self.prefix)[-1].isdecimal() else 0
        for name, label in (("day", "Day"), ("template", "Mail"), ("action", "What happens")):
            self.fields[name].widget.attrs["aria-label"] = f"{label}, step {place}"


StepRows = forms.formset_factory(StepRowForm, extra=0, min_num=MAX_STEPS, max_num=MAX_STEPS)
KINDS = tuple(dict.fromkeys(COVERED_BY.values()))


def _covering(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


class PolicyForm(forms.Form):
    plan = forms.ModelChoiceField(
        Plan.objects.all(), required=False, empty_label="All plans without a policy of their own"
    )
    note = forms.CharField(max_length=300, label="What changes, and why?")
    covers_changes = _covering("A change of plan within a period (proration)")
    covers_thresholds = _covering("Usage that reached a threshold")
    covers_single_invoices = _covering("Outside a renewal: made by hand, from a quote")

    def kinds(self) -> list[forms.BoundField]:
        """The fields that say which invoices are dunned besides those of a renewal."""
        return [self[name] for name in KINDS]

    def publish(self, rows: list[dict[str, Any]]) -> DunningPolicy | None:
        """The new version; None with the errors added to the form where the rows make no policy."""
        steps = [(row["day"], row["template"], row["action"]) for row in rows if row.get("day")]
        try:
            covers = {name: self.cleaned_data[name] for name in KINDS}
            return new_version(
                plan=self.cleaned_data["plan"], steps=steps, note=self.cleaned_data["note"], covers=covers
            )
        except ValidationError as error:
            self.add_error(None, error)
            return None


def rows_of(policy: DunningPolicy) -> list[dict[str, Any]]:
    """The steps of a version as initial rows, with empty ones after them."""
    rows = [{"day": step.offset_days, "template": step.template, "action": step.action} for step in policy.steps.all()]
    return rows + [{} for _ in range(MAX_STEPS - len(rows))]
